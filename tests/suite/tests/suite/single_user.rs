//! One account, rotated by RotateSecret through the function: by itself, and by an administrator.

use anyhow::Result;
use serde_json::{Value, json};
use windlass_harness::{Fault, Proxy};
use windlass_suite::{Login, Options, World, error_of};

/// What has to hold after every rotation, as seen by others than the function.
async fn assert_moved(world: &World, secret: &str, old: &Login, new: &Login) -> Result<()> {
    let database = world.database();
    assert!(new.signs_in(database).await?, "the new password signs in");
    assert!(!old.signs_in(database).await?, "the old password is refused");
    let previous = Login::of(&world.secrets().secret(secret, "AWSPREVIOUS").await?)?;
    assert!(previous == *old, "AWSPREVIOUS has the old password");
    assert!(!database.logged(&new.password)?, "the new password is in the server's log");
    let log = world.function_log()?;
    assert!(!log.contains(&new.password) && !log.contains(&old.password), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_user_changes_its_own_password_again_and_again_in_one_process() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let mut old = database.account("single_own", "").await?;
    let value = old.secret(database.postgres().port());
    world.create_secret("single/own", &value).await?;
    for _ in 0..3 {
        let new = world.rotate("single/own").await?;
        assert_eq!(new.username, "single_own");
        assert_eq!(new.password.chars().count(), 32);
        assert_moved(&world, "single/own", &old, &new).await?;
        old = new;
    }
    // Those three are this test's own, by psql.
    assert_eq!(database.refused_sign_ins("single_own")?, 3);
    Ok(())
}

#[tokio::test]
async fn every_line_of_a_functions_log_carries_the_id_of_its_invocation() -> Result<()> {
    for level in ["error", "info", "trace"] {
        let options = Options::by_hand().with("WINDLASS_LOG", level);
        let world = World::with(options).await?;
        let value = Login::new("single_logged", "a password that is wrong").secret(1);
        world.create_secret("single/logged", &value).await?;
        let token = world.begin("single/logged").await?;
        world.steps(&["createSecret"], "single/logged", &token).await?;
        world.failure("setSecret", "single/logged", &token).await?;
        let mut lines = world.function()?.log_lines()?;
        // Lambda's runtime repeats errors after the invocation, in lines of its own.
        lines.retain(|line| !line["target"].as_str().is_some_and(|t| t.starts_with("lambda_")));
        assert!(!lines.is_empty(), "nothing was logged at {level}");
        let invocations = world.lambda().invocations();
        for line in lines {
            let id = line["span"]["request_id"].as_str();
            let known = invocations.iter().any(|one| Some(one.request_id.as_str()) == id);
            assert!(known, "at {level}: {line}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_administrator_changes_the_password_of_a_user_where_a_tag_says_so() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let port = database.postgres().port();
    let old = database.account("single_led", "").await?;
    let admin = world.create_admin_secret("single/led-admin", port).await?;
    let mut value = old.secret(port);
    value["masterarn"] = Value::from(admin);
    world.create_secret("single/led", &value).await?;
    world.tag("single/led", "windlass:strategy", "single-user").await?;

    let new = world.rotate("single/led").await?;
    assert_eq!(new.username, "single_led");
    assert_moved(&world, "single/led", &old, &new).await?;
    assert!(database.superuser().signs_in(database).await?, "the administrator's is unchanged");
    Ok(())
}

#[tokio::test]
async fn keys_that_nobody_here_knows_stay_as_they_are_and_where_they_are() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let old = database.account("single_keys", "").await?;
    let port = database.postgres().port();
    let text = format!(
        r#"{{"z":1.50,"engine":"postgres","host":"localhost","big":12345678901234567890123,"nested":{{"password":"kept"}},"port":"{port}","username":"single_keys","é":null,"password":"{}"}}"#,
        old.password
    );
    world.create_text("single/keys", &text).await?;
    let new = world.rotate("single/keys").await?;
    let input = json!({ "SecretId": "single/keys" });
    let output = world.secrets().call("GetSecretValue", &input).await?;
    let expected = text.replace(&old.password, &new.password);
    assert_eq!(output["SecretString"].as_str(), Some(expected.as_str()));
    assert_moved(&world, "single/keys", &old, &new).await
}

#[tokio::test]
async fn two_secrets_rotated_at_once_both_end_well() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let port = database.postgres().port();
    let mut old = Vec::new();
    for name in ["single_pair_a", "single_pair_b"] {
        let login = database.account(name, "").await?;
        world.create_secret(name, &login.secret(port)).await?;
        old.push(login);
    }
    let (a, b) = tokio::join!(world.rotate("single_pair_a"), world.rotate("single_pair_b"));
    for (old, new) in old.iter().zip([a?, b?]) {
        assert_eq!(old.username, new.username);
        assert_moved(&world, &new.username, old, &new).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_variables_of_aws_templates_shape_the_password() -> Result<()> {
    type Row<'a> = (&'a [(&'a str, &'a str)], fn(&str) -> bool);
    let rows: [Row<'_>; 3] = [
        (&[("PASSWORD_LENGTH", "50"), ("EXCLUDE_CHARACTERS", "aeiou")], |password| {
            password.len() == 50 && !password.contains(['a', 'e', 'i', 'o', 'u'])
        }),
        (&[("EXCLUDE_PUNCTUATION", "true"), ("EXCLUDE_NUMBERS", "1")], |password| {
            password.len() == 32 && password.bytes().all(|byte| byte.is_ascii_alphabetic())
        }),
        (&[("EXCLUDE_LOWERCASE", "true"), ("EXCLUDE_UPPERCASE", "yes")], |password| {
            !password.bytes().any(|byte| byte.is_ascii_alphabetic())
        }),
    ];
    for (number, (variables, holds)) in rows.into_iter().enumerate() {
        let mut options = windlass_suite::Options::default();
        for (variable, value) in variables {
            options = options.with(variable, *value);
        }
        let world = World::with(options).await?;
        let database = world.database();
        let name = format!("single_shape_{number}");
        let old = database.account(&name, "").await?;
        world.create_secret(&name, &old.secret(database.postgres().port())).await?;
        let new = world.rotate(&name).await?;
        assert!(holds(&new.password), "{variables:?} made {}", new.password);
        assert_moved(&world, &name, &old, &new).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_database_that_was_away_for_a_moment_is_rotated_when_it_is_back() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let proxy = Proxy::start(database.postgres().address()).await?;
    let old = database.account("single_away", "").await?;
    world.create_secret("single/away", &old.secret(proxy.port())).await?;
    proxy.fail_next(Fault::Refuse);

    let token = world.begin("single/away").await?;
    let steps = world.outcome(&token).await?;
    let failed = steps.last().map(|step| step.outcome.clone());
    let error = error_of(failed.ok_or_else(|| anyhow::anyhow!("no step ran"))?)?;
    assert_eq!(error.kind, "Windlass.Service.Unreachable", "{}", error.message);
    assert!(!error.message.contains(&old.password), "{}", error.message);

    // Secrets Manager attempts it again with the same token, all by itself.
    let finished = world.lambda().wait_for(|calls| {
        let last = calls.last()?;
        (last.step() == "finishSecret").then(|| last.outcome.clone())
    });
    let limit = std::time::Duration::from_secs(30);
    let outcome = windlass_suite::within(limit, "another attempt", finished).await?;
    assert!(outcome.error().is_none(), "{outcome:?}");
    let new = world.current("single/away").await?;
    assert_moved(&world, "single/away", &old, &new).await
}
