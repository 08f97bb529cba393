//! `windlass compile`.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::compiling::{Compiled, compile_and_ask};
use super::output::Output;
use super::{CommandError, files, sealed};
use crate::config::Config;
use crate::digest::Digest;
use crate::sandbox::component::Gate;
use crate::sandbox::{HOST_TARGET, PluginError, compile};

/// Compile a component ahead of time (.cwasm), which is what the Lambda function loads.
///
/// A compiled plugin runs on one kind of machine and with one version of Windlass. For Lambda on
/// Graviton: --target aarch64-unknown-linux-gnu. It carries the digest of its component along, and
/// the component's signature, if COMPONENT.sig holds one. Compiling is given up beyond five minutes or
/// 1 GiB of memory.
#[derive(Debug, Args)]
pub(super) struct Compile {
    /// The component, as `windlass build` writes it
    component: PathBuf,
    /// Where to write [default: beside the component, with .cwasm]
    #[arg(short, long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
    /// What machine to compile for: x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu
    /// [default: this one]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The windlass.toml whose pins and signatures the component has to pass
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Compile even what the function will refuse to load, for testing that it does
    #[arg(long)]
    unchecked: bool,
}

impl Compile {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let component = files::plugin(&self.component)?;
        let refused = |problem| PluginError::Artifact { path: self.component.clone(), problem };
        let sha256 = Digest::compute(&component);
        let signature = sealed::component_signature(&self.component, &component)?;
        if let Some(file) = &self.config {
            let admission = Config::from_file(file)?.admission;
            let name = sealed::stem(&self.component);
            admission.of_component(&name, sha256, signature.as_ref()).map_err(refused)?;
            admission.warn_of_claims();
        }
        let target = self.target.as_deref().unwrap_or(HOST_TARGET);
        output.begin(format!("compiling {} for {target}", self.component.display()));
        let started = Instant::now();
        let gate = if self.unchecked { Gate::Open } else { Gate::Closed };
        let compiled = compile_and_ask(output, &self.component, &component, target, gate).await;
        output.clear();
        let Compiled { code, plugin } = compiled?;
        // What can't say what it is has nothing to be sealed with; only an open gate lets it by.
        let descriptions = plugin.map(|plugin| plugin.sealed_descriptions()).unwrap_or_default();
        let compiled =
            compile::seal(&component, &code, target, descriptions, signature).map_err(refused)?;
        let out = self.out.unwrap_or_else(|| self.component.with_extension("cwasm"));
        files::write(&out, &compiled)?;
        output.line(format!(
            "{} ({}, {target}, {} ms)",
            out.display(),
            files::size(compiled.len()),
            started.elapsed().as_millis()
        ));
        output.line(format!("component sha256 {sha256}"));
        output.object(&json!({
            "file": out, "bytes": compiled.len(), "target": target, "component_sha256": sha256,
        }));
        Ok(())
    }
}
