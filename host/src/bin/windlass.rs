//! The `windlass` command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass::cli::main()
}
