//! Failed sign-ins, counted in the server's own log: policies lock accounts that have too many.

use anyhow::Result;
use windlass_suite::{Login, Options, STEPS, World};

/// What one process risks of an account within half an hour; the product says why.
const BOUND: usize = 9;

/// More than Secrets Manager would attempt.
const ATTEMPTS: usize = 12;

async fn set_password(world: &World, login: &Login, password: &str) -> Result<()> {
    let (name, password) = (Login::identifier(&login.username), Login::literal(password));
    world.database().admin(&format!("ALTER ROLE {name} PASSWORD {password}")).await?;
    Ok(())
}

#[tokio::test]
async fn an_ordinary_rotation_fails_no_sign_in_and_a_retry_one_per_password_that_is_wrong()
-> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let first = database.account("lockout_retry", "").await?;
    world.create_secret("lockout/retry", &first.secret(database.postgres().port())).await?;
    let token = world.begin("lockout/retry").await?;
    world.steps(&STEPS, "lockout/retry", &token).await?;
    assert_eq!(database.refused_sign_ins("lockout_retry")?, 0);

    // An attempt that set the password and was heard of no more.
    let token = world.begin("lockout/retry").await?;
    world.steps(&["createSecret", "setSecret", "setSecret"], "lockout/retry", &token).await?;
    assert_eq!(database.refused_sign_ins("lockout_retry")?, 1, "the current one, once");
    world.steps(&STEPS, "lockout/retry", &token).await?;
    assert_eq!(database.refused_sign_ins("lockout_retry")?, 2);

    // Restored from a backup of before the latest rotation: current and pending are wrong.
    let previous = Login::of(&world.secrets().secret("lockout/retry", "AWSPREVIOUS").await?)?;
    set_password(&world, &previous, &previous.password).await?;
    let token = world.begin("lockout/retry").await?;
    world.steps(&STEPS, "lockout/retry", &token).await?;
    assert_eq!(database.refused_sign_ins("lockout_retry")?, 4);
    Ok(())
}

#[tokio::test]
async fn attempts_without_end_stop_before_a_policy_locks_the_account() -> Result<()> {
    let mut world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let first = database.account("lockout_bound", "").await?;
    world.create_secret("lockout/bound", &first.secret(database.postgres().port())).await?;
    set_password(&world, &first, "set by somebody else").await?;
    let token = world.begin("lockout/bound").await?;
    world.steps(&["createSecret"], "lockout/bound", &token).await?;
    let mut kinds = Vec::new();
    for _ in 0..ATTEMPTS {
        let error = world.failure("setSecret", "lockout/bound", &token).await?;
        if error.kind == "Windlass.Service.TooManyRefusals" {
            for part in ["`lockout_bound` was refused 9 times at localhost:", "windlass repair"] {
                assert!(error.message.contains(part), "{}", error.message);
            }
        }
        kinds.push(error.kind);
    }
    assert_eq!(database.refused_sign_ins("lockout_bound")?, BOUND, "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("Windlass.Service.TooManyRefusals"));

    // Somebody mends the account; another process starts counting anew.
    set_password(&world, &first, &first.password).await?;
    world.start_function()?;
    world.steps(&STEPS, "lockout/bound", &token).await?;
    assert!(world.current("lockout/bound").await?.signs_in(database).await?);
    Ok(())
}
