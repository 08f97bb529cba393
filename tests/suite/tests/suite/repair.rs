//! `windlass status` finds what a rotation left behind, and `windlass repair` mends it.

use anyhow::Result;
use serde_json::{Value, json};
use windlass_suite::{Login, STEPS, World};

use crate::desk::Desk;

/// What a person does who wants to be rid of a rotation: it is cancelled.
async fn cancel(world: &World, secret: &str) -> Result<()> {
    world.secrets().call("CancelRotateSecret", &json!({ "SecretId": secret })).await?;
    Ok(())
}

async fn take_label(world: &World, secret: &str, token: &str) -> Result<()> {
    let change = json!({
        "SecretId": secret, "VersionStage": "AWSPENDING", "RemoveFromVersionId": token,
    });
    world.secrets().call("UpdateSecretVersionStage", &change).await?;
    Ok(())
}

/// A backup brings an older password back.
async fn restore(world: &World, login: &Login) -> Result<()> {
    let (name, password) = (Login::identifier(&login.username), Login::literal(&login.password));
    world.database().admin(&format!("ALTER ROLE {name} PASSWORD {password}")).await?;
    Ok(())
}

/// Repairs and checks what has to hold: a plan first, then what it said, and a proof.
async fn repair(desk: &Desk, plan: &[&str]) -> Result<()> {
    let database = desk.world.database();
    let before = desk.world.current(&desk.secret).await?;
    let refused = database.refused_sign_ins(&desk.login.username)?;
    let ran = desk.run_with_plugins(&["repair"], &[]).await?;
    assert_eq!(ran.code, Some(7), "{}{}", ran.stdout, ran.stderr);
    for part in plan {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(ran.stdout.ends_with("nothing was changed; --yes does it without asking\n"));
    assert!(desk.world.current(&desk.secret).await? == before, "a plan changes nothing");

    let ran = desk.run_with_plugins(&["repair"], &["--yes", "--output", "json"]).await?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let told = ran.json()?;
    assert_eq!(told["done"], true);
    assert!(told["proof"].as_str().is_some_and(|proof| proof.contains("signs in at localhost:")));
    // Two looks, each with no more than one try of each of four passwords.
    assert!(database.refused_sign_ins(&desk.login.username)? - refused <= 2 * 4);

    let current = desk.world.current(&desk.secret).await?;
    assert!(current.signs_in(database).await?, "AWSCURRENT signs in");
    let status = desk.run(&["status"], &[]).await?;
    assert_eq!(status.code, Some(0), "nothing is stuck: {}", status.stdout);
    let again = desk.run_with_plugins(&["repair"], &[]).await?;
    assert!(again.stdout.ends_with("there is nothing to repair\n"), "{}", again.stdout);
    let token = desk.world.begin(&desk.secret).await?;
    desk.world.steps(&STEPS, &desk.secret, &token).await?;
    assert!(desk.world.current(&desk.secret).await?.signs_in(database).await?);
    Ok(())
}

#[tokio::test]
async fn a_rotation_that_was_cancelled_before_anything_changed_is_given_up() -> Result<()> {
    for (name, done) in [("repair_empty", 0), ("repair_created", 1)] {
        let desk = Desk::set_up(name).await?;
        let token = desk.world.begin(&desk.secret).await?;
        desk.world.steps(STEPS.get(..done).unwrap_or_default(), &desk.secret, &token).await?;
        cancel(&desk.world, &desk.secret).await?;
        let status = desk.run(&["status"], &[]).await?;
        assert_eq!(status.code, Some(7));
        for part in ["rotation is turned off", "windlass repair --secret-id", " --store '"] {
            assert!(status.stdout.contains(part), "{part}: {}", status.stdout);
        }
        repair(&desk, &["signs in with the AWSCURRENT password", "remove AWSPENDING from version"])
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_rotation_that_stopped_after_the_change_becomes_current() -> Result<()> {
    let desk = Desk::set_up("repair_set").await?;
    let token = desk.world.begin(&desk.secret).await?;
    desk.world.steps(&["createSecret", "setSecret"], &desk.secret, &token).await?;
    let pending = desk.world.pending(&desk.secret).await?;

    // For all that anybody knows, it is running.
    let status = desk.run(&["status"], &[]).await?;
    assert_eq!(status.code, Some(0), "{}", status.stdout);
    let running = format!("running   the rotation to version {token} has been in progress for");
    assert!(status.stdout.contains(&running), "{}", status.stdout);
    assert!(status.stdout.contains("it counts as stuck after 15 min"), "{}", status.stdout);
    let told = desk.run(&["status", "--output", "json"], &[]).await?.json()?;
    assert_eq!(told["under_way"]["version"].as_str(), Some(&*token), "{told}");
    assert_eq!(told["stuck"], Value::from(Vec::<Value>::new()));
    let ran = desk.run_with_plugins(&["repair"], &["--yes"]).await?;
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("may be running that a repair would break"), "{}", ran.stderr);
    let ran = desk.run_with_plugins(&["repair"], &["--interrupt"]).await?;
    assert!(ran.stdout.contains("move AWSCURRENT from"), "{}{}", ran.stdout, ran.stderr);

    desk.age(&desk.secret, &token)?;
    repair(&desk, &["refused with the AWSCURRENT", "move AWSCURRENT from", &token]).await?;
    assert!(desk.login != pending);
    Ok(())
}

#[tokio::test]
async fn the_password_of_an_abandoned_rotation_gives_way_to_the_current_one() -> Result<()> {
    let desk = Desk::set_up("repair_orphan").await?;
    let token = desk.world.begin(&desk.secret).await?;
    desk.world.steps(&["createSecret", "setSecret"], &desk.secret, &token).await?;
    take_label(&desk.world, &desk.secret, &token).await?;
    assert!(!desk.login.signs_in(desk.world.database()).await?, "applications are locked out");
    let orphan = format!("unlabelled version {token}");
    repair(&desk, &[&orphan, "set the password of `repair_orphan`"]).await
}

#[tokio::test]
async fn a_database_restored_from_a_backup_gets_the_current_password_again() -> Result<()> {
    let desk = Desk::set_up("repair_backup").await?;
    let token = desk.world.begin(&desk.secret).await?;
    desk.world.steps(&STEPS, &desk.secret, &token).await?;
    restore(&desk.world, &desk.login).await?;
    repair(&desk, &["the AWSPREVIOUS password", "set the password of `repair_backup`"]).await
}

#[tokio::test]
async fn status_looks_at_every_secret() -> Result<()> {
    let desk = Desk::set_up("repair_all").await?;
    let world = &desk.world;
    let value = desk.login.secret(world.database().postgres().port());
    for number in 0..11 {
        world.create_secret(&format!("all/{number}"), &value).await?;
    }
    let stuck = world.begin("all/7").await?;
    desk.age("all/7", &stuck)?;
    world.begin("all/8").await?;
    let store = world.store();
    let run = async |more: &[&str]| {
        let mut arguments = vec!["status", "--store", store.to_str().unwrap_or_default()];
        arguments.extend(more);
        windlass_suite::windlass(&arguments, &[]).await
    };
    let ran = run(&[]).await?;
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("secret    ").count(), 12, "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("stuck     version").count(), 1, "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("running   the rotation").count(), 1, "{}", ran.stdout);
    let end = "12 secrets, 1 stuck, 0 that could not be examined\n";
    assert!(ran.stdout.ends_with(end), "{}", ran.stdout);
    let told = run(&["--output", "json"]).await?.json()?;
    assert_eq!(told["stuck"], 1);
    let secrets = told["secrets"].as_array().map(Vec::len);
    assert_eq!(secrets, Some(12));
    let stuck = told["secrets"].as_array().into_iter().flatten().find(|s| s["secret"] == "all/7");
    let to_do = stuck.and_then(|secret| secret["stuck"][0]["to_do"].as_str()).unwrap_or_default();
    assert!(to_do.contains("windlass rotate --secret-id 'all/7'"), "{to_do}");
    assert_eq!(told["failed"], Value::from(Vec::<Value>::new()));
    Ok(())
}

#[tokio::test]
async fn the_password_of_a_named_version_is_tried_and_no_other() -> Result<()> {
    let desk = Desk::set_up("repair_named").await?;
    let database = desk.world.database();
    let token = desk.world.begin(&desk.secret).await?;
    desk.world.steps(&["createSecret", "setSecret"], &desk.secret, &token).await?;
    take_label(&desk.world, &desk.secret, &token).await?;
    let begins = token.get(..8).unwrap_or_default();
    let wrong = desk.run_with_plugins(&["repair"], &["--password-of", "AWSCURRENT"]).await?;
    assert_eq!(wrong.code, Some(4), "{}{}", wrong.stdout, wrong.stderr);
    assert!(wrong.stderr.contains("tried AWSCURRENT (refused:"), "{}", wrong.stderr);
    assert_eq!(database.refused_sign_ins("repair_named")?, 1);
    let ran = desk.run_with_plugins(&["repair"], &["--yes", "--password-of", begins]).await?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains(&format!("unlabelled version {token}")), "{}", ran.stdout);
    assert_eq!(database.refused_sign_ins("repair_named")?, 1, "no further one");
    assert!(desk.login.signs_in(database).await?, "AWSCURRENT signs in again");
    let ran = desk.run_with_plugins(&["repair"], &["--password-of", "abcdefgh"]).await?;
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("has no version `abcdefgh`"), "{}", ran.stderr);
    Ok(())
}
