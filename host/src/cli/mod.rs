//! The command line: one file per subcommand.
//!
//! Results go to standard output, everything else to standard error. With `--output json` the
//! result is one JSON object, errors included, so that a program may read it.

// `output` alone prints: it escapes what others chose.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod adopt;
mod build;
mod compile;
mod compiling;
mod exit;
mod export;
mod files;
mod inspect;
mod local;
mod output;
mod package;
mod policy;
mod repair;
mod rotate;
mod sealed;
mod setup;
mod sign;
mod status;
mod step;
mod toolchain;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::level_filters::LevelFilter;

pub use exit::CommandError;
use output::Output;

use crate::logging::{self, Reader};

/// Rotates credentials: the rotation steps of AWS Secrets Manager, with the service-specific part
/// in a sandboxed WebAssembly plugin.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, propagate_version = true, after_help = exit::HELP)]
struct Cli {
    /// How results are printed: text for people, json for programs (one object on standard output)
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
    /// What to log to standard error: error, warn, info, debug, trace [default: warn; info for local]
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<LevelFilter>,
    #[command(subcommand)]
    command: Command,
}

/// Each explains itself where it is defined.
#[derive(Debug, Subcommand)]
enum Command {
    Rotate(rotate::Rotate),
    Step(step::Step),
    Status(status::Status),
    Repair(repair::Repair),
    Adopt(adopt::Adopt),
    Local(local::Local),
    Export(export::Export),
    Policy(policy::Policy),
    Inspect(inspect::Inspect),
    Build(build::Build),
    Compile(compile::Compile),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Package(package::Package),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // A server's log is what it is watched by; other commands print results.
    match &cli.command {
        Command::Local(_) => logging::init(Reader::Watcher, cli.log, LevelFilter::INFO),
        _ => logging::init(Reader::Caller, cli.log, LevelFilter::WARN),
    }
    crate::panics::report_places_only();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return CommandError::internal(format!("no runtime could be started: {error}"))
                .report(cli.output);
        }
    };
    let answer = runtime.block_on(async {
        match cli.command {
            Command::Rotate(rotate) => rotate.execute(cli.output).await,
            Command::Step(step) => step.execute(cli.output).await,
            Command::Repair(repair) => repair.execute(cli.output).await,
            Command::Adopt(adopt) => adopt.execute(cli.output).await,
            Command::Status(status) => status.execute(cli.output).await,
            Command::Local(local) => local.execute(cli.output).await,
            Command::Export(export) => export.execute(cli.output).await,
            Command::Policy(policy) => policy.execute(cli.output).await,
            Command::Inspect(inspect) => inspect.execute(cli.output).await,
            Command::Build(build) => build.execute(cli.output).await,
            Command::Compile(compile) => compile.execute(cli.output).await,
            Command::Sign(sign) => sign.execute(cli.output),
            Command::Verify(verify) => verify.execute(cli.output),
            Command::Package(package) => package.execute(cli.output).await,
        }
    });
    match answer {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.output),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
