//! `windlass verify`.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use super::Failure;
use super::output::Output;
use super::sealed::{PluginFile, stem};
use crate::config::Config;
use crate::digest::Digest;
use crate::plugin::vetting::{Trust, Vetting};
use crate::plugin::{ArtifactProblem, PluginError};
use crate::signature::{PublicKey, Signature, Statement};

/// Check the signatures of plugins, and the digests that are pinned for them, as the function does.
///
/// With --key, a file must be signed by one of the keys: a component (.wasm) in FILE.sig, a compiled
/// plugin (.cwasm) inside. With --config, it must be what windlass.toml asks for. Nothing of the
/// plugin is run.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("asked").required(true)))]
pub(super) struct Verify {
    /// What to check
    #[arg(value_name = "FILE", required = true)]
    plugins: Vec<PathBuf>,
    /// A public key, as `windlass sign` prints it; may be repeated
    #[arg(long = "key", value_name = "KEY", group = "asked")]
    keys: Vec<PublicKey>,
    /// The function's windlass.toml
    #[arg(long, value_name = "FILE", group = "asked")]
    config: Option<PathBuf>,
}

impl Verify {
    pub(super) fn execute(self, output: Output) -> Result<(), Failure> {
        let mut verified = Vec::new();
        for path in &self.plugins {
            let checked = self.check(path)?;
            output.line(format!("{} is made from component {}", path.display(), checked.sha256));
            checked.say(output);
            verified.push(json!({
                "file": path,
                "component_sha256": checked.sha256,
                "component_signed_by": checked.component,
                "code_signed_by": checked.code,
            }));
        }
        output.object(&json!({ "verified": Value::from(verified) }));
        Ok(())
    }

    fn check(&self, path: &Path) -> Result<Checked, Failure> {
        let refused = |problem| PluginError::Artifact { path: path.to_owned(), problem };
        // A signature that nobody asked for is shown as well, so it has to be what it claims.
        let by = |signature: &Option<Signature>, what, statement: Statement<'_>| {
            let Some(own) = signature else { return Ok(None) };
            let bad = |_| refused(ArtifactProblem::BadSignature { what, key: own.key });
            own.verify(statement).map(|()| Some(own.key)).map_err(bad)
        };
        match PluginFile::read(path)? {
            PluginFile::Component { bytes, signature } => {
                let trust = Trust { components: self.keys.clone(), ..Trust::default() };
                let (vetting, sha256) = (self.vetting(trust)?, Digest::of(&bytes));
                vetting.of_component(&stem(path), sha256, signature.as_ref()).map_err(refused)?;
                let component = by(&signature, "component", Statement::Component { sha256 })?;
                Ok(Checked { sha256, component, code: None })
            }
            PluginFile::Compiled { note, .. } => {
                let trust = Trust { compiled: self.keys.clone(), ..Trust::default() };
                self.vetting(trust)?.of_compiled(&stem(path), &note).map_err(refused)?;
                let sha256 = note.component_sha256;
                let of_component = Statement::Component { sha256 };
                Ok(Checked {
                    sha256,
                    component: by(&note.component_signature, "component", of_component)?,
                    code: by(&note.signature, "compiled code", note.compiled())?,
                })
            }
        }
    }

    /// What the configuration asks for; without one, signatures by the keys of the command line.
    fn vetting(&self, by_keys: Trust) -> Result<Vetting, Failure> {
        match &self.config {
            Some(file) => Ok(Config::of_file(file)?.vetting),
            None => Ok(Vetting { trust: by_keys, ..Vetting::default() }),
        }
    }
}

/// What a file was found to be.
struct Checked {
    sha256: Digest,
    component: Option<PublicKey>,
    code: Option<PublicKey>,
}

impl Checked {
    fn say(&self, output: Output) {
        for (what, key) in [("component", self.component), ("code", self.code)] {
            if let Some(key) = key {
                output.line(format!("  {what} signed by {key}"));
            }
        }
    }
}
