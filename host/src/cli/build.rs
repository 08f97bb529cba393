//! `windlass build`.

use std::path::PathBuf;
use std::process::Stdio;

use clap::Args;
use serde_json::{Value, json};

use super::compiling::ask;
use super::output::Output;
use super::toolchain::Toolchain;
use super::{CommandError, files};
use crate::digest::Digest;
use crate::sandbox::component::Gate;
use crate::sandbox::{PluginError, component};

/// Build a plugin crate into a component (.wasm).
///
/// The crate's library must be a `cdylib` that uses windlass-sdk. The compiler for WebAssembly is
/// found by itself: the installed target, else Debian's own compiler, else `rustup target add`. The
/// crate needs no settings of its own: neither a cargo profile nor one for getrandom.
///
/// What the function would refuse to load is not written: other imports than windlass:plugin, limits
/// that it breaks, a description that can't be.
#[derive(Debug, Args)]
pub(super) struct Build {
    /// The crate's folder
    #[arg(default_value = ".", value_name = "CRATE")]
    folder: PathBuf,
    /// Where to write [default: NAME.wasm in the crate's folder]
    #[arg(short, long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
    /// A cargo profile of the crate's own [default: optimised for speed, across crates]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Build even what the function will refuse to load, for testing that it does
    #[arg(long)]
    unchecked: bool,
}

impl Build {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        output.begin("looking for a WebAssembly compiler");
        let toolchain = Toolchain::find().await;
        output.clear();
        let toolchain = toolchain?;
        let module_path = self.cargo_build(&toolchain).await?;
        let module = files::plugin(&module_path)?;
        let rejected = |problem| PluginError::Artifact { path: module_path.clone(), problem };
        let gate = if self.unchecked { Gate::Open } else { Gate::Closed };
        let component = component::encode(&module, gate).map_err(rejected)?;
        if gate == Gate::Closed {
            let shape = component::shape(&component).map_err(rejected)?;
            ask(output, &module_path, &component, &shape).await?;
        }
        let out = self.out.clone().unwrap_or_else(|| {
            let name = module_path.file_name().unwrap_or_default();
            self.folder.join(name)
        });
        files::write(&out, &component)?;
        let sha256 = Digest::compute(&component);
        output.line(format!(
            "{} ({}, {})",
            out.display(),
            files::size(component.len()),
            toolchain.describe()
        ));
        output.line(format!("component sha256 {sha256}"));
        output.object(&json!({
            "file": out, "bytes": component.len(), "component_sha256": sha256,
            "compiler": toolchain.describe(),
        }));
        Ok(())
    }

    /// Runs cargo, which shows its own progress, and returns the module that it made.
    async fn cargo_build(&self, toolchain: &Toolchain) -> Result<PathBuf, CommandError> {
        let manifest = self.folder.join("Cargo.toml");
        if !manifest.exists() {
            return Err(CommandError::operator(format!(
                "`{}` is not a crate: it has no Cargo.toml",
                self.folder.display()
            )));
        }
        let not_run = |error| CommandError::operator(format!("cargo could not be run: {error}"));
        let cargo = toolchain
            .cargo(self.profile.as_deref())
            .arg("--lib")
            .arg("--manifest-path")
            .arg(&manifest)
            .arg("--message-format=json-render-diagnostics")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Cargo's progress and the compiler's errors. `output` would take them away.
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(not_run)?;
        let made = cargo.wait_with_output().await.map_err(not_run)?;
        if !made.status.success() {
            return Err(CommandError::operator(
                "the crate does not compile; see cargo's errors above",
            ));
        }
        let messages = String::from_utf8_lossy(&made.stdout);
        let manifest = manifest.canonicalize().unwrap_or(manifest);
        wasm_of(&messages, &manifest.to_string_lossy()).ok_or_else(|| {
            CommandError::operator(
                "the crate has no `cdylib` library; add to its Cargo.toml: [lib] crate-type = \
                 [\"cdylib\", \"rlib\"]",
            )
        })
    }
}

/// The .wasm file among cargo's messages that belongs to this manifest.
fn wasm_of(messages: &str, manifest: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| text(message, "reason") == Some("compiler-artifact"))
        .filter(|message| text(message, "manifest_path") == Some(manifest))
        .filter_map(|message| {
            let files = message.get("filenames")?.as_array()?.clone();
            files.iter().filter_map(Value::as_str).find(|f| f.ends_with(".wasm")).map(PathBuf::from)
        })
        .next_back()
}

fn text<'a>(message: &'a Value, field: &str) -> Option<&'a str> {
    message.get(field)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_the_one_of_the_crate_that_was_asked_for() {
        let line = |manifest: &str, file: &str| {
            json!({"reason": "compiler-artifact", "manifest_path": manifest, "filenames": [file]})
                .to_string()
        };
        let messages = [
            line("/dep/Cargo.toml", "/t/dep.wasm"),
            line("/p/Cargo.toml", "/t/libp.rlib"),
            line("/p/Cargo.toml", "/t/p.wasm"),
            "not json".to_owned(),
        ]
        .join("\n");
        assert_eq!(wasm_of(&messages, "/p/Cargo.toml"), Some(PathBuf::from("/t/p.wasm")));
        assert_eq!(wasm_of(&messages, "/q/Cargo.toml"), None);
    }
}
