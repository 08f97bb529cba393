//! The embedded Secrets Manager as a process of its own: `windlass local`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use crate::process::{Launch, Process, describe_exit};
use crate::{SecretsManager, http};

/// A debug build on a busy machine needs a second.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How often its output is looked at while it starts.
const START_POLL: Duration = Duration::from_millis(10);

/// Its own pages answer from memory.
const PAGE_LIMIT: Duration = Duration::from_secs(10);

/// What it is started with.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The `windlass` binary.
    pub windlass: PathBuf,
    /// The file that holds the secrets.
    pub store: PathBuf,
    /// Plugins, for rotations in its own process.
    pub plugins: Option<PathBuf>,
    /// The Invoke API, for rotations by a function. With neither of the two, rotations are only
    /// registered, and whoever asked runs their steps.
    pub lambda_endpoint: Option<String>,
    /// Variables, such as `WINDLASS_GRANTS`.
    pub environment: Vec<(String, String)>,
}

/// One call that it served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Such as `GetSecretValue`.
    pub action: String,
    /// The secret's ARN or name, as the request has it.
    pub secret: Option<String>,
    /// When the request was there, in microseconds of its own clock.
    pub start_us: u64,
    /// When the answer was.
    pub end_us: u64,
}

/// The calls that it served, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallLog {
    /// The calls.
    pub calls: Vec<Call>,
}

impl CallLog {
    /// Without the calls of one action: such as the `RotateSecret` that began it all.
    #[must_use]
    pub fn without(mut self, action: &str) -> Self {
        self.calls.retain(|call| call.action != action);
        self
    }

    /// The most calls of which each began after the one before had ended.
    ///
    /// An answer takes microseconds here, so calls made together need not overlap: this is an
    /// upper bound of what a rotation waits for. [`CallLog::waves_behind`] is exact.
    #[must_use]
    pub fn waves(&self) -> usize {
        self.waves_behind(Duration::ZERO)
    }

    /// How many calls a rotation waited for, one after the other, however many it made at once:
    /// where a [`Proxy`](crate::Proxy) delayed each by `delay` or more, those that began within
    /// `delay` of each other were made at once.
    #[must_use]
    pub fn waves_behind(&self, delay: Duration) -> usize {
        let delay_us = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        let mut calls: Vec<_> = self
            .calls
            .iter()
            .map(|call| (call.start_us, call.end_us.max(call.start_us.saturating_add(delay_us))))
            .collect();
        calls.sort_by_key(|&(_, end)| end);
        let mut waves = 0;
        let mut last_end = None;
        for (start, end) in calls {
            if last_end.is_none_or(|last| start >= last) {
                waves += 1;
                last_end = Some(end);
            }
        }
        waves
    }
}

/// A running `windlass local`. Dropping it ends the process.
#[derive(Debug)]
pub struct Local {
    process: Process,
    secrets: SecretsManager,
}

impl Local {
    /// Starts it on a free port; returns when it has said where it listens.
    ///
    /// # Errors
    /// If it ends, or says nothing; with what it wrote.
    pub async fn start(options: &LocalOptions, logs: &Path, name: &str) -> Result<Self> {
        let mut launch = Launch::new(&options.windlass)
            .args(["local", "--listen", "127.0.0.1:0", "--output", "json"])
            .arg_pair("--store", &options.store);
        if let Some(plugins) = &options.plugins {
            launch = launch.arg_pair("--plugins", plugins);
        }
        if let Some(endpoint) = &options.lambda_endpoint {
            launch = launch.args(["--lambda-endpoint", endpoint]);
        } else if options.plugins.is_none() {
            launch = launch.args(["--external-rotation"]);
        }
        for (variable, value) in &options.environment {
            launch = launch.env(variable, value);
        }
        let process = launch.start(logs, name)?;
        let endpoint = endpoint(&process).await?;
        Ok(Self { process, secrets: SecretsManager::new(endpoint) })
    }

    /// The service it offers.
    #[must_use]
    pub fn secrets(&self) -> &SecretsManager {
        &self.secrets
    }

    /// The process: to look at, or to kill.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The calls that it has served since it started or since [`Local::reset_calls`].
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn calls(&self) -> Result<CallLog> {
        let page = self.page(Method::GET, "/windlass/calls").await?;
        let log = page.get("log").and_then(Value::as_array).context("no `log` in the call log")?;
        let calls = log.iter().map(|entry| {
            let number = |key| entry.get(key).and_then(Value::as_u64);
            Some(Call {
                action: entry.get("action")?.as_str()?.to_owned(),
                secret: entry.get("secret").and_then(Value::as_str).map(str::to_owned),
                start_us: number("start_us")?,
                end_us: number("end_us")?,
            })
        });
        let calls: Option<Vec<_>> = calls.collect();
        Ok(CallLog { calls: calls.context("a call without action, start_us and end_us")? })
    }

    /// Forgets the calls so far.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn reset_calls(&self) -> Result<()> {
        self.page(Method::POST, "/windlass/calls/reset").await.map(drop)
    }

    /// Its record of recent rotations, as it tells it.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn rotations(&self) -> Result<Value> {
        self.page(Method::GET, "/windlass/rotations").await
    }

    async fn page(&self, method: Method, path: &str) -> Result<Value> {
        let endpoint = self.secrets.endpoint();
        let answer = http::send(method, endpoint, path, &[], Bytes::new(), PAGE_LIMIT).await?;
        if !answer.status.is_success() {
            bail!("{endpoint}{path} answered {}", answer.status);
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("{endpoint}{path}: not JSON"))
    }
}

async fn endpoint(process: &Process) -> Result<String> {
    let limit = Instant::now() + START_LIMIT;
    loop {
        let output = process.stdout()?;
        if let Some((line, _)) = output.split_once('\n') {
            let line: Value = serde_json::from_str(line)
                .with_context(|| format!("`windlass local` began with `{line}`"))?;
            let endpoint = line.get("endpoint").and_then(Value::as_str);
            return endpoint
                .map(|endpoint| endpoint.trim_end_matches('/').to_owned())
                .context("`windlass local` named no endpoint");
        }
        if let Some(status) = process.exited()? {
            let log = process.stderr()?;
            bail!("`windlass local` {}: {}", describe_exit(status), log.trim());
        }
        if Instant::now() > limit {
            bail!("`windlass local` did not say where it listens in {} s", START_LIMIT.as_secs());
        }
        tokio::time::sleep(START_POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_count_what_cannot_overlap() {
        let log = |spans: &[(u64, u64)]| CallLog {
            calls: spans
                .iter()
                .map(|&(start_us, end_us)| Call {
                    action: "X".to_owned(),
                    secret: None,
                    start_us,
                    end_us,
                })
                .collect(),
        };
        let rows: [(&[(u64, u64)], usize); 6] = [
            (&[], 0),
            (&[(0, 10)], 1),
            (&[(0, 10), (1, 9)], 1),
            (&[(0, 10), (1, 9), (10, 12)], 2),
            (&[(0, 30), (1, 9), (10, 12), (13, 14)], 3),
            (&[(0, 1), (2, 3)], 2),
        ];
        for (spans, expected) in rows {
            assert_eq!(log(spans).waves(), expected, "{spans:?}");
        }
        let close = log(&[(0, 1), (2, 3), (20, 21), (22, 23)]);
        assert_eq!((close.waves(), close.waves_behind(Duration::from_micros(10))), (4, 2));
    }
}
