//! Whether plugins can be compiled by the Rust that cargo uses, and rustup's attempt to make it so.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::needs::DEBIAN_RUST;
use crate::workspace::Workspace;
use crate::{command, progress};

const TARGET: &str = "wasm32-unknown-unknown";

/// It takes seconds where Rust's server answers, and may hang where it does not.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// Whether plugins can be compiled, after asking rustup for the target if they could not.
pub(super) fn available(workspace: &Workspace) -> Result<bool> {
    // Debian's compiler is there because rustup could not help: asking again might hang again.
    if installed(workspace)? || DEBIAN_RUST.iter().all(|need| (need.present)()) {
        return Ok(true);
    }
    if command::find("rustup").is_none() {
        return Ok(false);
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    let added = progress::step(&format!("rustup target add {TARGET}"), || {
        command::run_within(&mut rustup, RUSTUP_LIMIT)
    });
    if let Err(error) = added {
        eprintln!("warning: {error:#}");
    }
    installed(workspace)
}

fn installed(workspace: &Workspace) -> Result<bool> {
    // Cargo's environment has the toolchain that it chose; a bare `rustc` chooses the same.
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(workspace.root())
        .output()
        .context("failed to run `rustc`")?;
    let directory = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && PathBuf::from(directory.trim()).is_dir())
}
