//! What a sign-in has to prove, computed from MySQL's documentation of its methods.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::server::Server;
use super::{Choice, PASSWORD};

/// Behind the version and its zero: the connection's number; then 8 bytes of the nonce, a zero and
/// 18 bytes of capabilities, character set, status, length and nothing; then the other 12.
const NONCE_AT: usize = 4;
const NONCE_GAP: usize = 8 + 1 + 18;

/// Checks the answer to the greeting: the right name, and the right proof for the method in it.
pub(super) fn check(choice: Choice, server: &Server) {
    // Where all comes at once the greeting can't be told from what follows.
    if choice.has(Choice::AT_ONCE) {
        return;
    }
    let (sign_in, _) = server.sign_in();
    let Some(answer) = sign_in.iter().map(|heard| &heard.message).find(|it| it.len() > 4 + 32)
    else {
        return;
    };
    let Some(nonce) = nonce(&server.all_said) else { panic!("a sign-in without a greeting") };
    let expected = [
        ("mysql_native_password", native(PASSWORD, &nonce)),
        ("caching_sha2_password", caching_sha2(PASSWORD, &nonce)),
    ];
    let is = |(method, proof): &(&str, Vec<u8>)| {
        let length = u8::try_from(proof.len()).unwrap_or(0);
        let body = [b"app\0", &[length][..], proof, method.as_bytes(), b"\0"].concat();
        answer.get(4 + 32..) == Some(&body)
    };
    assert!(expected.iter().any(is), "no proof: {:?}", String::from_utf8_lossy(answer));
}

/// The nonce of a greeting, which is in a packet of its own.
fn nonce(said: &[u8]) -> Option<Vec<u8>> {
    let greeting = said.get(4 + 1..)?;
    let end = greeting.iter().position(|byte| *byte == 0)?;
    let rest = greeting.get(end + 1 + NONCE_AT..)?;
    Some([rest.get(..8)?, rest.get(NONCE_GAP..NONCE_GAP + 12)?].concat())
}

/// `SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password)))`.
fn native(password: &str, nonce: &[u8]) -> Vec<u8> {
    let once = Sha1::digest(password);
    let twice = Sha1::digest(once);
    let mask = Sha1::digest([nonce, &twice].concat());
    once.iter().zip(mask).map(|(one, other)| one ^ other).collect()
}

/// `SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce)`.
fn caching_sha2(password: &str, nonce: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password);
    let twice = Sha256::digest(once);
    let mask = Sha256::digest([&twice, nonce].concat());
    once.iter().zip(mask).map(|(one, other)| one ^ other).collect()
}

/// What mysql_native_password stores: `*`, and the digest of the digest in hexadecimal.
pub(super) fn native_hash(password: &str) -> String {
    let twice = Sha1::digest(Sha1::digest(password));
    twice.iter().fold("*".to_owned(), |text, byte| text + &format!("{byte:02X}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_that_mysql_has_for_password() {
        assert_eq!(native_hash("password"), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    }
}
