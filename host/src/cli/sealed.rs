//! Plugin files and their signatures: a component's stands beside it, in `COMPONENT.sig`; that of a
//! compiled plugin is in its note.

use std::path::{Path, PathBuf};

use super::{Failure, files};
use crate::digest::Digest;
use crate::plugin::artifact::{self, Note};
use crate::plugin::{PluginError, component};
use crate::signature::{Signature, Statement};

/// A plugin file.
pub(super) enum PluginFile {
    /// A component, and its signature if it has one.
    Component { bytes: Vec<u8>, signature: Option<Signature> },
    /// A compiled plugin: the machine code and its note.
    Compiled { code: Vec<u8>, note: Note },
}

impl PluginFile {
    /// Reads either kind.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = files::plugin(path)?;
        let refused = |problem| PluginError::Artifact { path: path.to_owned(), problem };
        if bytes.starts_with(b"\0asm") {
            component::is_component(&bytes).map_err(refused)?;
            let signature = component_signature(path, &bytes)?;
            return Ok(Self::Component { bytes, signature });
        }
        let (code, note) = artifact::unseal(&bytes).map_err(refused)?;
        Ok(Self::Compiled { code: code.to_owned(), note })
    }
}

/// Where a component's signature is.
pub(super) fn signature_path(component: &Path) -> PathBuf {
    let mut path = component.as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

/// The signature beside a component, if there is one. It is of this component and by the key that
/// it names; whether that one is trusted is another question.
pub(super) fn component_signature(
    path: &Path,
    component: &[u8],
) -> Result<Option<Signature>, Failure> {
    let beside = signature_path(path);
    if !beside.exists() {
        return Ok(None);
    }
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::operator(format!(
            "`{}` does not hold a signature of `{}`: {why}; sign it again with `windlass sign`, or \
             remove the file",
            beside.display(),
            path.display()
        ))
    };
    let signature: Signature =
        serde_json::from_slice(&files::read(&beside)?).map_err(|error| wrong(&error))?;
    let statement = Statement::Component { sha256: Digest::of(component) };
    signature.verify(statement).map_err(|error| wrong(&error))?;
    Ok(Some(signature))
}

/// The file's name without its ending: the plugin's name, as far as a file can tell.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
