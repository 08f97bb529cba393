//! The functions, each behind an emulated Lambda and a Secrets Manager of its own that can fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::sync::Semaphore;
use windlass_harness::{
    Function, FunctionOptions, Outcome, RuntimeApi, SecretsManager, SecretsProxy,
};

use super::lock;

/// The functions' timeout: that of AWS's own. A step takes tens of milliseconds, on a machine with
/// much else to do seconds.
pub(super) const STEP_LIMIT: Duration = Duration::from_secs(30);

/// The timeout where the database never answers, which takes up all of it.
pub(super) const SILENT_LIMIT: Duration = Duration::from_secs(8);

/// How functions are started.
pub(super) struct Deployment {
    pub(super) options: FunctionOptions,
    pub(super) logs: std::path::PathBuf,
    /// Every process that was ever started.
    pub(super) started: Mutex<Vec<u32>>,
}

/// One function and what it talks to. Dropping it ends the function.
pub(super) struct Lane {
    function: Option<Function>,
    api: RuntimeApi,
    /// Shared, so that a call can be waited for while the function runs.
    pub(super) secrets: Arc<SecretsProxy>,
    number: usize,
    generation: usize,
}

/// How an invocation ended.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// Whether the function was killed on the way.
    pub(super) killed: bool,
}

impl Lane {
    pub(super) async fn start(
        deployment: &Deployment,
        upstream: &SecretsManager,
        number: usize,
    ) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let secrets = Arc::new(SecretsProxy::start(upstream).await?);
        let mut lane = Self { function: None, api, secrets, number, generation: 0 };
        lane.start_function(deployment)?;
        Ok(lane)
    }

    /// Invokes the function; kills it if `moment` comes first.
    pub(super) async fn invoke(
        &mut self,
        deployment: &Deployment,
        event: &Value,
        limit: Duration,
        moment: impl Future<Output = ()>,
    ) -> Result<Ended> {
        let (killed, ended) = {
            let mut invoked = std::pin::pin!(self.api.invoke(event.clone(), limit));
            tokio::select! {
                biased;
                ended = &mut invoked => (false, ended),
                () = moment => {
                    self.kill()?;
                    (true, invoked.await)
                }
            }
        };
        let outcome = ended.with_context(|| format!("invoking function {}", self.number))?.outcome;
        self.api.forget();
        let stuck = outcome.error().is_some_and(|error| error.kind == "Sandbox.Timedout");
        if stuck {
            // As Lambda ends what runs out of time.
            self.kill()?;
        }
        if killed || stuck {
            self.start_function(deployment)?;
        }
        Ok(Ended { outcome, killed })
    }

    fn kill(&self) -> Result<()> {
        let function = self.function.as_ref().context("no function is running")?;
        function.process().signal(Signal::SIGKILL)
    }

    fn start_function(&mut self, deployment: &Deployment) -> Result<()> {
        self.function = None;
        self.generation += 1;
        let name = format!("function-{}-{}", self.number, self.generation);
        let mut options = deployment.options.clone();
        options.secrets_manager = self.secrets.endpoint();
        self.api.expect_new_function();
        let function = Function::start(&self.api, &options, &deployment.logs, &name)?;
        lock(&deployment.started).push(function.process().id());
        self.function = Some(function);
        Ok(())
    }
}

/// The lanes that nobody uses now.
pub(super) struct Lanes {
    free: Mutex<Vec<Lane>>,
    permits: Semaphore,
}

impl Lanes {
    pub(super) fn new(lanes: Vec<Lane>) -> Self {
        Self { permits: Semaphore::new(lanes.len()), free: Mutex::new(lanes) }
    }

    /// A lane, as soon as one is free.
    pub(super) async fn take(&self) -> Result<Lane> {
        self.permits.acquire().await.context("the lanes are closed")?.forget();
        lock(&self.free).pop().context("a lane was lost")
    }

    /// A lane, if one is free.
    pub(super) fn try_take(&self) -> Option<Lane> {
        self.permits.try_acquire().ok()?.forget();
        lock(&self.free).pop()
    }

    /// Gives one back, with no order left.
    pub(super) fn give(&self, lane: Lane) {
        lane.secrets.reset();
        // The one that was used last is taken last: each has its turn.
        lock(&self.free).insert(0, lane);
        self.permits.add_permits(1);
    }

    /// Ends all of them.
    pub(super) fn end(&self) -> usize {
        let lanes = std::mem::take(&mut *lock(&self.free));
        lanes.len()
    }
}
