//! The server's side of SCRAM, beside the pieces that all scripted servers of the protocol have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
pub(super) use windlass_postgres_wire::testing::*;
use windlass_sdk::testing::Peer;

use super::PASSWORD;

/// The server's side of SCRAM, up to the proof, for the password in force.
pub(super) struct Scram {
    server_key: Vec<u8>,
    auth_message: String,
    /// The mechanism that the client chose.
    pub(super) mechanism: String,
    /// What the client said about channel binding, decoded from its second message.
    pub(super) binding: Vec<u8>,
}

impl Scram {
    /// Offers `mechanisms`, sets a challenge and checks the client's proof.
    pub(super) fn challenge(peer: &mut Peer, mechanisms: &[&str]) -> Self {
        let (mechanism, first) = Self::offer(peer, mechanisms);
        let bare = &first[first.find("n=").unwrap()..];
        let nonce = bare.strip_prefix("n=,r=").unwrap();

        let verifier = crate::scram::verifier(PASSWORD, *b"saltsaltsaltsalt", 4096);
        let mut keys = verifier.rsplit('$').next().unwrap().split(':');
        let mut key = || STANDARD.decode(keys.next().unwrap()).unwrap();
        let (stored_key, server_key) = (key(), key());

        let server_first = format!("r={nonce}+server,s=c2FsdHNhbHRzYWx0c2FsdA==,i=4096");
        peer.send(&authentication(11, server_first.as_bytes()));
        let (tag, answer) = receive(peer);
        let answer = String::from_utf8(answer).unwrap();
        let (without_proof, proof) = answer.split_once(",p=").unwrap();
        let auth_message = format!("{bare},{server_first},{without_proof}");
        let proof = STANDARD.decode(proof).unwrap();
        let signature = mac(&stored_key, &auth_message);
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(tag, b'p');
        assert_eq!(Sha256::digest(client_key)[..], stored_key, "the client's proof is wrong");

        let binding = without_proof.strip_prefix("c=").unwrap().split(',').next().unwrap();
        let binding = STANDARD.decode(binding).unwrap();
        Self { server_key, auth_message, mechanism, binding }
    }

    /// Offers `mechanisms` and takes the client's choice and first message.
    pub(super) fn offer(peer: &mut Peer, mechanisms: &[&str]) -> (String, String) {
        let mut body: Vec<u8> =
            mechanisms.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat()).collect();
        body.push(0);
        peer.send(&authentication(10, &body));
        let (tag, body) = receive(peer);
        assert_eq!(tag, b'p');
        let end = body.iter().position(|byte| *byte == 0).unwrap();
        let first = String::from_utf8(body[end + 5..].to_vec()).unwrap();
        (String::from_utf8(body[..end].to_vec()).unwrap(), first)
    }

    /// The message with the server's proof.
    pub(super) fn proof(&self) -> Vec<u8> {
        let signature = STANDARD.encode(mac(&self.server_key, &self.auth_message));
        authentication(12, format!("v={signature}").as_bytes())
    }
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
