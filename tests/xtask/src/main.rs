//! Developer tasks: `cargo xtask <task>`.
//!
//! One file or folder per task. Each sets up and builds what it needs first, says what it does and
//! how long it took, and is bounded in time wherever it waits for somebody else. Exit codes:
//! 0 done, 1 failed, 2 wrong usage, 3 something must be installed by hand.

mod bench;
mod build;
mod command;
mod demo;
mod fuzz;
mod lint;
mod progress;
mod setup;
mod soak;
mod terminal;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::setup::{ByHand, Purpose};
use crate::workspace::Workspace;

/// Something must be installed by hand; the message says what.
const EXIT_BY_HAND: u8 = 3;

/// Developer tasks of Windlass.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what building and testing need and this machine lacks.
    ///
    /// Installs packages only as root on Debian or Ubuntu; elsewhere it names what is missing and
    /// exits with code 3.
    Setup,
    /// Build the command line, the Lambda function and the plugins.
    ///
    /// They go to `windlass/` in the target directory: `bootstrap` as it is deployed, and a `.wasm`
    /// and a `.cwasm` for each plugin in `windlass/plugins/`.
    Build,
    /// Rotate real passwords of a real PostgreSQL, and prove that it worked.
    ///
    /// Builds what it needs as fast as can be: one plugin, and a function that is larger and slower
    /// than the one that `build` makes.
    ///
    /// Exits with code 0 only if every proof held.
    Demo,
    /// Run all tests, and say where the time went.
    ///
    /// A test that this machine can't run, because a server is missing say, counts as skipped, with
    /// its reason. `--engine` and `--shard` choose some of all tests.
    Test(test::Arguments),
    /// Measure start, steps, rotations, memory, sizes and round trips on this machine.
    Bench(bench::Arguments),
    /// Rotate many secrets at once while things go wrong, and prove that nobody is locked out.
    ///
    /// Functions are killed in the middle of what they do, connections are cut or fall silent,
    /// Secrets Manager throttles, fails, loses answers and answers late, steps come twice and too
    /// late. All against a real PostgreSQL. At the end everything works again, every secret is
    /// rotated once more and has to sign in.
    ///
    /// An error that no fault of its step explains ends the soak, and so does anybody who should be
    /// able to sign in and is not. Exits with code 0 only if nothing of that happened; else the logs
    /// are kept, and their folder is named.
    Soak(soak::Arguments),
    /// Check dependencies by `deny.toml`, and the workflows of GitHub.
    Lint,
    /// Try what no input may do: a server's bytes, an event, a secret, a grant, a compiled plugin.
    ///
    /// The targets are in `tests/fuzz`. Without `--minutes` it is a smoke run from the seeds. Exits
    /// with code 1 if something was found, and names the input.
    Fuzz(fuzz::Arguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.downcast_ref::<ByHand>().is_some() {
                ExitCode::from(EXIT_BY_HAND)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Setup => {
            setup::run(&workspace, Purpose::Everything)?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Build => {
            setup::run(&workspace, Purpose::Build)?;
            build::run(&workspace)?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Demo => demo::run(&workspace),
        Task::Test(arguments) => test::run(&workspace, &arguments),
        Task::Bench(arguments) => bench::run(&workspace, &arguments),
        Task::Soak(arguments) => soak::run(&workspace, &arguments),
        Task::Lint => lint::run(&workspace),
        Task::Fuzz(arguments) => fuzz::run(&workspace, &arguments),
    }
}
