//! `windlass sign`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::output::Output;
use super::sealed::{PluginFile, may_replace, signature_path};
use super::{CommandError, files};
use crate::digest::Digest;
use crate::sandbox::{PluginError, artifact};
use crate::signature::{Signature, SigningKey, Statement};

/// Sign plugins with an Ed25519 key, or make such a key.
///
/// A component (.wasm) gets its signature beside it, in FILE.sig: "I stand for this component".
///
/// A compiled plugin (.cwasm) gets it inside: "I compiled this code from that component". That is your
/// word: from a .cwasm nobody can tell what it was compiled from, and it may hold any machine code. Sign
/// what you compiled yourself and nothing else; `windlass package --sign-with` compiles and signs in one
/// go.
///
/// Who deploys puts the public key into windlass.toml, in `trust.components` or `trust.compiled`, and
/// the function then loads nothing else. A signature of another key is never replaced.
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
    pub(super) fn execute(self, output: Output) -> Result<(), CommandError> {
        if let Some(path) = &self.new_key {
            return make_key(path, output);
        }
        let key = read_key(self.key.as_deref().unwrap_or(Path::new("")))?;
        let public = public_key(&key)?;
        let mut signed = Vec::new();
        for path in &self.plugins {
            let (into, sha256, says) = sign(path, &key)?;
            output.line(format!("{} signed by {public}", into.display()));
            output.line(format!("  says: {says} {sha256}"));
            signed.push(json!({ "file": into, "component_sha256": sha256 }));
        }
        if self.plugins.is_empty() {
            output.line(format!("public key {public}"));
        }
        output.object(&json!({ "public_key": public, "signed": Value::from(signed) }));
        Ok(())
    }
}

/// Signs a plugin; where the signature is, of which component it speaks, and what it says.
fn sign(path: &Path, key: &SigningKey) -> Result<(PathBuf, Digest, &'static str), CommandError> {
    match PluginFile::read(path)? {
        PluginFile::Component { bytes, signature } => {
            may_replace(path, signature.as_ref(), key)?;
            let sha256 = Digest::compute(&bytes);
            let signature = make(key, Statement::Component { sha256 })?;
            let text = serde_json::to_string_pretty(&signature).map_err(internal)?;
            let into = signature_path(path);
            files::write(&into, format!("{text}\n").as_bytes())?;
            Ok((into, sha256, "its signer stands for component"))
        }
        PluginFile::Compiled { code, mut trailer } => {
            may_replace(path, trailer.signature.as_ref(), key)?;
            trailer.signature = Some(make(key, trailer.compiled())?);
            let sealed = artifact::seal(&code, &trailer)
                .map_err(|problem| PluginError::Artifact { path: path.to_owned(), problem })?;
            files::write(path, &sealed)?;
            let says = "its signer compiled this code, from component";
            Ok((path.to_owned(), trailer.component_sha256, says))
        }
    }
}

/// Reads a private key.
pub(super) fn read_key(path: &Path) -> Result<SigningKey, CommandError> {
    let pem = Zeroizing::new(files::read(path)?);
    SigningKey::from_pem(&pem).map_err(|error| {
        CommandError::operator(format!("`{}` can't be used to sign: {error}", path.display()))
    })
}

/// Signs a statement.
pub(super) fn make(key: &SigningKey, statement: Statement<'_>) -> Result<Signature, CommandError> {
    key.sign(statement).map_err(internal)
}

fn public_key(key: &SigningKey) -> Result<crate::signature::PublicKey, CommandError> {
    key.public().map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> CommandError {
    CommandError::internal(error.to_string())
}

fn make_key(path: &Path, output: Output) -> Result<(), CommandError> {
    let pem = SigningKey::generate().map_err(internal)?;
    let public = public_key(&SigningKey::from_pem(pem.as_bytes()).map_err(internal)?)?;
    // For its owner alone, and never in the place of a key that is there already.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).and_then(|mut file| file.write_all(pem.as_bytes())).map_err(|error| {
        CommandError::operator(format!("failed to write `{}`: {error}", path.display()))
    })?;
    output
        .line(format!("{} holds the private key: keep it where builds are signed", path.display()));
    output.line(format!("public key {public}"));
    output.object(&json!({ "file": path, "public_key": public }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::HOST_TARGET;
    use crate::sandbox::artifact::Trailer;

    fn key() -> SigningKey {
        SigningKey::from_pem(SigningKey::generate().unwrap().as_bytes()).unwrap()
    }

    #[test]
    fn no_signature_takes_the_place_of_another_keys() {
        let folder = tempfile::tempdir().unwrap();
        let (component, compiled) =
            (folder.path().join("plugin.wasm"), folder.path().join("plugin.cwasm"));
        // The smallest component there is.
        let bytes = b"\0asm\x0d\0\x01\0";
        std::fs::write(&component, bytes).unwrap();
        let trailer = Trailer::new(bytes, b"code", HOST_TARGET);
        std::fs::write(&compiled, artifact::seal(b"code", &trailer).unwrap()).unwrap();
        let (first, second) = (key(), key());
        for (path, holder, remedy) in [
            (&component, signature_path(&component), "remove that file first"),
            (&compiled, compiled.clone(), "compile it again from its component"),
        ] {
            sign(path, &first).unwrap();
            let signed = std::fs::read(&holder).unwrap();
            let refused = format!("{:?}", sign(path, &second).unwrap_err());
            assert!(refused.contains("is not replaced by one of another key"), "{refused}");
            assert!(refused.contains(remedy), "{refused}");
            assert_eq!(std::fs::read(&holder).unwrap(), signed, "it was changed");
            sign(path, &first).unwrap();
            assert_eq!(std::fs::read(&holder).unwrap(), signed, "the same key, the same signature");
        }
        // Both remedies work as they are printed.
        std::fs::remove_file(signature_path(&component)).unwrap();
        sign(&component, &second).unwrap();
        std::fs::write(&compiled, artifact::seal(b"code", &trailer).unwrap()).unwrap();
        sign(&compiled, &second).unwrap();
    }
}
