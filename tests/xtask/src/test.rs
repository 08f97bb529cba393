//! `cargo xtask test`: all tests of the workspace, documentation examples included, against the
//! programs as they are deployed.
//!
//! Cargo's own lines go to standard output as they are; what this task adds goes to standard error.

use std::fmt::{self, Display, Formatter};
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, Result};
use windlass_harness::Artifact;
use windlass_suite::leaks::COUNTS;

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
    let searched = env::temp_dir().join(format!("windlass-searched-{}", std::process::id()));
    cargo.env(COUNTS, &searched);
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        cargo.env("RUST_TEST_THREADS", (processors * TESTS_PER_PROCESSOR).to_string());
    }
    if env::var_os("RUST_BACKTRACE").is_none() {
        cargo.env("RUST_BACKTRACE", "0");
    }
    let started = Instant::now();
    let (tally, succeeded) = progress::step("cargo test", || tallied(&mut cargo))?;
    let Tally { passed, failed, ignored, suites } = tally;
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "all tests: {passed} passed, {failed} failed, {ignored} ignored in {suites} suites, {seconds:.1} s"
    );
    let counts = fs::read_to_string(&searched).unwrap_or_default();
    // It has been read; what is left of it is a temporary file.
    let _ = fs::remove_file(&searched);
    if !counts.is_empty() {
        eprintln!("{}", Searched::from_counts(&counts));
    }
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the tests, passes their output on, and counts.
fn tallied(cargo: &mut Command) -> Result<(Tally, bool)> {
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
}

/// What the end-to-end tests have looked for passwords in. Had they found one, a test had failed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Searched {
    searches: u64,
    texts: u64,
    bytes: u64,
    passwords: u64,
    forms: u64,
}

impl Searched {
    /// Adds up the lines of a file of counts.
    fn from_counts(counts: &str) -> Self {
        let mut all = Self::default();
        for line in counts.lines() {
            let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            if let [texts, bytes, passwords, forms] = numbers[..] {
                all.searches += 1;
                all.texts += texts;
                all.bytes += bytes;
                all.passwords += passwords;
                all.forms = all.forms.max(forms);
            }
        }
        all
    }
}

impl Display for Searched {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { searches, texts, passwords, forms, .. } = self;
        let megabytes = self.bytes as f64 / 1e6;
        write!(
            f,
            "searched {megabytes:.1} MB of output ({texts} texts, in {searches} searches) for \
             {passwords} passwords in {forms} forms each; one that is found fails its test"
        )
    }
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
    fn searches_add_up() {
        let searched = Searched::from_counts("2 1000000 10 40\n3 500000 5 40\n\n1 2\n");
        assert_eq!(
            searched.to_string(),
            "searched 1.5 MB of output (5 texts, in 2 searches) for 15 passwords in 40 forms each; \
             one that is found fails its test"
        );
    }

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
