//! What SCRAM computes with: HMAC-SHA-256 and PBKDF2.
//!
//! PBKDF2 is nearly all of the CPU time of a rotation, so both halves of HMAC's key are hashed once
//! and each round starts from a copy of that state. Setting the key in every round, as
//! `postgres-protocol` does, takes 5.1 ms instead of 1.9 ms for 4096 rounds in WebAssembly.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A hash, or a key as long as one.
pub(crate) type Key = [u8; 32];

/// PBKDF2 with HMAC-SHA-256, one block; `Hi` of RFC 5802.
pub(crate) fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Key {
    let keyed = keyed(password);
    let round = |input: &[&[u8]]| -> Key {
        let mut mac = keyed.clone();
        input.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    };
    let mut last = round(&[salt, &1_u32.to_be_bytes()]);
    let mut result = last;
    for _ in 1..iterations {
        last = round(&[&last]);
        result = xor(result, last);
    }
    result
}

/// HMAC with its key set. Keys longer than a block are hashed and shorter ones padded, which leaves
/// one of the block's length: the only kind that can't be refused.
pub(crate) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    if key.len() <= block.len() {
        block.iter_mut().zip(key).for_each(|(slot, byte)| *slot = *byte);
    } else {
        block.iter_mut().zip(hash(key)).for_each(|(slot, byte)| *slot = byte);
    }
    Hmac::new(&block.into())
}

/// HMAC of a message under a key.
pub(crate) fn mac(key: &[u8], message: &[u8]) -> Key {
    let mut mac = keyed(key);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// SHA-256.
pub(crate) fn hash(data: &[u8]) -> Key {
    Sha256::digest(data).into()
}

/// Bit by bit.
pub(crate) fn xor(mut left: Key, right: Key) -> Key {
    left.iter_mut().zip(right).for_each(|(left, right)| *left ^= right);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pbkdf2_of_a_long_password_and_one_round() {
        // RFC 7914, section 11, first 32 bytes.
        let expected = [
            0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f, 0xec, 0x16, 0x91, 0xc2, 0x25, 0x44,
            0xb6, 0x05, 0xf9, 0x41, 0x85, 0x21, 0x6d, 0xde, 0x04, 0x65, 0xe6, 0x8b, 0x9d, 0x57,
            0xc2, 0x0d, 0xac, 0xbc,
        ];
        assert_eq!(pbkdf2(b"passwd", b"salt", 1), expected);
        // A key beyond the block is hashed first.
        let long = [b'x'; 100];
        assert_eq!(pbkdf2(&long, b"salt", 2), pbkdf2(&hash(&long), b"salt", 2));
    }
}
