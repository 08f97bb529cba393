//! MariaDB's `parsec`, since 11.6: a signature under a key that PBKDF2 makes of the password and a salt
//! that the server keeps.
//!
//! The server sends a nonce, is answered by an empty packet, sends its salt, and is answered by a
//! nonce of this side's and the signature of both (`plugin/auth_parsec` of MariaDB's sources). The
//! number of rounds is the server's to say, and bounded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use sha2::Sha512;
use windlass_sdk::{Failure, fill_random};

/// The kind of key derivation: PBKDF2 with HMAC-SHA-512. There is no other.
const KIND: u8 = b'P';

/// `1024 << factor` rounds; the server's own client takes no higher factor.
const FACTOR_MAX: u8 = 3;

const SALT: usize = 18;
const NONCE: usize = 32;

/// How the server derives a key: the factor of the rounds, and the salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Derivation {
    factor: u8,
    salt: [u8; SALT],
}

impl Derivation {
    /// As the server sends it: kind, factor, salt.
    fn received(packet: &[u8]) -> Option<Self> {
        let [KIND, factor @ 0..=FACTOR_MAX, salt @ ..] = packet else { return None };
        Some(Self { factor: *factor, salt: salt.try_into().ok()? })
    }

    /// As the server stores it, and the public key behind it: `P0:SALT:KEY`, in base64.
    fn stored(text: &[u8]) -> Option<(Self, &str)> {
        let text = std::str::from_utf8(text).ok()?;
        let (head, key) = text.rsplit_once(':')?;
        let (head, salt) = head.split_once(':')?;
        let [KIND, digit @ b'0'..=b'9'] = head.as_bytes() else { return None };
        let factor = digit - b'0';
        let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        (factor <= FACTOR_MAX).then_some((Self { factor, salt }, key))
    }

    fn key(self, password: &str) -> SigningKey {
        let mut seed = [0; 32];
        let rounds = 1024_u32 << self.factor;
        pbkdf2::pbkdf2_hmac::<Sha512>(password.as_bytes(), &self.salt, rounds, &mut seed);
        SigningKey::from_bytes(&seed)
    }

    fn hash(self, password: &str) -> String {
        let key = STANDARD_NO_PAD.encode(self.key(password).verifying_key());
        let salt = STANDARD_NO_PAD.encode(self.salt);
        format!("{}{}:{salt}:{key}", char::from(KIND), self.factor)
    }
}

/// The answer to the server's salt.
pub(crate) fn proof(
    password: &str,
    server_nonce: &[u8],
    packet: &[u8],
) -> Result<Vec<u8>, Failure> {
    let derivation = Derivation::received(packet).ok_or_else(|| {
        Failure::unsupported("the server derives keys for parsec in a way that is not known here")
    })?;
    let mut nonce = [0; NONCE];
    fill_random(&mut nonce);
    let signature = derivation.key(password).sign(&[server_nonce, &nonce].concat());
    Ok([&nonce[..], &signature.to_bytes()].concat())
}

/// What the server keeps of a new password, with a salt of its own.
pub(crate) fn hash(password: &str) -> String {
    let mut salt = [0; SALT];
    fill_random(&mut salt);
    // The server's own choice.
    Derivation { factor: 0, salt }.hash(password)
}

/// Whether `stored` is of this password; `None` where that is not known.
pub(crate) fn matches(stored: &[u8], password: &str) -> Option<bool> {
    let (derivation, _) = Derivation::stored(stored)?;
    Some(derivation.hash(password).as_bytes() == stored)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, Verifier};

    use super::*;

    /// What MariaDB 11.8 made of `IDENTIFIED VIA parsec USING PASSWORD('x-P4ss')`.
    const STORED: &str = "P0:2bXKuWSWvc5tl0eMGvP0tVIc:t3KDfFtMrr+PhZqRffVN7QNB0nwjyCuZK8Ur6pEK+FI";

    #[test]
    fn a_hash_is_the_servers() {
        assert_eq!(matches(STORED.as_bytes(), "x-P4ss"), Some(true));
        assert_eq!(matches(STORED.as_bytes(), "x-P4st"), Some(false));
        let own = hash("x-P4ss");
        assert_ne!(own, STORED, "a salt of its own");
        assert_eq!(matches(own.as_bytes(), "x-P4ss"), Some(true));
        assert_eq!(own.len(), STORED.len());
    }

    #[test]
    fn what_is_no_hash_or_too_costly_can_not_be_told() {
        let costly = STORED.replacen("P0", "P4", 1);
        let other = STORED.replacen('P', "Q", 1);
        for stored in ["", "P0", "P0::", "P0:AAAA:AAAA", "invalid", &costly, &other] {
            assert_eq!(matches(stored.as_bytes(), "x-P4ss"), None, "{stored}");
        }
    }

    #[test]
    fn a_proof_is_the_signature_of_both_nonces() {
        let packet = [&b"P\x01"[..], &[7; SALT]].concat();
        let proof = proof("x", &[9; NONCE], &packet).unwrap();
        let (nonce, signature) = proof.split_at(NONCE);
        let key = Derivation { factor: 1, salt: [7; SALT] }.key("x").verifying_key();
        let signature = Signature::from_slice(signature).unwrap();
        key.verify(&[&[9; NONCE], nonce].concat(), &signature).unwrap();
        for wrong in [&b"P\x04"[..], b"Q\x01", b"P\x01short", b"P", b""] {
            let packet =
                if wrong.len() == 2 { [wrong, &[7; SALT]].concat() } else { wrong.to_vec() };
            assert!(super::proof("x", &[9; NONCE], &packet).is_err(), "{wrong:?}");
        }
    }
}
