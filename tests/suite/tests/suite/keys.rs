//! A KMS key that can't be used, the secret's own or the admin secret's: the error names the key's
//! permissions, nothing is changed, and with the key mended the same rotation ends well.
//!
//! The store acts such keys out by their names. The texts are in `golden/keys.txt`.

use anyhow::Result;
use serde_json::{Value, json};
use windlass_suite::{Login, Options, STEPS, World, golden};

use crate::bad_input::{steady, tell};

/// The keys, and the first step of which each stops a rotation.
const KEYS: [(&str, &str); 4] = [
    ("alias/windlass-denied", "createSecret"),
    ("alias/windlass-decrypt-only", "createSecret"),
    ("alias/windlass-disabled", "createSecret"),
    ("alias/windlass-pending-deletion", "createSecret"),
];

/// Gives a secret another key; an empty name is the service's own, which works.
async fn set_key(world: &World, secret: &str, key: &str) -> Result<()> {
    let change = json!({ "SecretId": secret, "KmsKeyId": key });
    world.secrets().call("UpdateSecret", &change).await?;
    Ok(())
}

#[tokio::test]
async fn where_the_secrets_key_can_not_be_used_nothing_changes_until_it_can() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let mut text = String::new();
    for (key, stops) in KEYS {
        // The key may fail at any time: before each step of a rotation.
        for (done, step) in STEPS.into_iter().enumerate() {
            if step != stops && key.ends_with("decrypt-only") {
                continue;
            }
            let name = format!("key_{}_{done}", key.trim_start_matches("alias/windlass-"));
            let first = database.account(&name, "").await?;
            let secret = format!("key/{name}");
            world.create_secret(&secret, &first.secret(database.postgres().port())).await?;
            let token = world.begin(&secret).await?;
            world.steps(STEPS.get(..done).unwrap_or_default(), &secret, &token).await?;
            let known = if done < 2 { first.clone() } else { world.pending(&secret).await? };
            let labels = world.labels(&secret).await?;

            set_key(&world, &secret, key).await?;
            let error = world.failure(step, &secret, &token).await?;
            assert_eq!(error.kind, "Windlass.Operator.KmsKey", "{}", error.message);
            let arn = secret_arn(&world, &secret).await?;
            let error = steady(error, &[(&token, "TOKEN"), (&arn, "ARN")]);
            assert!(!error.message.contains(&known.password), "{}", error.message);
            tell(&mut text, &format!("{key}, {step}"), &error)?;
            assert_eq!(world.labels(&secret).await?, labels, "{key}, {step}: labels moved");
            assert!(known.signs_in(database).await?, "{key}, {step}: the password was changed");

            set_key(&world, &secret, "").await?;
            world.steps(&STEPS, &secret, &token).await?;
            let new = world.current(&secret).await?;
            assert!(new.signs_in(database).await? && !first.signs_in(database).await?);
        }
    }
    golden("keys.txt", &text)
}

#[tokio::test]
async fn where_the_admin_secrets_key_can_not_be_used_the_error_names_that_secret() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let port = database.postgres().port();
    let mut text = String::new();
    for (key, _) in KEYS {
        let name = format!("key_admin_{}", key.trim_start_matches("alias/windlass-"));
        let first = database.account(&name, "").await?;
        let admin = format!("key/{name}/admin");
        world.create_admin_secret(&admin, port).await?;
        let mut value = first.secret(port);
        value["masterarn"] = Value::from(admin.as_str());
        let secret = format!("key/{name}");
        world.create_secret(&secret, &value).await?;
        let token = world.begin(&secret).await?;
        world.steps(&["createSecret"], &secret, &token).await?;
        let labels = world.labels(&secret).await?;

        set_key(&world, &admin, key).await?;
        if key.ends_with("decrypt-only") {
            // Nobody writes the admin secret.
            world.steps(&["setSecret"], &secret, &token).await?;
        } else {
            let error = world.failure("setSecret", &secret, &token).await?;
            assert_eq!(error.kind, "Windlass.Operator.KmsKey", "{}", error.message);
            assert!(error.message.contains(&admin), "{}", error.message);
            tell(&mut text, key, &error)?;
            assert_eq!(world.labels(&secret).await?, labels, "{key}: labels moved");
            let clone = Login::new(format!("{name}_clone"), String::new());
            let made = format!(
                "SELECT count(*) FROM pg_roles WHERE rolname = {}",
                Login::literal(&clone.username)
            );
            assert_eq!(database.admin(&made).await?, "0", "{key}: an account was made");
        }
        set_key(&world, &admin, "").await?;
        world.steps(&STEPS, &secret, &token).await?;
        let new = world.current(&secret).await?;
        assert!(new.signs_in(database).await? && first.signs_in(database).await?);
    }
    golden("keys_of_admins.txt", &text)
}

async fn secret_arn(world: &World, secret: &str) -> Result<String> {
    let found = world.secrets().call("DescribeSecret", &json!({ "SecretId": secret })).await?;
    Ok(found["ARN"].as_str().unwrap_or_default().to_owned())
}
