//! What messages tell an operator to do is done literally, once: commands are run by a shell as they are
//! printed, with `DIR` filled in, and variables are set to the values that are named.

use anyhow::{Context, Result};
use serde_json::json;
use windlass_harness::{Artifact, Ca, Mariadb, MariadbOptions, MysqlKind, WorkDir};
use windlass_suite::{Login, Options, Ran, STEPS, World, made_up_password, skip, typed};

use crate::desk::Desk;

/// The command of ours that follows `before`, with the plugins and what reaches the shared server.
async fn run(desk: &Desk, text: &str, before: &str, more: &str) -> Result<Ran> {
    let (_, command) = text.split_once(before).with_context(|| text.to_owned())?;
    let command = command.lines().next().unwrap_or_default().split("; or").next();
    let command = command.unwrap_or_default();
    let plugins = Artifact::Plugins.path()?;
    let bundle = desk.world.database().ca().certificate();
    let folder = format!(
        "'{}' --ca-bundle '{}' --grant 'tcp://localhost:*'",
        plugins.display(),
        bundle.display()
    );
    typed(&format!("{}{more}", command.replace("DIR", &folder))).await
}

/// The command of AWS's that follows `before`.
async fn aws(world: &World, text: &str, before: &str) -> Result<()> {
    let (_, command) = text.split_once(before).with_context(|| text.to_owned())?;
    let command = command.split("; or").next().unwrap_or_default().trim();
    let python = Artifact::Python.path()?;
    let program = python.with_file_name("aws");
    let ran = typed(&format!(
        "export AWS_ENDPOINT_URL='{}' AWS_DEFAULT_REGION=us-east-1; \
         export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any; aws() {{ '{}' \"$@\"; }}; {command}",
        world.secrets().endpoint(),
        program.display()
    ))
    .await?;
    assert_eq!(ran.code, Some(0), "{command}: {}{}", ran.stdout, ran.stderr);
    Ok(())
}

/// A rotation that stopped after the change, long ago.
async fn stuck(name: &str) -> Result<(Desk, String)> {
    let desk = Desk::set_up(name).await?;
    let token = desk.world.begin(&desk.secret).await?;
    desk.world.steps(&["createSecret", "setSecret"], &desk.secret, &token).await?;
    desk.age(&desk.secret, &token)?;
    let status = desk.run(&["status"], &[]).await?;
    assert_eq!(status.code, Some(7), "{}{}", status.stdout, status.stderr);
    Ok((desk, status.stdout))
}

async fn assert_mended(desk: &Desk, ran: &Ran) -> Result<()> {
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let current = desk.world.current(&desk.secret).await?;
    assert!(current.signs_in(desk.world.database()).await?);
    let status = desk.run(&["status"], &[]).await?;
    assert_eq!(status.code, Some(0), "{}", status.stdout);
    Ok(())
}

#[tokio::test]
async fn a_stuck_rotation_is_taken_up_or_given_up_by_the_commands_of_status() -> Result<()> {
    let (desk, status) = stuck("remedies_rotate").await?;
    let ran = run(&desk, &status, "continue it: ", "").await?;
    assert_mended(&desk, &ran).await?;
    let (desk, status) = stuck("remedies_repair").await?;
    let plan = run(&desk, &status, "or abandon it: ", "").await?;
    assert!(plan.stdout.ends_with("--yes does it without asking\n"), "{}", plan.stdout);
    let ran = run(&desk, &status, "or abandon it: ", " --yes").await?;
    assert_mended(&desk, &ran).await
}

#[tokio::test]
async fn a_rotation_that_may_run_is_stopped_by_the_command_of_repair() -> Result<()> {
    let desk = Desk::set_up("remedies_stop").await?;
    let token = desk.world.begin(&desk.secret).await?;
    desk.world.steps(&["createSecret"], &desk.secret, &token).await?;
    let refused = desk.run_with_plugins(&["repair"], &["--yes"]).await?;
    assert_eq!(refused.code, Some(3), "{}{}", refused.stdout, refused.stderr);
    aws(&desk.world, &refused.stderr, "or stop it: ").await?;
    let ran = desk.run_with_plugins(&["repair"], &["--yes"]).await?;
    assert_mended(&desk, &ran).await
}

#[tokio::test]
async fn a_pending_version_of_an_edited_secret_is_removed_by_the_command_of_the_error() -> Result<()>
{
    let desk = Desk::set_up("remedies_edited").await?;
    let (world, secret) = (&desk.world, &desk.secret);
    let token = world.begin(secret).await?;
    world.steps(&["createSecret"], secret, &token).await?;
    let mut value = desk.login.secret(world.database().postgres().port());
    value["note"] = "edited".into();
    world.put_current(secret, &value).await?;
    let error = world.failure("setSecret", secret, &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.Mismatch", "{}", error.message);
    aws(world, &error.message, "abandon this rotation and start another: ").await?;
    let token = world.begin(secret).await?;
    world.steps(&STEPS, secret, &token).await?;
    assert!(world.current(secret).await?.signs_in(world.database()).await?);
    Ok(())
}

/// The value of a setting in a remedy.
fn setting<'a>(text: &'a str, before: &str) -> Result<&'a str> {
    let (_, rest) = text.split_once(before).with_context(|| text.to_owned())?;
    rest.split([' ', ',', ';']).next().context("no value")
}

#[tokio::test]
async fn a_policy_is_served_once_the_settings_are_as_the_errors_say() -> Result<()> {
    let kind = MysqlKind::Mariadb;
    if let Some(why) = Mariadb::missing(kind) {
        skip(&format!("mariadb: {why}"));
        return Ok(());
    }
    let work = WorkDir::new()?;
    let ca = Ca::new(work.path(), "ca")?;
    let server = Mariadb::start(&ca, MariadbOptions { kind, ..MariadbOptions::default() }).await?;
    let old = Login::new("remedies_policy", made_up_password("remedies_policy"));
    let create = format!("CREATE USER remedies_policy@'%' IDENTIFIED BY '{}'", old.password);
    server.admin(&create).await?;
    server
        .admin(
            "INSTALL SONAME 'simple_password_check'; \
             SET GLOBAL simple_password_check_minimal_length = 40",
        )
        .await?;
    let ca_bundle = Some(ca.certificate().to_owned());
    let mut world = World::with(Options { ca_bundle, ..Options::by_hand() }).await?;
    let secret = "remedies/policy";
    let value = json!({
        "engine": "mariadb", "host": "localhost", "port": server.port(),
        "username": old.username, "password": old.password,
    });
    world.create_secret(secret, &value).await?;

    let token = world.begin(secret).await?;
    world.steps(&["createSecret"], secret, &token).await?;
    let error = world.failure("setSecret", secret, &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.TextRequired", "{}", error.message);
    let allowed = setting(&error.message, "inside TLS: WINDLASS_SEND_TEXT=")?;
    world.restart_function_with("WINDLASS_SEND_TEXT", allowed)?;
    let error = world.failure("setSecret", secret, &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.PasswordRejected", "{}", error.message);
    let longer = setting(&error.message, "set PASSWORD_LENGTH to ")?;
    world.restart_function_with("PASSWORD_LENGTH", longer)?;
    // It was given up: the next RotateSecret is not refused, and makes another password.
    let token = world.begin(secret).await?;
    world.steps(&STEPS, secret, &token).await?;
    let new = world.current(secret).await?;
    assert_eq!(new.password.len().to_string(), longer);
    server.sql(&new.username, &new.password, "SELECT 1").await?;
    let refused = server.sql(&old.username, &old.password, "SELECT 1").await.err();
    assert!(refused.is_some_and(|error| error.is_refused()), "the old password signs in");
    Ok(())
}
