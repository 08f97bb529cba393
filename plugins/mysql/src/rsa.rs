//! Encryption of a password with the server's RSA key, for a sign-in without TLS: RSAES-OAEP with
//! SHA-1 (RFC 8017, section 7.1), as caching_sha2_password and sha256_password want it.
//!
//! The key is the operator's word, from the secret. A server would send its own, but in clear, where
//! anybody could put theirs in its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use windlass_sdk::{Failure, fill_random};

/// The key of the secret that holds the server's public key. The host withholds keys whose names
/// look like a credential's, such as those with `key` in them.
pub(crate) const FIELD: &str = "serverRsaPem";

const HASH: usize = 20;

/// A modulus shorter than this is broken within reach of anybody who hears the sign-in; MySQL makes
/// 2048 bits.
const MODULUS_MIN: usize = 2048 / 8;
/// What the computing time of a call allows by far.
const MODULUS_MAX: usize = 8192 / 8;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    modulus: BigUint,
    exponent: BigUint,
    /// Of the modulus, in bytes.
    length: usize,
}

impl PublicKey {
    /// Reads PEM as `SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'` prints it.
    pub(crate) fn read(pem: &str) -> Result<Self, Failure> {
        let unreadable = || {
            Failure::invalid_secret(format!(
                "the secret's {FIELD:?} is not an RSA key of 2048 to 8192 bits in PEM (BEGIN PUBLIC KEY)"
            ))
        };
        let body = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----");
        let body = body.and_then(|body| body.strip_suffix("-----END PUBLIC KEY-----"));
        let text: String = body.ok_or_else(unreadable)?.split_whitespace().collect();
        let bytes = STANDARD.decode(text).map_err(|_| unreadable())?;
        Self::read_info(&bytes).ok_or_else(unreadable)
    }

    /// SubjectPublicKeyInfo with an RSAPublicKey in it.
    fn read_info(bytes: &[u8]) -> Option<Self> {
        const SEQUENCE: u8 = 0x30;
        const BIT_STRING: u8 = 0x03;
        const INTEGER: u8 = 0x02;
        /// rsaEncryption, 1.2.840.113549.1.1.1.
        const RSA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
        let (info, []) = element(bytes, SEQUENCE)? else { return None };
        let (algorithm, rest) = element(info, SEQUENCE)?;
        let (key, []) = element(rest, BIT_STRING)? else { return None };
        let (numbers, []) = element(key.strip_prefix(&[0])?, SEQUENCE)? else { return None };
        let (modulus, rest) = element(numbers, INTEGER)?;
        let (exponent, []) = element(rest, INTEGER)? else { return None };
        let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
        let known = algorithm.starts_with(RSA)
            && (MODULUS_MIN..=MODULUS_MAX).contains(&modulus.len())
            && matches!(exponent, [1, 0, 1] | [3] | [17]);
        known.then(|| Self {
            modulus: BigUint::from_bytes_be(modulus),
            exponent: BigUint::from_bytes_be(exponent),
            length: modulus.len(),
        })
    }

    /// What is sent: the password with its zero, masked with the nonce, encrypted.
    pub(crate) fn encrypt(&self, password: &str, nonce: &[u8]) -> Result<Vec<u8>, Failure> {
        let mask = nonce.iter().copied().cycle();
        let message = password.bytes().chain([0]).zip(mask).map(|(byte, mask)| byte ^ mask);
        let message: Vec<u8> = message.collect();
        // With an empty nonce nothing would be sent; with a short key not everything.
        if message.len() != password.len() + 1 || message.len() > self.length - 2 * HASH - 2 {
            return Err(Failure::invalid_secret(
                "the password is too long for the server's RSA key, or the server sent no nonce",
            ));
        }
        let mut seed = [0; HASH];
        fill_random(&mut seed);
        Ok(self.power(&self.pad(&message, seed)))
    }

    /// EME-OAEP with an empty label.
    fn pad(&self, message: &[u8], mut seed: [u8; HASH]) -> Vec<u8> {
        let mut block = Sha1::digest([]).to_vec();
        block.resize(self.length - HASH - 2 - message.len(), 0);
        block.push(1);
        block.extend(message);
        let mask = stretch(&seed, block.len());
        block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        let mask = stretch(&block, HASH);
        seed.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        [&[0][..], &seed, &block].concat()
    }

    fn power(&self, padded: &[u8]) -> Vec<u8> {
        let number = BigUint::from_bytes_be(padded).modpow(&self.exponent, &self.modulus);
        let bytes = number.to_bytes_be();
        let mut result = vec![0; self.length.saturating_sub(bytes.len())];
        result.extend(bytes);
        result
    }
}

/// MGF1 with SHA-1.
fn stretch(seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|counter| {
        Sha1::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize().to_vec()
    });
    blocks.take(length).collect()
}

/// The content of a DER element with this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81 | 0x82 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    (*first == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_message_is_as_long_as_the_key_and_can_be_read_back() {
        let key = PublicKey { modulus: BigUint::ZERO, exponent: BigUint::ZERO, length: 256 };
        let padded = key.pad(b"message", [7; HASH]);
        let (head, block) = padded.split_at(1 + HASH);
        let seed: Vec<u8> =
            head[1..].iter().zip(stretch(block, HASH)).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!((padded.len(), seed.as_slice()), (256, &[7; HASH][..]));
        let mask = stretch(&seed, block.len());
        let open: Vec<u8> = block.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!(open[..HASH], Sha1::digest([])[..]);
        assert!(open[HASH..].ends_with(b"\0\x01message"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for pem in [
            "",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----",
        ] {
            assert!(PublicKey::read(pem).is_err(), "{pem}");
        }
    }
}
