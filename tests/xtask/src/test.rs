//! `cargo xtask test`: all tests of the workspace, documentation examples included, against the
//! programs as they are deployed.
//!
//! Cargo's own lines go to standard output as they are; what this task adds goes to standard error.

use std::env;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use windlass_harness::Artifact;

use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{build, progress};

/// Most tests wait for servers and disks more than they compute.
const TESTS_PER_PROCESSOR: usize = 2;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Arguments for `cargo test`: `-p windlass`, `some_name`, `-- --nocapture`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<String>,
}

/// Sets up, builds and tests.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    let ready = setup::run(workspace, Purpose::Everything)?;
    let programs = build::run(workspace)?;
    let guests = build::guests(workspace, &programs)?;
    let python = ready.python.context("setup made no Python environment")?;

    let mut cargo = workspace.cargo();
    cargo.args(["test", "--no-fail-fast"]);
    if !arguments.cargo.iter().any(|argument| argument == "-p" || argument == "--package") {
        cargo.arg("--workspace");
    }
    cargo.args(&arguments.cargo);
    for artifact in Artifact::ALL {
        cargo.env(
            artifact.variable(),
            match artifact {
                Artifact::Windlass => &programs.windlass,
                Artifact::Bootstrap => &programs.bootstrap,
                Artifact::Plugins => &programs.plugins,
                Artifact::Guests => &guests,
                Artifact::Python => &python,
            },
        );
    }
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        cargo.env("RUST_TEST_THREADS", (processors * TESTS_PER_PROCESSOR).to_string());
    }
    if env::var_os("RUST_BACKTRACE").is_none() {
        cargo.env("RUST_BACKTRACE", "0");
    }
    let started = Instant::now();
    let (tally, succeeded) = progress::step("cargo test", || {
        let mut child = cargo
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to run `cargo test`")?;
        let output = child.stdout.take().context("no output of `cargo test`")?;
        let mut tally = Tally::default();
        for line in BufReader::new(output).lines() {
            let line = line.context("reading the output of `cargo test`")?;
            println!("{line}");
            tally.read(&line);
        }
        let status = child.wait().context("waiting for `cargo test`")?;
        Ok((tally, status.success()))
    })?;
    let Tally { passed, failed, ignored, suites } = tally;
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "all tests: {passed} passed, {failed} failed, {ignored} ignored in {suites} suites, {seconds:.1} s"
    );
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The sum of cargo's result lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    suites: u64,
}

impl Tally {
    fn read(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        self.suites += 1;
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_add_up() {
        let mut tally = Tally::default();
        for line in [
            "test result: ok. 9 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.11s",
            "test some::test ... ok",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.26s",
        ] {
            tally.read(line);
        }
        assert_eq!(tally, Tally { passed: 19, failed: 2, ignored: 1, suites: 2 });
    }
}
