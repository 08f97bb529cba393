//! Where the repository is, where cargo builds, and where the results go.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The places that tasks work in.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds them, by the environment that `cargo run` sets and by asking cargo.
    pub(crate) fn find() -> Result<Self> {
        // At run time, not `env!`: two clones may share a build directory.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .ancestors()
            .nth(2)
            .with_context(|| format!("`{}` is not in a workspace", package.display()))?
            .to_owned();
        let output = cargo(&root)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("failed to run `cargo metadata`")?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            bail!("`cargo metadata` failed: {}", message.trim());
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("reading `cargo metadata`")?;
        let target = metadata.get("target_directory").and_then(Value::as_str);
        let target = PathBuf::from(target.context("`cargo metadata` names no target directory")?);
        Ok(Self { root, target })
    }

    /// A cargo command, run in the repository.
    pub(crate) fn cargo(&self) -> Command {
        cargo(&self.root)
    }

    /// The repository.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's build directory.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where tasks put what they make.
    pub(crate) fn output(&self) -> PathBuf {
        self.target.join("windlass")
    }

    /// The crates in `directory` of the repository that are components, with their names, in
    /// alphabetical order. A library that several of them are built on stands beside them.
    pub(crate) fn crates_in(&self, directory: &str) -> Result<Vec<(String, PathBuf)>> {
        let directory = self.root.join(directory);
        let entries = fs::read_dir(&directory)
            .with_context(|| format!("reading `{}`", directory.display()))?;
        let mut plugins: Vec<_> = entries
            .flatten()
            .filter(|entry| {
                let manifest = fs::read_to_string(entry.path().join("Cargo.toml"));
                manifest.is_ok_and(|manifest| manifest.contains("\"cdylib\""))
            })
            .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
            .collect();
        plugins.sort();
        Ok(plugins)
    }

    /// A directory that outlives clones: `$XDG_CACHE_HOME/windlass` or `~/.cache/windlass`.
    pub(crate) fn cache() -> Result<PathBuf> {
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))
            .context("neither XDG_CACHE_HOME nor HOME is set")?;
        Ok(cache.join("windlass"))
    }
}

/// Takes from `command`'s environment what `cargo run` said about this very program.
///
/// Build scripts (ring's, for one) run again when such a variable changes: with them, every task
/// would rebuild what a plain `cargo build` had just built, and the other way round.
pub(crate) fn forget_this_package(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let ours = name
            .to_str()
            .is_some_and(|name| OF_THIS_PACKAGE.iter().any(|prefix| name.starts_with(prefix)));
        if ours {
            command.env_remove(name);
        }
    }
    command
}

/// Beginnings of the names of variables that cargo sets for the program it runs.
const OF_THIS_PACKAGE: [&str; 5] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_CRATE_NAME",
    "CARGO_BIN_NAME",
    "CARGO_PRIMARY_PACKAGE",
];

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    forget_this_package(&mut command).current_dir(root);
    command
}
