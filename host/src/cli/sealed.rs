//! Plugin files and their signatures: a component's stands beside it, in `COMPONENT.sig`; that of a
//! compiled plugin is in its trailer.
//!
//! A signature that is read here is one of what it stands at, by the key that it names; whether that
//! key is trusted is another question, and what a compiled plugin's trailer says beyond its signature is
//! a claim: a digest can't show what code was compiled from. No signature takes the place of another
//! key's: who signed first is not to vanish by the way.

use std::path::{Path, PathBuf};

use super::{CommandError, files};
use crate::digest::Digest;
use crate::sandbox::artifact::{self, Trailer};
use crate::sandbox::{PluginError, component};
use crate::signature::{Signature, SigningKey, Statement};

/// A plugin file.
pub(super) enum PluginFile {
    /// A component, and its signature if it has one.
    Component { bytes: Vec<u8>, signature: Option<Signature> },
    /// A compiled plugin: the machine code and its trailer.
    Compiled { code: Vec<u8>, trailer: Trailer },
}

impl PluginFile {
    /// Reads either kind, with signatures that are what they say.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        let bytes = files::plugin(path)?;
        let refused = |problem| PluginError::Artifact { path: path.to_owned(), problem };
        if bytes.starts_with(b"\0asm") {
            component::is_component(&bytes).map_err(refused)?;
            let signature = component_signature(path, &bytes)?;
            return Ok(Self::Component { bytes, signature });
        }
        let (code, trailer) = artifact::unseal(&bytes).map_err(refused)?;
        trailer.signatures_hold().map_err(refused)?;
        Ok(Self::Compiled { code: code.to_owned(), trailer })
    }
}

/// Refuses to put a signature by one key in the place of another key's.
pub(super) fn may_replace(
    path: &Path,
    found: Option<&Signature>,
    key: &SigningKey,
) -> Result<(), CommandError> {
    let ours = key.public().map_err(|error| CommandError::internal(error.to_string()))?;
    let Some(other) = found.filter(|found| found.key != ours) else { return Ok(()) };
    let (path, remedy) = match path.extension().is_some_and(|ending| ending == "wasm") {
        true => (signature_path(path), "remove that file first, then sign again"),
        false => (
            path.to_owned(),
            "compile it again from its component, without the signature, and sign that",
        ),
    };
    Err(CommandError::operator(format!(
        "`{}` has a signature by {}, which is not replaced by one of another key; if yours is to \
         take its place, {remedy}",
        path.display(),
        other.key
    )))
}

/// Where a component's signature is.
pub(super) fn signature_path(component: &Path) -> PathBuf {
    let mut path = component.as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

/// The signature beside a component, if there is one.
pub(super) fn component_signature(
    path: &Path,
    component: &[u8],
) -> Result<Option<Signature>, CommandError> {
    let beside = signature_path(path);
    if !beside.exists() {
        return Ok(None);
    }
    let wrong = |why: &dyn std::fmt::Display| {
        CommandError::operator(format!(
            "`{}` does not hold a signature of `{}`: {why}; remove it, and sign the component \
             again \
             with `windlass sign`",
            beside.display(),
            path.display()
        ))
    };
    let signature: Signature =
        serde_json::from_slice(&files::read(&beside)?).map_err(|error| wrong(&error))?;
    let statement = Statement::Component { sha256: Digest::compute(component) };
    signature.verify(statement).map_err(|error| wrong(&error))?;
    Ok(Some(signature))
}

/// The file's name without its ending: the plugin's name, as far as a file can tell.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
