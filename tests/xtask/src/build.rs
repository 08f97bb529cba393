//! `cargo xtask build`: everything that runs, in the order in which one needs the other.
//!
//! `bootstrap` is built in an invocation of its own: built together with the command line, cargo
//! would unify their features and link a compiler into the Lambda function.
//!
//! Where the environment names all of the programs already (`WINDLASS_DEV_BIN`,
//! `WINDLASS_DEV_BOOTSTRAP`, `WINDLASS_DEV_PLUGINS`), those are used and nothing is built: a
//! release, say, to be tried out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use windlass_harness::Programs;

use crate::workspace::{Workspace, forget_this_package};
use crate::{command, progress};

/// Builds all and says where it is.
pub(crate) fn run(workspace: &Workspace) -> Result<Programs> {
    if let Ok(programs) = Programs::from_environment() {
        eprintln!("==> nothing is built: using what the environment names");
        eprintln!("    {}", programs.windlass.display());
        eprintln!("    {}", programs.bootstrap.display());
        eprintln!("    {}", programs.plugins.display());
        return Ok(programs);
    }
    let output = workspace.output();
    let plugins = output.join("plugins");
    fs::create_dir_all(&plugins).with_context(|| format!("making `{}`", plugins.display()))?;

    let windlass = progress::step("build `windlass`, the command line", || {
        // With the whole workspace's features, as the tests are built: dependencies compile once.
        command::run(workspace.cargo().args(["build", "--workspace", "--bin", "windlass"]))?;
        Ok(workspace.target().join("debug/windlass"))
    })?;
    let bootstrap = progress::step("build `bootstrap`, the Lambda function", || {
        command::run(
            workspace
                .cargo()
                .args(["build", "-p", "windlass", "--bin", "bootstrap", "--profile", "lambda"])
                .args(["--no-default-features", "--features", "lambda"]),
        )?;
        install(&workspace.target().join("lambda/bootstrap"), &output.join("bootstrap"))
    })?;
    for (name, source) in workspace.crates_in("plugins")? {
        progress::step(&format!("build plugin `{name}`"), || {
            plugin(workspace, &windlass, &source, &plugins.join(&name), &[])
        })?;
    }
    Ok(Programs { windlass, bootstrap, plugins })
}

/// Builds the guests, plugins that misbehave for the tests, and says where they are.
pub(crate) fn guests(workspace: &Workspace, programs: &Programs) -> Result<PathBuf> {
    let guests = workspace.output().join("guests");
    fs::create_dir_all(&guests).with_context(|| format!("making `{}`", guests.display()))?;
    for (name, source) in workspace.crates_in("tests/guests")? {
        progress::step(&format!("build guest `{name}`"), || {
            // What the function refuses must be there to be refused.
            let name = guests.join(&name);
            plugin(workspace, &programs.windlass, &source, &name, &["--unchecked"])
        })?;
    }
    Ok(guests)
}

/// Builds the crate at `source` into `{stem}.wasm`, and compiles that into `{stem}.cwasm`.
fn plugin(
    workspace: &Workspace,
    windlass: &Path,
    source: &Path,
    stem: &Path,
    options: &[&str],
) -> Result<()> {
    let component = stem.with_extension("wasm");
    let mut build = Command::new(windlass);
    // One build directory for all plugins, so that they share what they depend on.
    build.arg("build").arg(source).arg("-o").arg(&component).args(options);
    forget_this_package(&mut build).env("CARGO_TARGET_DIR", workspace.target());
    command::run(&mut build)?;
    let mut compile = Command::new(windlass);
    compile
        .arg("compile")
        .arg(&component)
        .arg("-o")
        .arg(stem.with_extension("cwasm"))
        .args(options);
    command::run(&mut compile)
}

/// Puts a copy in place at once: one that is running keeps its file.
fn install(from: &Path, to: &Path) -> Result<PathBuf> {
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh)
        .and_then(|_| fs::rename(&fresh, to))
        .with_context(|| format!("copying `{}` to `{}`", from.display(), to.display()))?;
    Ok(to.to_owned())
}
