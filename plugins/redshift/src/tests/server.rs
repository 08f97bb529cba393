//! A server of accounts whose passwords are stored as SHA-256, written from the protocol's
//! description: it computes with its own code and knows what it stores alone.

use sha2::{Digest, Sha256};
pub(super) use windlass_postgres_wire::testing::*;
use windlass_sdk::testing::{Peer, Script};

use super::PASSWORD;

pub(super) const NONCE: &[u8] = b"\0server's nonce\xff";

/// What the server keeps: a digest, and the salt in the form in which it sends it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    digest: Vec<u8>,
    salt: Vec<u8>,
}

impl Stored {
    pub(super) fn new(password: &str, salt: &[u8]) -> Self {
        let digest = Sha256::digest([password.as_bytes(), salt].concat()).to_vec();
        Self { digest, salt: salt.to_vec() }
    }

    /// What `PASSWORD 'sha256|…|…'` stores, where the server sends salts of this kind.
    pub(super) fn set(statement: &str, salt_as_bytes: bool) -> Self {
        let hash = statement.split("PASSWORD '").nth(1).unwrap().split('\'').next().unwrap();
        let parts: Vec<_> = hash.split('|').collect();
        assert_eq!((parts.len(), parts[0]), (3, "sha256"), "{hash}");
        assert_eq!(unhex(parts[2]).len(), 32, "256 bits");
        let salt = if salt_as_bytes { unhex(parts[2]) } else { parts[2].as_bytes().to_vec() };
        Self { digest: unhex(parts[1]), salt }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// The request of code 13.
pub(super) fn ask_digest(algorithm: u32, salt: &[u8], nonce: &[u8]) -> Vec<u8> {
    let mut body = algorithm.to_be_bytes().to_vec();
    for part in [salt, nonce] {
        body.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        body.extend(part);
    }
    authentication(13, &body)
}

/// Asks for a digest and says whether it is that of the stored password.
pub(super) fn digest_is_right(peer: &mut Peer, stored: &Stored) -> bool {
    peer.send(&ask_digest(0, &stored.salt, NONCE));
    let (tag, body) = receive(peer);
    assert_eq!(tag, b'd');
    let (length, rest) = body.split_at(4);
    assert_eq!(length, 32_u32.to_be_bytes());
    let (digest, rest) = rest.split_at(32);
    let (length, nonce) = rest.split_at(4);
    assert_eq!(u32::from_be_bytes(length.try_into().unwrap()) as usize, nonce.len());
    assert!(nonce.len() == 13 && nonce.iter().all(u8::is_ascii_digit), "{nonce:?}");
    Sha256::digest([&stored.digest[..], NONCE, nonce].concat()).as_slice() == digest
}

/// From the startup packet to ReadyForQuery, by code 13.
pub(super) fn let_in_by_digest(peer: &mut Peer, stored: &Stored) {
    startup(peer);
    assert!(digest_is_right(peer, stored), "the digest is wrong");
    welcome(peer);
}

/// The value of a startup packet's parameter.
pub(super) fn value(packet: &[String], name: &str) -> String {
    packet[packet.iter().position(|text| text == name).unwrap() + 1].clone()
}

/// The connection on which is asked how `user` signs in: nothing is answered.
pub(super) fn asked_about(user: &'static str, request: Vec<u8>) -> Script {
    Box::new(move |mut peer| {
        assert_eq!(value(&startup(&mut peer), "user"), user);
        peer.send(&request);
        peer.expect_close();
    })
}

/// What Redshift says to a wrong password.
pub(super) fn wrong_password() -> Vec<u8> {
    error("28000", "password authentication failed for user \"app\"")
}

/// The account in force, with a salt of 32 bytes.
pub(super) fn in_force() -> Stored {
    Stored::new(PASSWORD, &[0x5a; 32])
}
