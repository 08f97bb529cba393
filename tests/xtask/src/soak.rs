//! `cargo xtask soak`: what `windlass_suite::soak` does, for as long as is asked.

use std::io::{IsTerminal, Write, stderr};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use windlass_suite::Engine;
use windlass_suite::soak::{self, Tally};

use crate::build;
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;

/// The longest pause between two rotations of one secret. Every version stays in the store: with
/// shorter ones a long soak would measure a store of many thousand versions.
const REST: Duration = Duration::from_secs(3);

/// How much, how long, and what chance follows from.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long things go wrong; the last checks take about a minute more
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1440))]
    minutes: u16,
    /// Whose passwords are rotated, as secrets name it: postgres, mysql
    #[arg(long, default_value = "postgres", value_name = "NAME", value_parser = engine)]
    engine: Engine,
    /// Chooses the faults; printed at the end, for another soak of the same kind. Else the clock's
    #[arg(long)]
    seed: Option<u64>,
    /// How many secrets: one third a user's own, one third by an administrator, one third of
    /// alternating users, each with an application that signs in all the while
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=200))]
    secrets: u16,
    /// How many functions rotate them
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=50))]
    functions: u16,
}

/// Sets up, builds, soaks, tells.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    setup::run(workspace, Purpose::Servers)?;
    if let Some(why) = (arguments.engine.missing)() {
        bail!("no server of engine `{}`: {why}", arguments.engine.name);
    }
    let programs = build::run(workspace)?;
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_secs(),
    };
    let options = soak::Options {
        programs,
        engine: arguments.engine,
        seed,
        secrets: usize::from(arguments.secrets),
        functions: usize::from(arguments.functions),
        rest: REST,
        time: Duration::from_secs(60) * u32::from(arguments.minutes),
        rotations: None,
    };
    let Arguments { minutes, secrets, functions, .. } = arguments;
    eprintln!("==> soak for {minutes} min: {secrets} secrets, {functions} functions, seed {seed}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let report = runtime.block_on(soak::run(&options, progress))?;
    if stderr().is_terminal() {
        eprintln!();
    }
    println!("{report}");
    println!("{}", if report.held() { "every secret signs in" } else { "NOT everything held" });
    Ok(if report.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The engine of this key.
pub(crate) fn engine(name: &str) -> Result<Engine, String> {
    let names = || {
        Engine::ALL
            .iter()
            .chain(Engine::VERSIONS)
            .map(|engine| engine.key)
            .collect::<Vec<_>>()
            .join(", ")
    };
    Engine::of_key(name).ok_or_else(|| format!("the engines are {}", names()))
}

/// One line that is written over, where a person looks at it.
fn progress(tally: &Tally, elapsed: Duration) {
    let mut terminal = stderr();
    if !terminal.is_terminal() {
        return;
    }
    // Nothing depends on its being seen.
    let _ = write!(
        terminal,
        "\r    {:>5} s  {} rotations, {} faults, {} abandoned, {} lock-outs  ",
        elapsed.as_secs(),
        tally.finished,
        tally.fault_count(),
        tally.abandoned,
        tally.lock_outs
    );
    let _ = terminal.flush();
}
