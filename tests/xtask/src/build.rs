//! `cargo xtask build`: everything that runs, in the order in which one needs the other.
//!
//! `bootstrap` is built in an invocation of its own: built together with the command line, cargo
//! would unify their features and link a compiler into the Lambda function. The demo, for which that
//! does not matter, builds both at once, and every dependency once.
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

/// The plugin that the demo shows.
const SHOWN: &str = "postgres";

/// Builds all and says where it is.
pub(crate) fn run(workspace: &Workspace) -> Result<Programs> {
    if let Some(programs) = named_by_environment() {
        return Ok(programs);
    }
    let output = workspace.output();
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
    let plugins = folder(output.join("plugins"))?;
    for (name, source) in workspace.crates_in("plugins")? {
        progress::step(&format!("build plugin `{name}`"), || {
            plugin(workspace, &windlass, &source, &plugins.join(&name), &[])
        })?;
    }
    Ok(Programs { windlass, bootstrap, plugins })
}

/// Builds what the demo needs, as fast as can be: one plugin, and the function of the same invocation
/// of cargo as the command line. It runs the same code as the one for Lambda, and is larger and slower.
pub(crate) fn for_demo(workspace: &Workspace) -> Result<Programs> {
    if let Some(programs) = named_by_environment() {
        return Ok(programs);
    }
    eprintln!(
        "The first build compiles about 300 crates, among them wasmtime and its compiler: about 5 \
         minutes on 2 cores. Later builds take seconds."
    );
    let what =
        "build `windlass`, the command line that compiles plugins, and `bootstrap`, the function";
    progress::step(what, || {
        // Together with `xtask`, whose features of what they share are built already.
        command::run(
            workspace
                .cargo()
                .args(["build", "-p", "xtask", "-p", "windlass", "--bin", "windlass"])
                .args(["--bin", "bootstrap", "--no-default-features"])
                .args(["--features", "windlass/cli,windlass/lambda"]),
        )
    })?;
    let debug = workspace.target().join("debug");
    let (windlass, bootstrap) = (debug.join("windlass"), debug.join("bootstrap"));
    let plugins = folder(workspace.output().join("demo/plugins"))?;
    let source = workspace.root().join("plugins").join(SHOWN);
    progress::step(&format!("build plugin `{SHOWN}`, and compile it for this machine"), || {
        plugin(workspace, &windlass, &source, &plugins.join(SHOWN), &[])
    })?;
    Ok(Programs { windlass, bootstrap, plugins })
}

fn named_by_environment() -> Option<Programs> {
    let programs = Programs::from_environment().ok()?;
    eprintln!("==> nothing is built: using what the environment names");
    for program in [&programs.windlass, &programs.bootstrap, &programs.plugins] {
        eprintln!("    {}", program.display());
    }
    Some(programs)
}

fn folder(path: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&path).with_context(|| format!("failed to make `{}`", path.display()))?;
    Ok(path)
}

/// Builds the guests, plugins that misbehave for the tests, and says where they are.
pub(crate) fn guests(workspace: &Workspace, programs: &Programs) -> Result<PathBuf> {
    let guests = folder(workspace.output().join("guests"))?;
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
    // A new clone's build directory has nothing in it yet.
    to.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::copy(from, &fresh))
        .and_then(|_| fs::rename(&fresh, to))
        .with_context(|| format!("copying `{}` to `{}`", from.display(), to.display()))?;
    Ok(to.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_put_into_a_folder_that_is_not_there_yet_and_over_another() -> Result<()> {
        let work = windlass_harness::WorkDir::new()?;
        let (from, to) = (work.path().join("built"), work.path().join("windlass/bootstrap"));
        for content in ["one", "two"] {
            fs::write(&from, content)?;
            install(&from, &to)?;
            assert_eq!(fs::read_to_string(&to)?, content);
        }
        Ok(())
    }
}
