//! Administrators that can't be right, and a password that nobody knows: said through the function
//! to the letter, with nothing changed.
//!
//! The texts are in `golden/bad_admins.txt` and `golden/bad_passwords.txt`.

use anyhow::Result;
use serde_json::Value;
use windlass_harness::Outcome;
use windlass_suite::{Login, Options, World, golden, made_up_password};

use crate::bad_input::{PASSWORD, steady, tell};

#[tokio::test]
async fn an_admin_secret_that_can_not_be_right_is_refused_before_anything_is_changed() -> Result<()>
{
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let port = database.postgres().port();
    let login = database.account("bad_admin", "").await?;
    let mut elsewhere = database.superuser().secret(port);
    elsewhere["host"] = Value::from("elsewhere.example");
    world.create_secret("admin/elsewhere", &elsewhere).await?;
    let mut other_engine = database.superuser().secret(port);
    other_engine["engine"] = Value::from("mysql");
    world.create_secret("admin/other-engine", &other_engine).await?;
    let wrong = Login::new("master", made_up_password("a wrong one"));
    world.create_secret("admin/wrong-password", &wrong.secret(port)).await?;
    world.create_secret("admin/the-user", &login.secret(port)).await?;

    let mut text = String::new();
    for (case, admin) in [
        ("itself", "led/itself"),
        ("nothing", "admin/nothing"),
        ("elsewhere", "admin/elsewhere"),
        ("other engine", "admin/other-engine"),
        ("wrong password", "admin/wrong-password"),
        ("the user", "admin/the-user"),
    ] {
        let secret = format!("led/{}", case.replace(' ', "-"));
        let mut value = login.secret(port);
        value["masterarn"] = Value::from(admin);
        world.create_secret(&secret, &value).await?;
        if case == "the user" {
            world.tag(&secret, "windlass:strategy", "single-user").await?;
        }
        let token = world.begin(&secret).await?;
        let error = match world.step("createSecret", &secret, &token).await? {
            Outcome::Failed(error) => error,
            Outcome::Answered(_) => world.failure("setSecret", &secret, &token).await?,
        };
        let error = steady(error, &[(&port.to_string(), "PORT")]);
        assert!(!error.message.contains(&wrong.password), "{}", error.message);
        tell(&mut text, &format!("masterarn: {case}"), &error)?;
        assert!(login.signs_in(database).await?, "{case}: the password was changed");
    }

    let long = "a_name_of_sixty_bytes_a_name_of_sixty_bytes_a_name_of_sixty_";
    let mut value = Login::new(long, PASSWORD).secret(port);
    value["masterarn"] = Value::from("admin/elsewhere");
    world.create_secret("led/long-name", &value).await?;
    let token = world.begin("led/long-name").await?;
    let error = world.failure("createSecret", "led/long-name", &token).await?;
    tell(&mut text, "a name too long for a clone", &error)?;

    world.create_secret("led/no-admin", &Login::new("somebody", PASSWORD).secret(port)).await?;
    for (tag, case) in [("alternating-users", "no masterarn"), ("both", "unknown strategy")] {
        world.tag("led/no-admin", "windlass:strategy", tag).await?;
        let token = world.begin("led/no-admin").await.or_else(|_| World::token())?;
        let token = match world.secrets().version_at("led/no-admin", "AWSPENDING").await? {
            Some(pending) => pending,
            None => token,
        };
        let error = world.failure("createSecret", "led/no-admin", &token).await?;
        tell(&mut text, &format!("alternating users: {case}"), &error)?;
    }
    golden("bad_admins.txt", &text)
}

#[tokio::test]
async fn a_password_that_nobody_knows_is_said_so_and_nothing_is_changed() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let login = database.account("bad_lost", "").await?;
    let port = database.postgres().port();
    let lost = Login::new("bad_lost", PASSWORD);
    world.create_secret("lost", &lost.secret(port)).await?;
    let token = world.begin("lost").await?;
    world.steps(&["createSecret"], "lost", &token).await?;
    let error = world.failure("setSecret", "lost", &token).await?;
    let mut text = String::new();
    tell(&mut text, "no password signs in", &steady(error, &[(&port.to_string(), "PORT")]))?;
    assert!(login.signs_in(database).await?);
    assert_eq!(database.refused_sign_ins("bad_lost")?, 2, "one for each password that it has");
    golden("bad_passwords.txt", &text)
}
