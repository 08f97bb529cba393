//! `windlass verify`.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use super::CommandError;
use super::output::Output;
use super::sealed::{PluginFile, stem};
use crate::config::Config;
use crate::digest::Digest;
use crate::sandbox::PluginError;
use crate::sandbox::admission::{Admission, Trust};
use crate::signature::{PublicKey, Signature};

/// Check the signatures of plugins, and the digests that are pinned for them, as the function does.
///
/// With --key, a file must be signed by one of the keys: a component (.wasm) in FILE.sig, a compiled
/// plugin (.cwasm) inside. With --config, it must be what windlass.toml asks for. Nothing of the
/// plugin is run.
///
/// What a .cwasm was compiled from is its own claim, and a pin holds it to that claim alone, unless a key
/// that you trust has signed it: with --key, or `trust.compiled` in windlass.toml.
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
    pub(super) fn execute(self, output: Output) -> Result<(), CommandError> {
        let mut verified = Vec::new();
        for path in &self.plugins {
            let checked = self.check(path)?;
            let is = match checked.origin {
                Origin::Known => "is",
                Origin::Signed => "is made, by the word of its signer, from",
                Origin::Claimed => "claims to be made from",
            };
            output.line(format!("{} {is} component {}", path.display(), checked.sha256));
            checked.say(output);
            verified.push(json!({
                "file": path,
                "component_sha256": checked.sha256,
                "component_is_claimed": checked.origin == Origin::Claimed,
                "component_signed_by": checked.component,
                "code_signed_by": checked.code,
            }));
        }
        output.object(&json!({ "verified": Value::from(verified) }));
        Ok(())
    }

    fn check(&self, path: &Path) -> Result<Checked, CommandError> {
        let refused = |problem| PluginError::Artifact { path: path.to_owned(), problem };
        let key = |signature: Option<Signature>| signature.map(|own| own.key);
        match PluginFile::read(path)? {
            PluginFile::Component { bytes, signature } => {
                let trust = Trust { components: self.keys.clone(), ..Trust::default() };
                let (admission, sha256) = (self.admission(trust)?, Digest::compute(&bytes));
                admission.of_component(&stem(path), sha256, signature.as_ref()).map_err(refused)?;
                let component = key(signature);
                Ok(Checked { sha256, origin: Origin::Known, component, code: None })
            }
            PluginFile::Compiled { trailer, .. } => {
                let trust = Trust { compiled: self.keys.clone(), ..Trust::default() };
                let admission = self.admission(trust)?;
                admission.of_compiled(&stem(path), &trailer).map_err(refused)?;
                admission.warn_of_claims();
                let trusted = !admission.trust.compiled.is_empty();
                Ok(Checked {
                    sha256: trailer.component_sha256,
                    origin: if trusted { Origin::Signed } else { Origin::Claimed },
                    component: key(trailer.component_signature),
                    code: key(trailer.signature),
                })
            }
        }
    }

    /// What the configuration asks for; without one, signatures by the keys of the command line.
    fn admission(&self, by_keys: Trust) -> Result<Admission, CommandError> {
        match &self.config {
            Some(file) => Ok(Config::from_file(file)?.admission),
            None => Ok(Admission { trust: by_keys, ..Admission::default() }),
        }
    }
}

/// How the component of a file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The file is the component.
    Known,
    /// By the word of a key that is trusted.
    Signed,
    /// By the word of the file.
    Claimed,
}

/// What a file was found to be.
struct Checked {
    sha256: Digest,
    origin: Origin,
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
