//! The Lambda function: the `bootstrap` binary, with the environment that Lambda would give it.
//!
//! Two variables of the real Lambda are left out on purpose, `LAMBDA_TASK_ROOT` and
//! `AWS_LAMBDA_INITIALIZATION_TYPE`: with them the function knows itself on Lambda, where loopback
//! can never be granted, and everything here is on loopback.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use tokio::task::AbortHandle;

use crate::RuntimeApi;
use crate::process::{Launch, Process};
use crate::runtime_api;

/// Lambda's own limit on starting.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How often is looked whether the process has ended; adds to no measurement.
const EXIT_POLL: Duration = Duration::from_millis(20);

/// Whether the process is tied to ours, or started as plainly as possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Supervision {
    /// It ends with us, however we end; starting it takes a millisecond more.
    #[default]
    Tied,
    /// Nothing stands between us and its first instruction: for measuring.
    Plain,
}

/// What the function is started with.
#[derive(Clone, Debug)]
pub struct FunctionOptions {
    /// The `bootstrap` binary.
    pub bootstrap: PathBuf,
    /// The directory of `.cwasm` files.
    pub plugins: PathBuf,
    /// `SECRETS_MANAGER_ENDPOINT`.
    pub secrets_manager: String,
    /// The authorities it trusts, instead of the system's.
    pub ca_bundle: PathBuf,
    /// `WINDLASS_GRANTS`.
    pub grants: String,
    /// More variables, such as `PASSWORD_LENGTH`. They go last and win.
    pub environment: Vec<(String, String)>,
    /// How it is started.
    pub supervision: Supervision,
}

impl FunctionOptions {
    /// Everything that runs on this machine's loopback, granted.
    pub const LOOPBACK: &'static str = "tcp://127.0.0.1:*,tcp://localhost:*";
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// CPU time of all threads.
    pub cpu: Duration,
    /// Peak resident memory, in bytes.
    pub peak_memory: u64,
}

/// A running function. Dropping it ends the process.
#[derive(Debug)]
pub struct Function {
    process: Arc<Process>,
    watch: AbortHandle,
}

impl Function {
    /// Starts the process under `api`; its log goes to `{name}.err` in `logs`.
    ///
    /// Returns without waiting for it to be ready: events wait in the queue.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start(
        api: &RuntimeApi,
        options: &FunctionOptions,
        logs: &Path,
        name: &str,
    ) -> Result<Self> {
        let mut launch = Launch::new(&options.bootstrap)
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "windlass")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/windlass")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "harness")
            .env("AWS_SECRET_ACCESS_KEY", "harness")
            .env("SECRETS_MANAGER_ENDPOINT", &options.secrets_manager)
            .env("WINDLASS_PLUGINS", &options.plugins)
            .env("WINDLASS_GRANTS", &options.grants)
            .env("WINDLASS_CA_BUNDLE", &options.ca_bundle)
            .env("WINDLASS_LOG", "info");
        for (variable, value) in &options.environment {
            launch = launch.env(variable, value);
        }
        if options.supervision == Supervision::Plain {
            launch = launch.bare();
        }
        let process = Arc::new(launch.start(logs, name)?);
        let watch = tokio::spawn(report_exit(Arc::clone(&process), api.state())).abort_handle();
        Ok(Self { process, watch })
    }

    /// The time from starting the process to its first request for work.
    ///
    /// # Errors
    /// If it makes none within Lambda's own limit.
    pub async fn cold_start(&self, api: &RuntimeApi) -> Result<Duration> {
        let polled = api.first_poll(START_LIMIT).await?;
        Ok(polled.saturating_duration_since(self.started()))
    }

    /// The moment just before the process was started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.process.started()
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// If it has ended.
    pub fn measured(&self) -> Result<Measured> {
        Ok(Measured { cpu: self.process.cpu()?, peak_memory: self.process.peak_memory()? })
    }

    /// The process: to look at, or to kill.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its log so far, as text.
    ///
    /// # Errors
    /// If the log is gone.
    pub fn log(&self) -> Result<String> {
        self.process.stderr()
    }

    /// The lines of its log that are JSON.
    ///
    /// # Errors
    /// If the log is gone.
    pub fn log_lines(&self) -> Result<Vec<Value>> {
        let log = self.log()?;
        Ok(log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.watch.abort();
        self.process.end();
    }
}

/// Waits for the process to end and fails what it was working on.
async fn report_exit(process: Arc<Process>, api: Arc<runtime_api::Shared>) {
    loop {
        match process.exited() {
            Ok(None) => tokio::time::sleep(EXIT_POLL).await,
            Ok(Some(status)) => return runtime_api::function_exited(&api, status),
            Err(_) => return,
        }
    }
}
