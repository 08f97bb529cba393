//! `cargo xtask bench`: what a rotation costs on this machine, beside what it may cost.
//!
//! Times are of real processes on real servers, one rotation after another, nothing else running
//! by our doing. A figure that counts (calls, connections, round trips) is the same everywhere; one
//! that measures time depends on the machine, so the table gives the least and the middle of all
//! runs. Missing a goal is reported, and is no error: the machine may be busy.

mod cold;
mod counted;
mod figures;
mod installed;
mod loading;
mod native;
mod rotation;
mod server;
mod sizes;
mod stored;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use windlass_harness::{Programs, Stack};
use windlass_suite::Engine;
use windlass_suite::cost::Strategy;

use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{build, progress};
use figures::Table;
use server::Server;

/// What to measure, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How often each timed thing is measured.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Where the figures go as JSON, beside `windlass/bench.json` in the target directory.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Sets up, builds, measures, prints.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    setup::run(workspace, Purpose::Servers)?;
    let programs = build::run(workspace)?;
    let native = progress::step("build the plugin natively", || native::build(workspace))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let table = progress::step("measure", || {
        runtime.block_on(measure(programs, native, usize::from(arguments.runs)))
    })?;

    print!("{}", table.text());
    let json = format!("{:#}\n", table.json());
    let own = workspace.output().join("bench.json");
    for path in [Some(&own), arguments.json.as_ref()].into_iter().flatten() {
        fs::write(path, &json).with_context(|| format!("writing `{}`", path.display()))?;
        eprintln!("figures: {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(programs: Programs, native: Command, runs: usize) -> Result<Table> {
    let mut table = Table::default();
    sizes::measure(&programs, &mut table)?;
    stored::measure(&mut table)?;
    let stack = Stack::start(programs.clone()).await?;
    let setting = ("the plugins that there are", cold::START_GOAL);
    cold::start(&stack, runs, setting, &mut table).await?;
    loading::measure(&programs, runs, &mut table).await?;
    for engine in Engine::ALL.iter().copied() {
        let Some(server) = Server::start(&stack, engine).await? else { continue };
        for strategy in Strategy::ALL {
            let port = server.address().port();
            let subject = rotation::Subject::create(&stack, &server, strategy, port).await?;
            cold::steps(&stack, &subject, runs, &mut table).await?;
            rotation::warm(&stack, &subject, runs, &mut table).await?;
            counted::measure(&stack, &server, strategy, &mut table).await?;
        }
    }
    installed::measure(&programs, runs, &mut table).await?;
    native::measure(&stack, native, runs, &mut table).await?;
    Ok(table)
}
