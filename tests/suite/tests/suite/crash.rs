//! A function that is killed where it does nothing: while it waits, and between two steps.
//!
//! Where it does something, every point is in `enumeration`.

use anyhow::Result;
use windlass_harness::{Fault, Proxy};
use windlass_suite::{Options, STEPS, World};

#[tokio::test]
async fn killed_while_it_waits_for_the_database_it_is_an_exit_and_the_retry_ends_well() -> Result<()>
{
    let mut world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let proxy = Proxy::start(database.postgres().address()).await?;
    let first = database.account("crash_waiting", "").await?;
    let secret = "crash/waiting";
    world.create_secret(secret, &first.secret(proxy.port())).await?;
    let token = world.begin(secret).await?;
    world.steps(&["createSecret"], secret, &token).await?;
    proxy.fail_next(Fault::Silence);
    let process = world.function()?.process();
    let (failed, killed) = tokio::join!(world.failure("setSecret", secret, &token), async {
        // Once it is connected, it waits for an answer that never comes.
        while proxy.traffic().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        process.signal(nix::sys::signal::Signal::SIGKILL)
    });
    killed?;
    assert_eq!(failed?.kind, "Runtime.ExitError");
    world.start_function()?;
    world.steps(&STEPS, secret, &token).await?;
    let new = world.current(secret).await?;
    assert!(new.signs_in(database).await? && !first.signs_in(database).await?);
    Ok(())
}

#[tokio::test]
async fn a_function_that_dies_is_attempted_again_by_secrets_manager() -> Result<()> {
    let mut world = World::start().await?;
    let database = world.database();
    let first = database.account("crash_again", "").await?;
    world.create_secret("crash/again", &first.secret(database.postgres().port())).await?;
    world.lambda().hold_events();
    let token = world.begin("crash/again").await?;
    // One step is done; the next one meets a process that dies.
    world.lambda().let_one_through();
    world.lambda().wait_for(|calls| (!calls.is_empty()).then_some(())).await;
    world.kill_idle_function().await?;
    world.start_function()?;
    world.lambda().release_events();
    let steps = world.outcome(&token).await?;
    assert!(steps.iter().all(|step| step.outcome.error().is_none()), "{steps:?}");
    let new = world.current("crash/again").await?;
    assert!(new.signs_in(database).await? && !first.signs_in(database).await?);
    Ok(())
}
