//! Steps that run again, late, and in two functions at the same time.
//!
//! Lambda delivers an event at least once, and Secrets Manager attempts a rotation again while an
//! earlier attempt may still be at work. What must hold is what must hold after a crash.

use anyhow::{Context, Result, ensure};
use windlass_harness::FunctionError;
use windlass_suite::enumeration::{Case, Scene, Setup};
use windlass_suite::{Depth, STEPS, Server};

pub(super) async fn every_step_runs_twice_and_every_earlier_one_late(server: Server) -> Result<()> {
    // A step that is refused reads the labels again for a while; hence all at once.
    let [first, second, third, fourth, fifth] =
        Setup::ALL.map(|setup| twice_and_late(&server, setup));
    tokio::try_join!(first, second, third, fourth, fifth).map(drop)
}

async fn twice_and_late(server: &Server, setup: Setup) -> Result<()> {
    again_and_late(server, setup).await.with_context(|| format!("{setup}"))
}

async fn again_and_late(server: &Server, setup: Setup) -> Result<()> {
    let mut scene = Scene::set(server, setup, &format!("late_{setup:?}").to_lowercase()).await?;
    let mut case = scene.begin().await?;
    for (done, later) in STEPS.into_iter().enumerate() {
        let failed = scene.step(&case, later, case.token()).await?;
        ensure!(failed.is_none(), "{later}: {failed:?}");
        let state = scene.state(&case).await?;
        for earlier in &STEPS[..=done] {
            if *earlier == "setSecret" && !setup.alternates() && later != "finishSecret" {
                // It tries the current password first, which is the old one by now.
                case.allow_more(1);
            }
            let failed = scene.step(&case, earlier, case.token()).await?;
            ensure!(failed.is_none(), "{earlier} after {later}: {failed:?}");
            ensure!(scene.state(&case).await? == state, "{earlier} after {later} changed it");
        }
    }
    // Checks what must hold, and in that runs the next rotation.
    let last = case.token().to_owned();
    scene.invariants(&mut case).await?;

    // A duplicate of the last rotation arrives when the next but one is under way or done.
    let current = case.token().to_owned();
    scene.begin_next(&mut case).await?;
    for done in 0..=STEPS.len() {
        for (token, steps) in
            [(&current, STEPS.as_slice()), (&last, &STEPS[done.min(3)..=done.min(3)])]
        {
            let state = scene.state(&case).await?;
            let connections = scene.connections();
            for late in steps {
                let failed = scene.step(&case, late, token).await?;
                // Where the token's version is current, there is nothing to do; else it is refused.
                let refused = token == &last || done == STEPS.len();
                let kind = failed.as_ref().map(|error| error.kind.as_str());
                let expected = refused.then_some("Windlass.Operator.RotationState");
                ensure!(kind == expected, "{late} late after {done} steps: {failed:?}");
            }
            ensure!(scene.state(&case).await? == state, "a late step changed the secret");
            ensure!(scene.connections() == connections, "a late step went to the database");
        }
        if let Some(next) = STEPS.get(done) {
            let failed = scene.step(&case, next, case.token()).await?;
            ensure!(failed.is_none(), "{next}: {failed:?}");
        }
    }
    scene.invariants(&mut case).await
}

/// How often each step, and the whole rotation, is raced in each set-up. The host's own tests try
/// every order of operations; here it is about what the server says to two sessions at once.
fn races(server: &Server) -> usize {
    match server.engine().depth {
        Depth::Full => 8,
        Depth::Messages => 4,
    }
}

/// Whether an invocation ended well, or has only to be repeated: PostgreSQL lets one of two
/// sessions change a role, and Secrets Manager lets labels be read while they move.
fn repeatable(end: &Option<FunctionError>) -> bool {
    end.as_ref().is_none_or(|error| {
        ["Windlass.Service.Unreachable", "Windlass.Aws.Unavailable"].contains(&error.kind.as_str())
    })
}

/// A case in which the slower function may find the current password refused: the faster one has
/// just changed it.
async fn begin(scene: &mut Scene, setup: Setup) -> Result<Case> {
    let mut case = scene.begin().await?;
    case.allow_more(usize::from(!setup.alternates()));
    Ok(case)
}

pub(super) async fn two_functions_at_the_same_step_at_once_do_no_harm(
    server: Server,
) -> Result<()> {
    for setup in Setup::ALL {
        let mut scene =
            Scene::set(&server, setup, &format!("race_{setup:?}").to_lowercase()).await?;
        let twin = scene.twin().await?;
        for _ in 0..races(&server) {
            let mut case = begin(&mut scene, setup).await?;
            for step in STEPS {
                let ends = scene.race_step(&twin, &case, step).await?;
                ensure!(ends.iter().any(Option::is_none), "{setup}: {step}: {ends:?}");
                ensure!(ends.iter().all(repeatable), "{setup}: {step}: {ends:?}");
            }
            scene.invariants(&mut case).await.with_context(|| format!("{setup}"))?;
        }
    }
    Ok(())
}

pub(super) async fn two_functions_at_the_same_rotation_at_once_do_no_harm(
    server: Server,
) -> Result<()> {
    for setup in Setup::ALL {
        let mut scene =
            Scene::set(&server, setup, &format!("whole_{setup:?}").to_lowercase()).await?;
        let twin = scene.twin().await?;
        for _ in 0..races(&server) {
            let mut case = begin(&mut scene, setup).await?;
            let ends = scene.race(&twin, &case).await?;
            ensure!(ends.iter().any(Option::is_none), "{setup}: {ends:?}");
            ensure!(ends.iter().all(repeatable), "{setup}: {ends:?}");
            let last = scene.attempt(&mut case, None).await?;
            ensure!(last.error.is_none(), "{setup}: {ends:?}, then {last:?}");
            scene.invariants(&mut case).await.with_context(|| format!("{setup}"))?;
        }
    }
    Ok(())
}
