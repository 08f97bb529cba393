//! Compiled plugins (`.cwasm`): machine code, checked before it is used.
//!
//! Loading machine code trusts it completely, so two things must hold. The operator vouches for the
//! file: only the deployment package's folders, or those named on the command line, are looked into,
//! and `windlass inspect` loads none unless `--trust` is given. And the file is what
//! `windlass compile` wrote, for this version and this machine: a trailer at its end says so, with the
//! digest of everything before it and with what the component says about itself. The digest protects
//! against damage, not against an attacker who can write to the package; a signature of who compiled it
//! does, where the configuration asks for one (see [`super::admission`]), as far as the host and that
//! configuration are out of reach.
//!
//! Layout: wasmtime's artifact, then the trailer as JSON, then its length (4 bytes, little-endian),
//! then eight bytes of magic.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::ArtifactProblem;
use super::limits::{ARTIFACT_BYTES, TRAILER_BYTES};
use super::runtime::HOST_TARGET;
use crate::digest::{Digest, Digesting};
use crate::rotation::ports::Description;
use crate::signature::{Signature, Statement};

/// How much of the code is in memory at a time.
const PIECE: usize = 64 * 1024;

/// The last bytes of a compiled plugin.
const MAGIC: &[u8; 8] = b"WINDLASS";

/// What a compiled plugin says about its making.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// The version of Windlass that compiled it.
    pub windlass: String,
    /// The target triple that it was compiled for.
    pub target: String,
    /// SHA-256 of the component that it claims to be compiled from. Nothing here can show that it
    /// was: only a [`signature`](Self::signature) says who answers for it.
    pub component_sha256: Digest,
    /// SHA-256 of the artifact.
    pub artifact_sha256: Digest,
    /// What the component says about itself, with each of its engines, so that it can be chosen before
    /// its code is loaded. Empty: it was not asked, and is loaded at the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descriptions: Vec<Description>,
    /// The component's signature, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component_signature: Option<Signature>,
    /// The signature of who compiled it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl Trailer {
    /// The trailer for an artifact made now.
    pub fn new(component: &[u8], artifact: &[u8], target: &str) -> Self {
        Self {
            windlass: env!("CARGO_PKG_VERSION").to_owned(),
            target: target.to_owned(),
            component_sha256: Digest::compute(component),
            artifact_sha256: Digest::compute(artifact),
            descriptions: Vec::new(),
            component_signature: None,
            signature: None,
        }
    }

    /// Whether its signatures are of it and by the keys that they name. Whether those are trusted is
    /// another question.
    ///
    /// # Errors
    /// The first that is not.
    #[cfg(feature = "cli")]
    pub fn signatures_hold(&self) -> Result<(), ArtifactProblem> {
        let sha256 = self.component_sha256;
        for (what, signature, statement) in [
            ("component", &self.component_signature, Statement::Component { sha256 }),
            ("compiled code", &self.signature, self.compiled()),
        ] {
            if let Some(own) = signature {
                own.verify(statement)
                    .map_err(|_| ArtifactProblem::BadSignature { what, key: own.key })?;
            }
        }
        Ok(())
    }

    /// The digest of [`descriptions`](Self::descriptions), as they are written.
    fn description_sha256(&self) -> Digest {
        // Types of texts, numbers and lists are always written.
        Digest::compute(&serde_json::to_vec(&self.descriptions).unwrap_or_default())
    }

    /// What its [`signature`](Self::signature) vouches for.
    pub fn compiled(&self) -> Statement<'_> {
        Statement::Compiled {
            component: self.component_sha256,
            artifact: self.artifact_sha256,
            description: self.description_sha256(),
            target: &self.target,
            windlass: &self.windlass,
        }
    }
}

/// Puts an artifact and its trailer together.
///
/// # Errors
/// If it comes out larger than what a host loads.
pub fn seal(artifact: &[u8], trailer: &Trailer) -> Result<Vec<u8>, ArtifactProblem> {
    let trailer = serde_json::to_vec(trailer)
        .map_err(|error| ArtifactProblem::Rejected(error.to_string()))?;
    let length = u32::try_from(trailer.len()).unwrap_or(u32::MAX);
    if u64::from(length) > TRAILER_BYTES {
        return Err(ArtifactProblem::Talkative { size: length.into(), limit: TRAILER_BYTES });
    }
    let sealed = [artifact, &trailer, &length.to_le_bytes(), MAGIC].concat();
    let size = sealed.len() as u64;
    if size > ARTIFACT_BYTES {
        return Err(ArtifactProblem::TooLarge { size, limit: ARTIFACT_BYTES });
    }
    Ok(sealed)
}

/// Hands a plugin's code to `sink` in pieces, and checks that this host may run it. Where this fails,
/// the pieces are not to be used.
///
/// # Errors
/// What is wrong with the file and what to do.
pub fn copy_code(
    path: &Path,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<Trailer, ArtifactProblem> {
    let (mut file, trailer, mut left) = open(path)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut digest = Digesting::new();
    let mut buffer = vec![0; PIECE];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let piece = buffer.get_mut(..most).unwrap_or_default();
        let count = file.read(piece).map_err(unreadable)?;
        let piece = piece.get(..count).unwrap_or_default();
        if piece.is_empty() {
            return Err(ArtifactProblem::Damaged);
        }
        digest.update(piece);
        sink(piece).map_err(unreadable)?;
        left = left.saturating_sub(count as u64);
    }
    if trailer.artifact_sha256 != digest.finish() {
        return Err(ArtifactProblem::Damaged);
    }
    Ok(trailer)
}

/// Reads the trailer alone, and not the code: that is checked when it is loaded, by
/// [`copy_code`]. The trailer's own claims are checked as there.
///
/// # Errors
/// What is wrong with it and what to do.
pub fn read_trailer(path: &Path) -> Result<Trailer, ArtifactProblem> {
    open(path).map(|(_, trailer, _)| trailer)
}

/// A compiled plugin's file for this machine, its trailer, and how long the code before that is.
fn open(path: &Path) -> Result<(File, Trailer, u64), ArtifactProblem> {
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > ARTIFACT_BYTES {
        return Err(ArtifactProblem::TooLarge { size, limit: ARTIFACT_BYTES });
    }
    let (trailer, code) = locate(&mut file, size)?;
    for_this_machine(&trailer)?;
    Ok((file, trailer, code))
}

/// The trailer of a compiled plugin of `size` bytes, for any target, and how long the code before it
/// is.
fn locate(mut file: impl Read + Seek, size: u64) -> Result<(Trailer, u64), ArtifactProblem> {
    let mut first = [0; 4];
    if size >= 4 {
        file.read_exact(&mut first).map_err(unreadable)?;
    }
    if &first == b"\0asm" {
        return Err(ArtifactProblem::NotCompiled);
    }
    let end_length = (4 + MAGIC.len()) as u64;
    let at_end = size.checked_sub(end_length).ok_or(ArtifactProblem::Foreign)?;
    file.seek(SeekFrom::Start(at_end)).map_err(unreadable)?;
    let mut end = [0; 12];
    file.read_exact(&mut end).map_err(unreadable)?;
    let [a, b, c, d, magic @ ..] = end;
    if magic != *MAGIC {
        return Err(ArtifactProblem::Foreign);
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let at = at_end.checked_sub(length).ok_or(ArtifactProblem::Damaged)?;
    if length > TRAILER_BYTES {
        return Err(ArtifactProblem::Damaged);
    }
    file.seek(SeekFrom::Start(at)).map_err(unreadable)?;
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).map_err(unreadable)?;
    Ok((parse(&text)?, at))
}

fn unreadable(error: io::Error) -> ArtifactProblem {
    ArtifactProblem::Unreadable(error.to_string())
}

fn for_this_machine(trailer: &Trailer) -> Result<(), ArtifactProblem> {
    if trailer.target == HOST_TARGET {
        return Ok(());
    }
    Err(ArtifactProblem::OtherTarget {
        found: trailer.target.clone(),
        ours: HOST_TARGET.to_owned(),
    })
}

/// A trailer of this version.
fn parse(text: &[u8]) -> Result<Trailer, ArtifactProblem> {
    // The version first: another one may write other fields.
    let version: Version = serde_json::from_slice(text).map_err(|_| ArtifactProblem::Damaged)?;
    if version.windlass != env!("CARGO_PKG_VERSION") {
        return Err(ArtifactProblem::OtherVersion {
            found: version.windlass,
            ours: env!("CARGO_PKG_VERSION").to_owned(),
        });
    }
    serde_json::from_slice(text).map_err(|_| ArtifactProblem::Damaged)
}

/// What a trailer of any version has.
#[derive(Deserialize)]
struct Version {
    windlass: String,
}

/// Splits a compiled plugin into artifact and trailer, and checks both against each other, for any
/// target.
///
/// # Errors
/// What is wrong with the file.
pub fn unseal(bytes: &[u8]) -> Result<(&[u8], Trailer), ArtifactProblem> {
    let (trailer, code) = locate(io::Cursor::new(bytes), bytes.len() as u64)?;
    let artifact = usize::try_from(code).ok().and_then(|code| bytes.get(..code));
    let artifact = artifact.ok_or(ArtifactProblem::Damaged)?;
    if trailer.artifact_sha256 != Digest::compute(artifact) {
        return Err(ArtifactProblem::Damaged);
    }
    Ok((artifact, trailer))
}

#[cfg(test)]
mod tests;
