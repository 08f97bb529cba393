//! Compiled plugins (`.cwasm`): machine code, checked before it is used.
//!
//! Loading machine code trusts it completely, so two things must hold. The operator vouches for the
//! file: only the deployment package's folders, or those named on the command line, are looked into,
//! and `windlass inspect` loads none unless `--trust` is given. And the file is what
//! `windlass compile` wrote, for this version and this machine: a trailer at its end says so, with the
//! digest of everything before it and with what the component says about itself. The digest protects against damage, not against an attacker who
//! can write to the package; a signature of who compiled it does, where the configuration asks for
//! one (see [`super::admission`]), as far as the host and that configuration are out of reach.
//!
//! Layout: wasmtime's artifact, then the trailer as JSON, then its length (4 bytes, little-endian),
//! then eight bytes of magic.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::ArtifactProblem;
use super::limits::{ARTIFACT_BYTES, TRAILER_BYTES};
use super::runtime::HOST_TARGET;
use crate::digest::Digest;
use crate::rotation::ports::Description;
use crate::signature::{Signature, Statement};

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
/// If the trailer can't be written as JSON, which can't happen for the types in it.
pub fn seal(artifact: &[u8], trailer: &Trailer) -> serde_json::Result<Vec<u8>> {
    let trailer = serde_json::to_vec(trailer)?;
    let length = u32::try_from(trailer.len()).unwrap_or(u32::MAX).to_le_bytes();
    Ok([artifact, &trailer, &length, MAGIC].concat())
}

/// Reads a compiled plugin and checks that this host may run it.
///
/// # Errors
/// What is wrong with it and what to do.
pub fn open(path: &Path) -> Result<(Vec<u8>, Trailer), ArtifactProblem> {
    let mut bytes = read(path)?;
    let (artifact, trailer) = unseal(&bytes)?;
    for_this_machine(&trailer)?;
    let length = artifact.len();
    bytes.truncate(length);
    Ok((bytes, trailer))
}

/// Reads the trailer alone, and not the code: that is checked when it is loaded, by
/// [`open`]. The trailer's own claims are checked as there.
///
/// # Errors
/// What is wrong with it and what to do.
pub fn read_trailer(path: &Path) -> Result<Trailer, ArtifactProblem> {
    let unreadable = |error: std::io::Error| ArtifactProblem::Unreadable(error.to_string());
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > ARTIFACT_BYTES {
        return Err(ArtifactProblem::TooLarge { size, limit: ARTIFACT_BYTES });
    }
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
    let trailer = parse(&text)?;
    for_this_machine(&trailer)?;
    Ok(trailer)
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
    if bytes.starts_with(b"\0asm") {
        return Err(ArtifactProblem::NotCompiled);
    }
    let (rest, magic) = bytes.split_last_chunk::<8>().ok_or(ArtifactProblem::Foreign)?;
    let (rest, length) = rest.split_last_chunk::<4>().ok_or(ArtifactProblem::Foreign)?;
    if magic != MAGIC {
        return Err(ArtifactProblem::Foreign);
    }
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let at = rest.len().checked_sub(length).ok_or(ArtifactProblem::Damaged)?;
    let (artifact, trailer) = rest.split_at_checked(at).ok_or(ArtifactProblem::Damaged)?;
    if length as u64 > TRAILER_BYTES {
        return Err(ArtifactProblem::Damaged);
    }
    let trailer = parse(trailer)?;
    if trailer.artifact_sha256 != Digest::compute(artifact) {
        return Err(ArtifactProblem::Damaged);
    }
    Ok((artifact, trailer))
}

fn read(path: &Path) -> Result<Vec<u8>, ArtifactProblem> {
    let unreadable = |error: std::io::Error| ArtifactProblem::Unreadable(error.to_string());
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > ARTIFACT_BYTES {
        return Err(ArtifactProblem::TooLarge { size, limit: ARTIFACT_BYTES });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let artifact = b"\x7fELF machine code";
        seal(artifact, &Trailer::new(b"component", artifact, HOST_TARGET)).unwrap()
    }

    #[test]
    fn what_was_sealed_opens() {
        let sealed = sealed();
        let (artifact, trailer) = unseal(&sealed).unwrap();
        assert_eq!(artifact, b"\x7fELF machine code");
        assert_eq!(trailer.component_sha256, Digest::compute(b"component"));
    }

    #[test]
    fn the_trailer_is_read_without_the_code_and_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.cwasm");
        let whole = sealed();
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(read_trailer(&path).unwrap(), open(&path).unwrap().1);
        // What the trailer does not vouch for is noticed when the code is loaded.
        let mut changed = whole.clone();
        changed[0] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        assert!(read_trailer(&path).is_ok());
        assert_eq!(open(&path).unwrap_err(), ArtifactProblem::Damaged);
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(read_trailer(&path).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_trailer_that_claims_to_be_huge_is_damaged() {
        let length = u32::try_from(TRAILER_BYTES + 1).unwrap();
        let mut bytes = vec![b' '; usize::try_from(length).unwrap()];
        bytes.extend(length.to_le_bytes());
        bytes.extend(MAGIC);
        assert_eq!(unseal(&bytes).unwrap_err(), ArtifactProblem::Damaged);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        assert_eq!(read_trailer(file.path()).unwrap_err(), ArtifactProblem::Damaged);
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.cwasm");
        let file = File::create(&path).unwrap();
        for (size, too_large) in [(ARTIFACT_BYTES, false), (ARTIFACT_BYTES + 1, true)] {
            file.set_len(size).unwrap();
            let problem = open(&path).unwrap_err();
            let is_too_large = matches!(problem, ArtifactProblem::TooLarge { .. });
            assert_eq!(is_too_large, too_large, "{size}: {problem}");
        }
    }

    #[test]
    fn every_truncation_and_every_changed_byte_is_noticed() {
        let sealed = sealed();
        for length in 0..sealed.len() {
            assert!(unseal(&sealed[..length]).is_err(), "cut at {length}");
        }
        let (_, trailer) = unseal(&sealed).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            // Flipping a bit of the component's digest makes another valid trailer; everything else
            // must be noticed.
            if let Ok((_, other)) = unseal(&changed) {
                assert_ne!(other, trailer, "byte {at}");
                assert_eq!(other.artifact_sha256, trailer.artifact_sha256, "byte {at}");
            }
        }
    }

    #[test]
    fn each_foreign_file_says_what_to_do() {
        let artifact = b"code";
        let with = |change: fn(&mut Trailer)| {
            let mut trailer = Trailer::new(b"", artifact, HOST_TARGET);
            change(&mut trailer);
            seal(artifact, &trailer).unwrap()
        };
        let other_version = with(|trailer| trailer.windlass = "9.9.9".into());
        for (bytes, expected) in [
            (b"\0asm\x0d\0\x01\0".to_vec(), "run `windlass compile` on it"),
            (b"\x7fELF by somebody else, long enough".to_vec(), "not made by `windlass compile`"),
            (Vec::new(), "not made by `windlass compile`"),
            (other_version, "compiled by Windlass 9.9.9"),
        ] {
            let problem = unseal(&bytes).unwrap_err().to_string();
            assert!(problem.contains(expected), "{problem}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.cwasm");
        std::fs::write(&path, with(|trailer| trailer.target = "riscv64-unknown-linux-gnu".into()))
            .unwrap();
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains("compiled for riscv64-unknown-linux-gnu"), "{error}");
    }
}
