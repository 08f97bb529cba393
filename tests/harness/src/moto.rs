//! moto, somebody else's idea of AWS's services, as a server of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{Launch, Process, describe_exit};
use crate::{Artifact, WorkDir};

/// Python, with all of moto, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How often its output is looked at while it starts.
const START_POLL: Duration = Duration::from_millis(20);

/// What it says once it listens, before the address.
const LISTENS: &str = "Running on ";

/// A running moto. Dropping it ends the process.
#[derive(Debug)]
pub struct Moto {
    process: Process,
    endpoint: String,
    _work: WorkDir,
}

impl Moto {
    /// Starts it on a free port; returns when it has said where it listens.
    ///
    /// # Errors
    /// If it ends, or says nothing; with what it wrote.
    pub async fn start() -> Result<Self> {
        let work = WorkDir::new()?;
        let launch = Launch::new(Artifact::Python.path()?).args([
            "-u",
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            "0",
        ]);
        // As in an account: policies of AWS's own can be attached.
        let launch = launch.env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
        let process = launch.start(work.path(), "moto")?;
        let started = Instant::now();
        loop {
            if let Some(endpoint) = endpoint(&process.stderr()?) {
                return Ok(Self { process, endpoint, _work: work });
            }
            let said = || said(work.path());
            if let Some(status) = process.exited()? {
                bail!("moto ended ({}): {}", describe_exit(status), said()?);
            }
            if started.elapsed() > START_LIMIT {
                bail!("moto says nothing after {} s: {}", START_LIMIT.as_secs(), said()?);
            }
            tokio::time::sleep(START_POLL).await;
        }
    }

    /// Where all of its services listen.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// The address in a line such as ` * Running on http://127.0.0.1:38617`.
fn endpoint(log: &str) -> Option<String> {
    // A line that is still being written has no end yet.
    let (line, _) = log.split_once(LISTENS)?.1.split_once('\n')?;
    let end = line.find(|c: char| c.is_whitespace() || c == '\u{1b}').unwrap_or(line.len());
    line.get(..end).map(str::to_owned)
}

fn said(logs: &Path) -> Result<String> {
    std::fs::read_to_string(logs.join("moto.err")).context("reading what moto wrote")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_once_its_line_is_whole() {
        for (log, expected) in [
            (" * Running on http://127.0.0.1:38617\nPress", Some("http://127.0.0.1:38617")),
            (" * Running on http://127.0.0.1:38617\u{1b}[0m\n", Some("http://127.0.0.1:38617")),
            (" * Running on http://127.0.0.1:386", None),
            ("WARNING: This is a development server.\n", None),
        ] {
            assert_eq!(endpoint(log).as_deref(), expected, "{log}");
        }
    }
}
