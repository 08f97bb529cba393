//! The gate before machine code: what is let in was sealed by `seal`, for this version, and the code
//! in it is what was sealed, to the bit. Only what the trailer says about other things may differ.

use sha2::{Digest, Sha256};
use windlass::sandbox::HOST_TARGET;
use windlass::sandbox::artifact::{Trailer, seal, unseal};

use crate::Seed;

/// How many changes one input makes to a sealed artifact.
const CHANGES_MAX: usize = 16;

/// The first byte chooses: even, the rest is a file of anybody's; odd, it is an artifact that is
/// sealed and then changed. No digest is met by chance, so the second is the way behind that check.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((choice, file)) if choice % 2 == 0 => anybodys(file),
        Some((_, rest)) => changed(rest),
        None => {}
    }
}

fn anybodys(file: &[u8]) {
    match unseal(file) {
        Ok((artifact, trailer)) => check(file, artifact, &trailer),
        Err(problem) => assert!(problem.to_string().len() < 4096 + file.len()),
    }
}

/// Four bytes for each change (where, twice; how; what), behind them what is sealed.
fn changed(data: &[u8]) {
    let Some((count, rest)) = data.split_first() else { return };
    let at = (usize::from(*count) % CHANGES_MAX * 4).min(rest.len());
    let (changes, artifact) = rest.split_at(at);
    let trailer = Trailer::new(b"component", artifact, HOST_TARGET);
    let Ok(sealed) = seal(artifact, &trailer) else { panic!("a trailer can't be written") };
    let (opened, read) = match unseal(&sealed) {
        Ok(opened) => opened,
        // A component that nobody compiled is refused by its first bytes.
        Err(problem) => return assert!(artifact.starts_with(b"\0asm"), "{problem}"),
    };
    assert_eq!((opened, &read), (artifact, &trailer));

    let mut file = sealed.clone();
    for change in changes.chunks_exact(4) {
        let at = usize::from(change[0]) * 256 + usize::from(change[1]);
        // From the end, where what decides is.
        let at = file.len().saturating_sub(1 + at % (file.len() + 1));
        match change[2] % 4 {
            0 => file[at] ^= change[3],
            1 => file.insert(at, change[3]),
            2 => drop(file.remove(at)),
            _ => file.truncate(at),
        }
        if file.is_empty() {
            return;
        }
    }
    if let Ok((opened, read)) = unseal(&file) {
        check(&file, opened, &read);
        assert_eq!(opened, artifact, "other code under the same trailer");
        assert_eq!(read.artifact_sha256, trailer.artifact_sha256);
    }
}

/// What holds for everything that is let in.
fn check(file: &[u8], artifact: &[u8], trailer: &Trailer) {
    assert!(file.starts_with(artifact) && file.ends_with(b"WINDLASS"));
    assert!(!file.starts_with(b"\0asm"), "a component that nobody compiled");
    assert_eq!(trailer.windlass, env!("CARGO_PKG_VERSION"));
    let digest: String =
        Sha256::digest(artifact).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(trailer.artifact_sha256.to_string(), digest);
    // The trailer reaches from the artifact to its length, and is JSON.
    let Some(text) = file.get(artifact.len()..file.len() - 12) else {
        panic!("no room for a trailer")
    };
    let length = &file[file.len() - 12..file.len() - 8];
    assert_eq!(
        u32::try_from(text.len()).map(u32::to_le_bytes).as_ref().map(|l| &l[..]),
        Ok(length)
    );
    let Ok(said) = serde_json::from_slice::<Trailer>(text) else {
        panic!("the trailer is no JSON")
    };
    assert_eq!(&said, trailer);
    let Ok(sealed) = seal(artifact, trailer) else { panic!("a trailer can't be written") };
    assert_eq!(unseal(&sealed).ok(), Some((artifact, trailer.clone())));
}

/// A signature of something else: the gate only reads it, what it is worth is asked elsewhere.
const SIGNATURE: &str = r#"{"key": "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "signature": "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbvioNYP8C6oo=="}"#;

/// Sealed artifacts, whole and changed, and files of others.
pub fn seeds() -> Vec<Seed> {
    let artifact = b"\x7fELF machine code";
    let with = |change: fn(&mut Trailer)| {
        let mut trailer = Trailer::new(b"component", artifact, HOST_TARGET);
        change(&mut trailer);
        [&b"\0"[..], &seal(artifact, &trailer).unwrap_or_default()].concat()
    };
    let odd = |rest: &[u8]| [&b"\x01"[..], rest].concat();
    vec![
        Seed::new("sealed", with(|_| {})),
        Seed::new("other-version", with(|trailer| trailer.windlass = "9.9.9".into())),
        Seed::new(
            "other-target",
            with(|trailer| trailer.target = "riscv64-unknown-linux-gnu".into()),
        ),
        Seed::new(
            "other-digest",
            with(|trailer| trailer.artifact_sha256 = trailer.component_sha256),
        ),
        Seed::new(
            "signed",
            with(|trailer| trailer.signature = serde_json::from_str(SIGNATURE).ok()),
        ),
        Seed::new("component", b"\0\0asm\x0d\0\x01\0"),
        Seed::new("foreign", b"\0\x7fELF by somebody else, long enough"),
        Seed::new("magic-alone", b"\0\xff\xff\xff\xffWINDLASS"),
        Seed::new("unchanged", odd(b"\0\x7fELF machine code")),
        Seed::new("a-bit-of-the-length", odd(b"\x01\0\x08\0\x01code")),
        Seed::new("a-byte-more", odd(b"\x01\0\x40\x01 code")),
        Seed::new("a-byte-less", odd(b"\x01\x01\x20\x02\0code")),
        Seed::new("cut", odd(b"\x02\0\x08\0\x20\0\x20\x03\0code")),
    ]
}
