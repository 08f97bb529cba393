//! `windlass sign`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::output::Output;
use super::sealed::{PluginFile, signature_path};
use super::{Failure, files};
use crate::digest::Digest;
use crate::plugin::artifact;
use crate::signature::{Signature, SigningKey, Statement};

/// Sign plugins with an Ed25519 key, or make such a key.
///
/// A component (.wasm) gets its signature beside it, in FILE.sig: "I stand for this component". A
/// compiled plugin (.cwasm) gets it inside: "I compiled this code from that component". Whoever
/// deploys puts the public key into windlass.toml, in `trust.components` or `trust.compiled`, and the
/// function then loads nothing else.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Sign {
    /// What to sign
    #[arg(value_name = "FILE", requires = "key")]
    plugins: Vec<PathBuf>,
    /// The private key: PKCS#8 as PEM. Without FILE, its public key is printed
    #[arg(long, value_name = "FILE", conflicts_with = "new_key")]
    key: Option<PathBuf>,
    /// Make a private key, write it here, and print its public key
    #[arg(long, value_name = "FILE")]
    new_key: Option<PathBuf>,
}

impl Sign {
    pub(super) fn execute(self, output: Output) -> Result<(), Failure> {
        if let Some(path) = &self.new_key {
            return make_key(path, output);
        }
        let key = read_key(self.key.as_deref().unwrap_or(Path::new("")))?;
        let public = public_key(&key)?;
        let mut signed = Vec::new();
        for path in &self.plugins {
            let (into, sha256) = sign(path, &key)?;
            output.line(format!("{} signed by {public}", into.display()));
            signed.push(json!({ "file": into, "component_sha256": sha256 }));
        }
        if self.plugins.is_empty() {
            output.line(format!("public key {public}"));
        }
        output.object(&json!({ "public_key": public, "signed": Value::from(signed) }));
        Ok(())
    }
}

/// Signs a plugin and says where the signature is.
fn sign(path: &Path, key: &SigningKey) -> Result<(PathBuf, Digest), Failure> {
    match PluginFile::read(path)? {
        PluginFile::Component { bytes, .. } => {
            let sha256 = Digest::of(&bytes);
            let signature = make(key, Statement::Component { sha256 })?;
            let text = serde_json::to_string_pretty(&signature).map_err(internal)?;
            let into = signature_path(path);
            files::write(&into, format!("{text}\n").as_bytes())?;
            Ok((into, sha256))
        }
        PluginFile::Compiled { code, mut note } => {
            note.signature = Some(make(key, note.compiled())?);
            let sealed = artifact::seal(&code, &note).map_err(internal)?;
            files::write(path, &sealed)?;
            Ok((path.to_owned(), note.component_sha256))
        }
    }
}

/// Reads a private key.
pub(super) fn read_key(path: &Path) -> Result<SigningKey, Failure> {
    let pem = Zeroizing::new(files::read(path)?);
    SigningKey::from_pem(&pem).map_err(|error| {
        Failure::operator(format!("`{}` can't be used to sign: {error}", path.display()))
    })
}

/// Signs a statement.
pub(super) fn make(key: &SigningKey, statement: Statement<'_>) -> Result<Signature, Failure> {
    key.sign(statement).map_err(internal)
}

fn public_key(key: &SigningKey) -> Result<crate::signature::PublicKey, Failure> {
    key.public().map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::internal(error.to_string())
}

fn make_key(path: &Path, output: Output) -> Result<(), Failure> {
    let pem = SigningKey::generate().map_err(internal)?;
    let public = public_key(&SigningKey::from_pem(pem.as_bytes()).map_err(internal)?)?;
    // For its owner alone, and never in the place of a key that is there already.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).and_then(|mut file| file.write_all(pem.as_bytes())).map_err(|error| {
        Failure::operator(format!("failed to write `{}`: {error}", path.display()))
    })?;
    output
        .line(format!("{} holds the private key: keep it where builds are signed", path.display()));
    output.line(format!("public key {public}"));
    output.object(&json!({ "file": path, "public_key": public }));
    Ok(())
}
