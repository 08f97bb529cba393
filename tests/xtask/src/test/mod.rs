//! `cargo xtask test`: all tests of the workspace, documentation examples included, against the
//! programs as they are deployed.
//!
//! Two sizes. By default every engine has one version and its points are enumerated as far as it
//! differs from the others; `--all` adds every version and every point. Both say where the time went.
//!
//! Cargo's own lines go where cargo puts them; what this task adds goes to standard error.

mod searched;
mod selection;
mod tally;

use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use windlass_harness::{ALL, Artifact, SKIPPED};
use windlass_suite::Engine;
use windlass_suite::leaks::COUNTS;

use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{build, command, progress, soak};
use searched::Searched;
use selection::Shard;
use tally::Tally;

/// Most tests wait for servers and disks more than they compute.
const TESTS_PER_PROCESSOR: usize = 2;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Every version of every engine, and every point of the enumerations. Takes an hour or more
    #[arg(long)]
    all: bool,
    /// One engine's tests, as secrets name it: those of its plugin, and those run for every engine
    #[arg(long, value_name = "NAME", value_parser = soak::engine, conflicts_with = "cargo")]
    engine: Option<Engine>,
    /// The K-th of N parts, for N machines
    #[arg(long, value_name = "K/N", conflicts_with = "cargo")]
    shard: Option<Shard>,
    /// Arguments for `cargo test`: `-p windlass`, `some_name`, `-- --nocapture`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<String>,
}

/// Sets up, builds and tests.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    let purpose = if arguments.all { Purpose::EveryVersion } else { Purpose::Everything };
    let ready = setup::run(workspace, purpose)?;
    let programs = build::run(workspace)?;
    let guests = build::guests(workspace, &programs)?;
    let python = ready.python.context("setup made no Python environment")?;
    let selected = selected(workspace, arguments)?;

    let mut cargo = workspace.cargo();
    cargo.args(["test", "--no-fail-fast"]).args(&selected);
    for artifact in Artifact::ALL {
        let path = match artifact {
            Artifact::Windlass => Some(&programs.windlass),
            Artifact::Bootstrap => Some(&programs.bootstrap),
            Artifact::Plugins => Some(&programs.plugins),
            Artifact::Guests => Some(&guests),
            Artifact::Python => Some(&python),
            Artifact::Judge => ready.judge.as_ref(),
        };
        if let Some(path) = path {
            cargo.env(artifact.variable(), path);
        }
    }
    if arguments.all {
        cargo.env(ALL, "1");
    }
    let note = |what: &str| env::temp_dir().join(format!("windlass-{what}-{}", std::process::id()));
    let (searched, skipped) = (note("searched"), note("skipped"));
    cargo.env(COUNTS, &searched).env(SKIPPED, &skipped);
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        cargo.env("RUST_TEST_THREADS", (processors * TESTS_PER_PROCESSOR).to_string());
    }
    if env::var_os("RUST_BACKTRACE").is_none() {
        cargo.env("RUST_BACKTRACE", "0");
    }
    let started = Instant::now();
    let (mut tally, succeeded) = progress::step("cargo test", || tallied(&mut cargo))?;
    tally.read_skipped(&taken(&skipped));
    eprintln!("{tally}, {:.1} s", started.elapsed().as_secs_f64());
    let counts = taken(&searched);
    if !counts.is_empty() {
        eprintln!("{}", Searched::from_counts(&counts));
    }
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The arguments of `cargo test` that select what is to run, which is built then.
fn selected(workspace: &Workspace, arguments: &Arguments) -> Result<Vec<String>> {
    let Arguments { engine, shard, cargo, .. } = arguments;
    let mut packages = Vec::new();
    match engine {
        Some(engine) => {
            packages.extend(selection::package(selection::SUITE));
            packages.extend(selection::package(&selection::plugin(*engine)));
        }
        None if cargo.iter().any(|it| it == "-p" || it == "--package") => {}
        None => packages.push("--workspace".to_owned()),
    }
    progress::step("build the tests", || {
        // What follows `--` is for the test programs.
        let own = cargo.iter().take_while(|argument| *argument != "--");
        command::run(workspace.cargo().args(["test", "--no-run"]).args(&packages).args(own))
    })?;
    let mut names = match (engine, shard) {
        (Some(engine), _) => selection::of_engine(workspace, *engine)?,
        (None, Some(_)) => selection::names(workspace, &packages)?,
        (None, None) => {
            packages.extend(cargo.iter().cloned());
            return Ok(packages);
        }
    };
    names.retain(|name| shard.is_none_or(|shard| shard.has(name)));
    if names.is_empty() {
        bail!("the selection has no test");
    }
    eprintln!("==> {} tests are selected", names.len());
    packages.extend(["--".to_owned(), "--exact".to_owned()]);
    packages.append(&mut names);
    Ok(packages)
}

/// The text of a temporary file, which is removed.
fn taken(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    // It has been read; where it can't be removed, somebody cleans the folder up.
    let _ = fs::remove_file(path);
    text
}

/// Runs the tests, passes their output on, and counts.
fn tallied(cargo: &mut Command) -> Result<(Tally, bool)> {
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to run `cargo test`")?;
    let output = child.stdout.take().context("no output of `cargo test`")?;
    let messages = child.stderr.take().context("no messages of `cargo test`")?;
    // Cargo says which program runs on one, and the program how it ended on the other.
    let messages = std::thread::spawn(move || {
        let lines = BufReader::new(messages).lines().map_while(Result::ok);
        lines.inspect(|line| eprintln!("{line}")).collect::<Vec<_>>()
    });
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line.context("reading the output of `cargo test`")?;
        println!("{line}");
        tally.read_output(&line);
    }
    let status = child.wait().context("waiting for `cargo test`")?;
    let Ok(messages) = messages.join() else { bail!("reading cargo's messages broke off") };
    for line in &messages {
        tally.read_message(line);
    }
    Ok((tally, status.success()))
}
