//! One account: by itself, and by an administrator; and whichever of the passwords that the secret
//! knows is the one in force.

use std::time::Duration;

use anyhow::{Context, Result};
use windlass_harness::{Fault, Proxy};
use windlass_suite::{Login, Options, STEPS, Server, World, error_of, made_up_password, within};

use super::Subject;

/// Secrets Manager attempts it again after a moment.
const AGAIN: Duration = Duration::from_secs(30);

pub(super) async fn a_user_changes_its_own_password_again_and_again_in_one_process(
    server: Server,
) -> Result<()> {
    let one = Subject::own(server, "single_own", Options::default()).await?;
    let mut old = one.first.clone();
    for _ in 0..3 {
        let new = one.rotate().await?;
        assert_eq!(new.password.chars().count(), 32);
        one.assert_moved(&old, &new).await?;
        old = new;
    }
    // Those three are this test's own.
    assert_eq!(one.server.refused_sign_ins("single_own")?, 3);
    assert_eq!(one.server.password_changes("single_own")?, 3);
    Ok(())
}

pub(super) async fn an_administrator_changes_it_where_a_tag_says_so(server: Server) -> Result<()> {
    let one = Subject::led(server, "single_led", Options::default()).await?;
    one.world.tag(&one.secret, "windlass:strategy", "single-user").await?;
    let mut old = one.first.clone();
    for _ in 0..2 {
        let new = one.rotate().await?;
        one.assert_moved(&old, &new).await?;
        old = new;
    }
    let admin = one.server.superuser();
    assert!(one.signs_in(&admin).await?, "the administrator's is unchanged");
    assert_eq!(one.server.count("single_led_clone").await?, 0, "no account was made");
    Ok(())
}

pub(super) async fn two_secrets_rotated_at_once_both_end_well(server: Server) -> Result<()> {
    let world = World::start().await?;
    let mut old = Vec::new();
    for name in ["single_pair_a", "single_pair_b"] {
        let login = server.account(name).await?;
        world.create_secret(name, &server.secret(&login)).await?;
        old.push(login);
    }
    let (a, b) = tokio::join!(world.rotate("single_pair_a"), world.rotate("single_pair_b"));
    for (old, new) in old.iter().zip([a?, b?]) {
        assert_eq!(old.username, new.username);
        assert!(new.signs_in(&server).await? && !old.signs_in(&server).await?);
    }
    Ok(())
}

pub(super) async fn a_database_that_was_away_for_a_moment_is_rotated_when_it_is_back(
    server: Server,
) -> Result<()> {
    let proxy = Proxy::start(server.address()).await?;
    let one = Subject::own_at(server, proxy.port(), "single_away", Options::default()).await?;
    proxy.fail_next(Fault::Refuse);
    let token = one.world.begin(&one.secret).await?;
    let steps = one.world.outcome(&token).await?;
    let failed = steps.last().map(|step| step.outcome.clone());
    let error = error_of(failed.context("no step ran")?)?;
    assert_eq!(error.kind, "Windlass.Service.Unreachable", "{}", error.message);

    // Secrets Manager attempts it again with the same token, all by itself.
    let finished = one.world.lambda().wait_for(|calls| {
        let last = calls.last()?;
        (last.step() == "finishSecret").then(|| last.outcome.clone())
    });
    let outcome = within(AGAIN, "another attempt", finished).await?;
    assert!(outcome.error().is_none(), "{outcome:?}");
    let new = one.world.current(&one.secret).await?;
    one.assert_moved(&one.first, &new).await
}

pub(super) async fn a_server_restored_from_a_backup_is_caught_up_with_the_previous_password(
    server: Server,
) -> Result<()> {
    let one = Subject::own(server, "single_back", Options::default()).await?;
    let second = one.rotate().await?;
    one.server.set_password(&one.first).await?;
    assert!(!one.signs_in(&second).await?, "the current password is of after the backup");
    let third = one.rotate().await?;
    assert!(one.signs_in(&third).await? && !one.signs_in(&one.first).await?);
    Ok(())
}

pub(super) async fn the_password_of_an_abandoned_rotation_is_found(server: Server) -> Result<()> {
    let one = Subject::own(server, "single_orphan", Options::by_hand()).await?;
    let (world, secret) = (&one.world, &one.secret);
    let token = world.begin(secret).await?;
    world.steps(&["createSecret", "setSecret"], secret, &token).await?;
    let orphan = world.pending(secret).await?;
    world.drop_pending(secret, &token).await?;
    assert!(one.signs_in(&orphan).await?, "it is in force, and no label is on it");

    let token = world.begin(secret).await?;
    world.steps(&STEPS, secret, &token).await?;
    let new = world.current(secret).await?;
    assert!(one.signs_in(&new).await? && !one.signs_in(&orphan).await?);
    assert!(new != orphan && !one.signs_in(&one.first).await?);
    Ok(())
}

pub(super) async fn a_wrong_current_password_is_said_and_nothing_is_changed(
    server: Server,
) -> Result<()> {
    let right = server.account("single_wrong").await?;
    let wrong = Login::new("single_wrong", made_up_password("a wrong one"));
    let world = World::with(Options::by_hand()).await?;
    let secret = "single_wrong";
    world.create_secret(secret, &server.secret(&wrong)).await?;
    let token = world.begin(secret).await?;
    world.steps(&["createSecret"], secret, &token).await?;
    let labels = world.labels(secret).await?;
    let error = world.failure("setSecret", secret, &token).await?;
    assert_eq!(error.kind, "Windlass.Service.NoPasswordSignsIn", "{}", error.message);
    let address = format!("localhost:{}", server.port());
    for part in ["`single_wrong`", &address] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    let pending = world.pending(secret).await?;
    for password in [&wrong.password, &pending.password, &right.password] {
        assert!(!error.message.contains(password.as_str()), "{}", error.message);
    }
    assert_eq!(world.labels(secret).await?, labels, "labels moved");
    assert!(right.signs_in(&server).await?, "the password was changed");
    assert!(!pending.signs_in(&server).await?);
    Ok(())
}
