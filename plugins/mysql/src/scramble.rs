//! What each method of signing in computes from a password, and the hash that the server keeps.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// `mysql_native_password`: SHA1(password) XOR SHA1(nonce ‖ SHA1(SHA1(password))).
pub(crate) fn native(password: &str, nonce: &[u8]) -> Vec<u8> {
    let once = Sha1::digest(password);
    let twice = Sha1::digest(once);
    let mask = Sha1::new().chain_update(nonce).chain_update(twice).finalize();
    once.iter().zip(mask).map(|(left, right)| left ^ right).collect()
}

/// What the server keeps of it: `*` and SHA1(SHA1(password)) in hexadecimal.
pub(crate) fn native_hash(password: &str) -> String {
    let twice = Sha1::digest(Sha1::digest(password));
    twice.iter().fold("*".to_owned(), |hash, byte| hash + &format!("{byte:02X}"))
}

/// `caching_sha2_password`, the fast way: SHA256(password) XOR
/// SHA256(SHA256(SHA256(password)) ‖ nonce).
pub(crate) fn caching_sha2(password: &str, nonce: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password);
    let twice = Sha256::digest(once);
    let mask = Sha256::new().chain_update(twice).chain_update(nonce).finalize();
    once.iter().zip(mask).map(|(left, right)| left ^ right).collect()
}

/// MariaDB's `client_ed25519`: a signature of the nonce under the key that the password's SHA-512
/// expands to.
pub(crate) fn ed25519(password: &str, nonce: &[u8]) -> Vec<u8> {
    let key = ed25519_key(password);
    raw_sign::<Sha512>(&key, nonce, &VerifyingKey::from(&key)).to_bytes().to_vec()
}

/// What the server keeps of it: the public key in base64 without padding.
pub(crate) fn ed25519_hash(password: &str) -> String {
    STANDARD_NO_PAD.encode(VerifyingKey::from(&ed25519_key(password)))
}

fn ed25519_key(password: &str) -> ExpandedSecretKey {
    ExpandedSecretKey::from_bytes(&Sha512::digest(password).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_servers() {
        // `SELECT PASSWORD('password')` and `… USING PASSWORD('x')` of MariaDB 10.11.
        assert_eq!(native_hash("password"), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
        assert_eq!(ed25519_hash("x"), "Gv2JI8Env2fd5YGonZ082tX3UAW+yJYldOlj4R1bfK4");
    }

    #[test]
    fn what_is_sent_proves_the_password_and_depends_on_the_nonce() {
        let nonce = [7; 20];
        let answer = native("password", &nonce);
        let twice = Sha1::digest(Sha1::digest("password"));
        let mask = Sha1::new().chain_update(nonce).chain_update(twice).finalize();
        let once: Vec<u8> = answer.iter().zip(mask).map(|(left, right)| left ^ right).collect();
        assert_eq!(Sha1::digest(once), twice);
        for method in [native, caching_sha2, ed25519] {
            assert_ne!(method("password", &nonce), method("password", &[8; 20]));
            assert_ne!(method("password", &nonce), method("passwore", &nonce));
        }
    }
}
