//! SHA-256 digests of components: what a pin names, and what a compiled plugin was made from.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use serde::{Deserialize, Serialize};

/// A SHA-256 digest; 64 hexadecimal digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; SHA256_OUTPUT_LEN]);

impl Digest {
    /// The digest of these bytes.
    pub fn compute(bytes: &[u8]) -> Self {
        let mut all = Digesting::new();
        all.update(bytes);
        all.finish()
    }
}

/// The digest of bytes that come in pieces.
pub struct Digesting(Context);

impl Digesting {
    /// Of no bytes yet.
    #[expect(clippy::new_without_default, reason = "nobody needs one by default")]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Of these bytes as well.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them.
    pub fn finish(self) -> Digest {
        let mut own = [0; SHA256_OUTPUT_LEN];
        for (to, from) in own.iter_mut().zip(self.0.finish().as_ref()) {
            *to = *from;
        }
        Digest(own)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let mut own = [0; SHA256_OUTPUT_LEN];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != own.len() || !rest.is_empty() {
            return Err(NoDigest);
        }
        for (to, [high, low]) in own.iter_mut().zip(pairs) {
            *to = digit(high).ok_or(NoDigest)? << 4 | digit(low).ok_or(NoDigest)?;
        }
        Ok(Self(own))
    }
}

impl TryFrom<String> for Digest {
    type Error = NoDigest;

    fn try_from(text: String) -> Result<Self, NoDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 digest has 64 hexadecimal digits")]
pub struct NoDigest;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_and_read_in_hexadecimal() {
        // The first test vector of FIPS 180-2, appendix B.
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::compute(b"abc").to_string(), text);
        assert_eq!(text.parse(), Ok(Digest::compute(b"abc")));
        assert_eq!(text.to_uppercase().parse(), Ok(Digest::compute(b"abc")));
        for wrong in ["", &text[1..], &format!("{text}0"), &text.replace('b', "g")] {
            assert_eq!(wrong.parse::<Digest>(), Err(NoDigest), "{wrong}");
        }
    }
}
