//! Rotations that are stopped at every point, and what must hold whatever became of them.
//!
//! A [`Scene`] is one world with a proxy before Secrets Manager and one before the database; a
//! [`Case`] in it is one secret with its own account, and the attempts at rotating it. After each
//! attempt is checked what must hold at every moment, after the last what must hold once a
//! rotation has ended well ([`Scene::invariants`]).

mod case;
mod points;
mod setup;
mod twin;

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::sync::OwnedMutexGuard;
use windlass_harness::{FunctionError, Outcome, Proxy, RuntimeApi, SecretsProxy};

use crate::rotation::STEP_LIMIT;
use crate::{Options, STEPS, Server, World};
pub use case::Case;
pub use points::{Counts, Point};
use setup::Maker;
pub use setup::Setup;
pub use twin::Twin;

/// How Secrets Manager goes on after an attempt that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It attempts the same rotation again.
    SameToken,
    /// The rotation was given up, and another one begins.
    NewToken,
}

/// What became of an attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Whether the point in its way was met.
    pub met: bool,
    /// What stopped it, unless it ended well.
    pub error: Option<FunctionError>,
}

/// A world in which things break.
pub struct Scene {
    /// Where its rotations make clones.
    _making_clones: Option<OwnedMutexGuard<()>>,
    world: World,
    server: Server,
    secrets: SecretsProxy,
    database: Proxy,
    maker: Maker,
    log_read: u64,
    refused: HashMap<String, usize>,
}

impl Scene {
    /// A world for cases of one set-up at this server. Its accounts' names begin with `prefix`.
    ///
    /// # Errors
    /// If something does not start.
    pub async fn set(server: &Server, setup: Setup, prefix: &str) -> Result<Self> {
        let _making_clones = match setup {
            Setup::CloneIsNew => server.making_clones().await,
            _ => None,
        };
        let mut world = World::with(Options::by_hand()).await?;
        let secrets = SecretsProxy::start(world.secrets()).await?;
        let database = Proxy::start_for(server.address(), server.opening()).await?;
        world.start_function_calling(secrets.endpoint())?;
        let maker = Maker::new(&world, server, setup, prefix, database.port()).await?;
        let (server, log_read) = (server.clone(), server.log_length()?);
        let refused = HashMap::new();
        Ok(Self { _making_clones, world, server, secrets, database, maker, log_read, refused })
    }

    /// A rotation that nothing disturbs, and all that it did.
    ///
    /// # Errors
    /// If it does not end well.
    pub async fn undisturbed(&mut self) -> Result<Counts> {
        let mut case = self.begin().await?;
        let attempt = self.attempt(&mut case, None).await?;
        ensure!(attempt.error.is_none(), "an undisturbed rotation failed: {attempt:?}");
        let counts = Counts::read(&self.secrets, &self.database).await?;
        self.invariants(&mut case).await?;
        self.end(case).await?;
        Ok(counts)
    }

    /// One rotation that is stopped at `points`, one attempt after the other, and goes on by
    /// `retry` each time; the last attempt has to end well, and then everything has to hold.
    /// Returns what became of the first attempt.
    ///
    /// # Errors
    /// With what did not hold.
    pub async fn survive(&mut self, points: &[Point], retry: Retry) -> Result<Attempt> {
        let mut case = self.begin().await?;
        let mut first = None;
        for point in points {
            let attempt = self.attempt(&mut case, Some(*point)).await?;
            Self::check_end(*point, &attempt)?;
            first.get_or_insert(attempt);
            self.retry(&mut case, retry).await?;
        }
        let last = self.attempt(&mut case, None).await?;
        if let Some(FunctionError { kind, message }) = last.error {
            bail!("the last attempt failed: {kind}: {message}");
        }
        self.invariants(&mut case).await?;
        self.end(case).await?;
        first.context("no point to be stopped at")
    }

    /// That an attempt came to the end that its point makes.
    fn check_end(point: Point, attempt: &Attempt) -> Result<()> {
        let kind = attempt.error.as_ref().map(|error| error.kind.as_str());
        let expected: &[Option<&str>] = match (point, attempt.met) {
            (_, false) => &[None],
            (Point::Call { .. }, true) => &[Some("Runtime.ExitError")],
            // The function asks again, and finds what it did.
            (Point::LostAnswer { .. }, true) => &[None],
            // After the last answer the connection is only closed.
            (Point::Cut { .. }, true) => &[None, Some("Windlass.Service.Unreachable")],
        };
        ensure!(expected.contains(&kind), "{point:?} ended with {attempt:?}");
        Ok(())
    }

    /// Steps from the first to the one that fails, with this point in the way, and then what must hold
    /// at every moment.
    ///
    /// # Errors
    /// If something does not hold that must hold at every moment.
    pub async fn attempt(&mut self, case: &mut Case, point: Option<Point>) -> Result<Attempt> {
        self.database.heal();
        self.database.reset();
        self.secrets.reset();
        if let Some(point) = point {
            point.arm(&self.secrets, &self.database);
        }
        let steps = run(self.world.lambda(), case.secret(), case.token());
        let kill = async {
            self.secrets.stopped().await;
            self.world.function()?.process().signal(Signal::SIGKILL)?;
            std::future::pending::<Result<_>>().await
        };
        let error = tokio::select! {
            error = steps => error?,
            error = kill => error?,
        };
        // The last messages of a connection come when the function is done with it.
        self.database.all_closed().await?;
        let met = point.is_some_and(|point| point.met(&self.secrets, &self.database));
        if error.as_ref().is_some_and(|error| error.kind == "Runtime.ExitError") {
            self.world.start_function_calling(self.secrets.endpoint())?;
        }
        if point.is_some() {
            // One that nothing disturbs is looked at by whoever wanted it.
            self.still_valid(case).await?;
        }
        if let Some(error) = &error
            && let Ok(pending) = self.world.pending(case.secret()).await
        {
            ensure!(!error.message.contains(&pending.password), "an error has the new password");
        }
        Ok(Attempt { met, error })
    }
}

/// All steps, up to the first that fails.
///
/// # Errors
/// If no function takes them.
pub async fn run(lambda: &RuntimeApi, secret: &str, token: &str) -> Result<Option<FunctionError>> {
    for step in STEPS {
        let event = json!({ "Step": step, "SecretId": secret, "ClientRequestToken": token });
        if let Outcome::Failed(error) = lambda.invoke(event, STEP_LIMIT).await?.outcome {
            return Ok(Some(error));
        }
    }
    Ok(None)
}
