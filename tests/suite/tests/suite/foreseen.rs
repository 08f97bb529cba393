//! What stands in the way of a rotation and can be known without a connection is said before the new
//! password is stored: then the secret, the grant or the file is corrected, and the same rotation goes on.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;
use windlass_suite::{Login, Options, STEPS, World};

/// createSecret fails so, and nothing was stored or tried.
async fn fails(world: &World, secret: &str, kind: &str, part: &str) -> Result<String> {
    let token = world.begin(secret).await?;
    let error = world.failure("createSecret", secret, &token).await?;
    assert_eq!(error.kind, kind, "{}", error.message);
    assert!(error.message.contains(part), "no `{part}` in: {}", error.message);
    assert!(world.pending(secret).await.is_err(), "nothing is stored");
    Ok(token)
}

#[tokio::test]
async fn a_place_that_is_not_granted() -> Result<()> {
    let grants = Some("tcp://*.rds.amazonaws.com:5432,tcp://169.254.0.0/16:5432".to_owned());
    let world = World::with(Options { grants, ..Options::by_hand() }).await?;
    let login = Login::made_up("foreseen_grant");
    for (name, host, part) in [
        ("name", "db.elsewhere.example", "the operator did not grant this host and port"),
        ("address", "10.0.0.1", "the operator did not grant this host and port"),
        ("metadata", "169.254.169.254", "metadata addresses are never reachable"),
    ] {
        let mut value = login.secret(5432);
        value["host"] = Value::from(host);
        let secret = format!("foreseen/{name}");
        world.create_secret(&secret, &value).await?;
        fails(&world, &secret, "Windlass.Operator.NotGranted", part).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_bundle_of_roots_that_is_not_there() -> Result<()> {
    let ca_bundle = Some(PathBuf::from("/nowhere/roots.pem"));
    let mut world = World::with(Options { ca_bundle, ..Options::by_hand() }).await?;
    let database = world.database();
    let login = database.account("foreseen_roots", "").await?;
    let secret = "foreseen/roots";
    world.create_secret(secret, &login.secret(database.postgres().port())).await?;
    let part = "the CA bundle `/nowhere/roots.pem` can't be used";
    let token = fails(&world, secret, "Windlass.Service.TlsFailed", part).await?;
    assert_eq!(database.refused_sign_ins("foreseen_roots")?, 0);
    // Corrected, the same rotation goes on.
    let roots = database.ca().certificate().to_string_lossy().into_owned();
    world.kill_idle_function().await?;
    world.restart_function_with("WINDLASS_CA_BUNDLE", &roots)?;
    world.steps(&STEPS, secret, &token).await?;
    assert!(world.current(secret).await?.signs_in(database).await?);
    Ok(())
}
