//! `cargo xtask demo`: the main job, on real servers, with proof from somebody else.
//!
//! PostgreSQL, the embedded Secrets Manager over HTTP, the `bootstrap` binary under an emulated
//! Lambda, the compiled plugin. Each claim is checked with `psql` or by asking Secrets Manager,
//! never by asking the function. No password is printed. Exit code 0 only if every proof held.

mod alternating;
mod proofs;
mod single;
mod steps;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use windlass_harness::{Function, Programs, Stack, Supervision};

use crate::build;
use crate::setup::{self, Purpose};
use crate::terminal::{heading, milliseconds};
use crate::workspace::Workspace;
use proofs::Proofs;

/// Sets up, builds, rotates and proves.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    setup::run(workspace, Purpose::Servers)?;
    let programs = build::for_demo(workspace)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(demonstrate(programs))
}

async fn demonstrate(programs: Programs) -> Result<ExitCode> {
    println!("{}", heading("Servers"));
    let started = Instant::now();
    let stack = Stack::start(programs).await?;
    let version = stack.postgres().admin("SHOW server_version").await?;
    println!("  PostgreSQL {version}, TLS and scram-sha-256, port {}", stack.postgres().port());
    println!("  Secrets Manager, embedded, {}", stack.secrets().endpoint());
    println!("  Lambda, emulated, {}", stack.lambda().endpoint());
    println!("  started in {}", milliseconds(started.elapsed()));
    let function = stack.start_function("bootstrap", Supervision::Tied)?;
    let cold_start = match function.cold_start(stack.lambda()).await {
        Ok(cold_start) => cold_start,
        Err(error) => return Err(with_logs(stack, function, error)),
    };
    println!(
        "  bootstrap, the function, in a build for development, asked for work after {}",
        milliseconds(cold_start)
    );

    let mut proofs = Proofs::default();
    let result = async {
        single::rotate(&stack, &function, &mut proofs).await?;
        alternating::rotate(&stack, &function, &mut proofs).await
    };
    if let Err(error) = result.await {
        return Err(with_logs(stack, function, error));
    }
    println!();
    if proofs.failed().is_empty() {
        println!("{}", heading(&format!("All {} proofs held.", proofs.count())));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", heading("Not everything held:"));
    for failed in proofs.failed() {
        println!("  {failed}");
    }
    drop(function);
    println!("Logs: {}", stack.keep_logs().display());
    Ok(ExitCode::FAILURE)
}

/// Ends everything and says where the logs are.
fn with_logs(stack: Stack, function: Function, error: anyhow::Error) -> anyhow::Error {
    drop(function);
    let logs = stack.keep_logs();
    error.context(format!("the demo stopped; logs are in `{}`", logs.display()))
}
