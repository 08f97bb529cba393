//! One account, rotated by RotateSecret through the function: what the host does alike for every
//! engine. The rotation itself is in `conformance`.

use anyhow::Result;
use serde_json::json;
use windlass_suite::{Login, Options, World};

/// What has to hold after every rotation, as seen by others than the function.
async fn assert_moved(world: &World, secret: &str, old: &Login, new: &Login) -> Result<()> {
    let database = world.database();
    assert!(new.signs_in(database).await?, "the new password signs in");
    assert!(!old.signs_in(database).await?, "the old password is refused");
    let previous = Login::from_secret(&world.secrets().secret(secret, "AWSPREVIOUS").await?)?;
    assert!(previous == *old, "AWSPREVIOUS has the old password");
    assert!(!database.logged(&new.password)?, "the new password is in the server's log");
    let log = world.function_log()?;
    assert!(!log.contains(&new.password) && !log.contains(&old.password), "{log}");
    Ok(())
}

#[tokio::test]
async fn every_line_of_a_functions_log_carries_the_id_of_its_invocation() -> Result<()> {
    for level in ["error", "info", "trace"] {
        let options = Options::by_hand().with("WINDLASS_LOG", level);
        let world = World::with(options).await?;
        let value = Login::made_up("single_logged").secret(1);
        world.create_secret("single/logged", &value).await?;
        let token = world.begin("single/logged").await?;
        world.steps(&["createSecret"], "single/logged", &token).await?;
        world.failure("setSecret", "single/logged", &token).await?;
        let lines = world.function()?.log_lines()?;
        assert!(!lines.is_empty(), "nothing was logged at {level}");
        let errors: Vec<_> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
        assert_eq!(errors.len(), 1, "an alarm counts one failure at {level}: {errors:?}");
        assert!(errors[0]["error_type"].is_string(), "{errors:?}");
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
