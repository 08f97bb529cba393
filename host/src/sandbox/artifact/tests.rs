//! What a compiled plugin's file is taken for, and what of it is noticed.

use super::*;

/// The whole code, and the trailer.
fn open(path: &Path) -> Result<(Vec<u8>, Trailer), ArtifactProblem> {
    let mut code = Vec::new();
    let trailer = copy_code(path, |piece| {
        code.extend_from_slice(piece);
        Ok(())
    })?;
    Ok((code, trailer))
}

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
    let (code, trailer) = open(&path).unwrap();
    assert_eq!(
        (code.as_slice(), &trailer),
        unseal(&whole).map(|(code, _)| (code, &trailer)).unwrap()
    );
    assert_eq!(read_trailer(&path).unwrap(), trailer);
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

/// Longer than a piece, and not a multiple of one.
#[test]
fn code_of_several_pieces_is_copied_whole() {
    let code: Vec<u8> = (0..3 * PIECE + 7).map(|at| (at % 251) as u8).collect();
    let sealed = seal(&code, &Trailer::new(b"", &code, HOST_TARGET)).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &sealed).unwrap();
    assert!(open(file.path()).unwrap().0 == code);
    let mut changed = sealed;
    changed[2 * PIECE] ^= 1;
    std::fs::write(file.path(), &changed).unwrap();
    assert_eq!(open(file.path()).unwrap_err(), ArtifactProblem::Damaged);
}
