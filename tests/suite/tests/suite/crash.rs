//! A function that is killed: whatever it had done, the next attempt ends well, with the same
//! token or, as Secrets Manager starts over, with another one.

use anyhow::{Context, Result};
use serde_json::json;
use windlass_harness::{Direction, Fault, Outcome, Proxy};
use windlass_suite::{Login, Options, STEPS, World};

/// An account and its secret, reached through a proxy.
struct Scene {
    world: World,
    proxy: Proxy,
    first: Login,
    secret: String,
}

impl Scene {
    async fn set(name: &str) -> Result<Self> {
        let world = World::with(Options::by_hand()).await?;
        let proxy = Proxy::start(world.database().postgres().address()).await?;
        Self::with(world, proxy, name).await
    }

    /// The same world, with another account.
    async fn reset(self, name: &str) -> Result<Self> {
        Self::with(self.world, self.proxy, name).await
    }

    async fn with(world: World, proxy: Proxy, name: &str) -> Result<Self> {
        let first = world.database().account(name, "").await?;
        let secret = format!("crash/{name}");
        world.create_secret(&secret, &first.secret(proxy.port())).await?;
        Ok(Self { world, proxy, first, secret })
    }

    /// All steps, from the first, with this token; then what has to hold.
    async fn finish(&self, token: &str) -> Result<Vec<String>> {
        let Self { world, secret, .. } = self;
        let answers = world.steps(&STEPS, secret, token).await?;
        let database = world.database();
        let current = world.secrets().version_at(secret, "AWSCURRENT").await?;
        assert_eq!(current.as_deref(), Some(token));
        let new = world.current(secret).await?;
        assert!(new.signs_in(database).await?, "the current password signs in");
        assert!(!self.first.signs_in(database).await?, "the first password is refused");
        Ok(answers)
    }

    /// What Secrets Manager and an operator do to be rid of an attempt: rotation is cancelled, and
    /// the label taken off.
    async fn abandon(&self, token: &str) -> Result<()> {
        let secrets = self.world.secrets();
        secrets.call("CancelRotateSecret", &json!({ "SecretId": self.secret })).await?;
        let change = json!({
            "SecretId": self.secret, "VersionStage": "AWSPENDING", "RemoveFromVersionId": token,
        });
        secrets.call("UpdateSecretVersionStage", &change).await?;
        Ok(())
    }
}

#[tokio::test]
async fn killed_between_any_two_steps_the_same_token_ends_well() -> Result<()> {
    for done in 0..=STEPS.len() {
        let mut scene = Scene::set(&format!("crash_same_{done}")).await?;
        let token = scene.world.begin(&scene.secret).await?;
        let steps = STEPS.get(..done).context("no such step")?;
        scene.world.steps(steps, &scene.secret, &token).await?;
        scene.world.kill_idle_function().await?;
        scene.world.start_function()?;
        scene.finish(&token).await.with_context(|| format!("killed after {done} steps"))?;
    }
    Ok(())
}

#[tokio::test]
async fn killed_between_any_two_steps_another_token_ends_well_too() -> Result<()> {
    // After the last step there is nothing to abandon.
    for done in 0..STEPS.len() {
        let mut scene = Scene::set(&format!("crash_other_{done}")).await?;
        let token = scene.world.begin(&scene.secret).await?;
        let steps = STEPS.get(..done).context("no such step")?;
        scene.world.steps(steps, &scene.secret, &token).await?;
        scene.world.kill_idle_function().await?;
        scene.abandon(&token).await?;
        scene.world.start_function()?;
        let token = scene.world.begin(&scene.secret).await?;
        scene.finish(&token).await.with_context(|| format!("killed after {done} steps"))?;
    }
    Ok(())
}

#[tokio::test]
async fn killed_while_it_waits_for_the_database_it_is_an_exit_and_the_retry_ends_well() -> Result<()>
{
    let mut scene = Scene::set("crash_waiting").await?;
    let token = scene.world.begin(&scene.secret).await?;
    scene.world.steps(&["createSecret"], &scene.secret, &token).await?;
    scene.proxy.fail_next(Fault::Silence);
    let process = scene.world.function()?;
    let (failed, killed) =
        tokio::join!(scene.world.failure("setSecret", &scene.secret, &token), async {
            // Once it is connected, it waits for an answer that never comes.
            while scene.proxy.traffic().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            process.process().signal(nix::sys::signal::Signal::SIGKILL)
        });
    killed?;
    assert_eq!(failed?.kind, "Runtime.ExitError");
    scene.world.start_function()?;
    scene.finish(&token).await?;
    Ok(())
}

/// More turns than a change of a password has.
const TURNS: u32 = 30;

#[tokio::test]
async fn wherever_the_connection_breaks_in_set_secret_the_retry_ends_well() -> Result<()> {
    let mut scene = Scene::set("crash_cut").await?;
    for direction in [Direction::ToServer, Direction::ToClient] {
        let mut found_changed = 0;
        for turn in 1..TURNS {
            scene = scene.reset(&format!("crash_cut_{direction:?}_{turn}")).await?;
            let Scene { world, proxy, secret, .. } = &scene;
            let token = world.begin(secret).await?;
            world.steps(&["createSecret"], secret, &token).await?;
            proxy.fail_next(Fault::CutAtTurn { direction, turn });
            let outcome = world.step("setSecret", secret, &token).await?;
            let answers = scene.finish(&token).await.with_context(|| format!("turn {turn}"))?;
            let Outcome::Failed(error) = outcome else { break };
            assert_eq!(error.kind, "Windlass.Service.Unreachable", "{}", error.message);
            let new = world.current(secret).await?.password;
            assert!(!error.message.contains(&new), "{}", error.message);
            let told = answers.get(1).map(String::as_str);
            if told == Some("the new password signs in, an earlier attempt set it") {
                found_changed += 1;
            }
            assert!(turn + 1 < TURNS, "it never came to its end");
        }
        // The server had acted and the function never learned of it: of its answer to COMMIT, and
        // of that alone.
        let expected = usize::from(direction == Direction::ToClient);
        assert_eq!(found_changed, expected, "{direction:?}");
    }
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
