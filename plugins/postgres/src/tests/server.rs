//! The pieces of a PostgreSQL server that the scripts are made of.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use windlass_sdk::testing::Peer;

use super::PASSWORD;

pub(super) const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
pub(super) const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
pub(super) const ASK_CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
pub(super) const ASK_MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05\x01\x02\x03\x04";
pub(super) const READY: &[u8] = b"Z\0\0\0\x05I";

pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    message.extend(body);
    message
}

pub(super) fn authentication(code: u32, body: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], body].concat())
}

/// An ErrorResponse with everything that a server may add to it.
pub(super) fn error(code: &str, text: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [
        ('S', "FATAL"),
        ('V', "FATAL"),
        ('C', code),
        ('M', text),
        ('D', "a detail with old-p4ssword"),
        ('H', "a hint with old-p4ssword"),
        ('W', "a context with new-p4ssword"),
        ('q', "ALTER ROLE app PASSWORD 'new-p4ssword'"),
    ] {
        body.push(u8::try_from(field).unwrap());
        body.extend(value.as_bytes());
        body.push(0);
    }
    body.push(0);
    message(b'E', &body)
}

/// A result of one row, its values in text.
pub(super) fn row(values: &[Option<&str>]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        match value {
            Some(value) => {
                body.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                body.extend(value.as_bytes());
            }
            None => body.extend((-1_i32).to_be_bytes()),
        }
    }
    message(b'D', &body)
}

/// The head of a result: the names of its columns mean nothing to the plugin.
pub(super) fn head() -> Vec<u8> {
    message(b'T', b"\0\0")
}

pub(super) fn complete(tag: &str) -> Vec<u8> {
    message(b'C', format!("{tag}\0").as_bytes())
}

/// The next message that the plugin sends.
pub(super) fn receive(peer: &mut Peer) -> (u8, Vec<u8>) {
    let header = peer.receive(5);
    let length = u32::from_be_bytes(header[1..].try_into().unwrap());
    (header[0], peer.receive(length as usize - 4))
}

/// The request for TLS, granted.
pub(super) fn accept_tls(peer: &mut Peer, binding: Option<Vec<u8>>) {
    peer.expect(SSL_REQUEST);
    peer.send(b"S");
    peer.accept_tls(binding);
}

/// The startup packet: its strings, names and values in turn.
pub(super) fn startup(peer: &mut Peer) -> Vec<String> {
    let length = u32::from_be_bytes(peer.receive(4).try_into().unwrap());
    let body = peer.receive(length as usize - 4);
    assert_eq!(body[..4], [0, 3, 0, 0], "protocol 3.0");
    let text = String::from_utf8(body[4..].to_vec()).unwrap();
    text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

/// What a server says once it has let somebody in.
pub(super) fn welcome(peer: &mut Peer) {
    let mut all = OK.to_vec();
    all.extend(message(b'S', b"server_version\x0015.0\0"));
    all.extend(message(b'K', &[0; 8]));
    all.extend(READY);
    peer.send(&all);
}

/// From the startup packet to ReadyForQuery, with MD5: the shortest way in.
pub(super) fn let_in(peer: &mut Peer) {
    startup(peer);
    peer.send(ASK_MD5);
    assert_eq!(receive(peer).0, b'p');
    welcome(peer);
}

/// The next statement.
pub(super) fn query(peer: &mut Peer) -> String {
    let (tag, mut body) = receive(peer);
    assert_eq!((tag, body.pop()), (b'Q', Some(0)));
    String::from_utf8(body).unwrap()
}

pub(super) fn goodbye(peer: &mut Peer) {
    assert_eq!(receive(peer), (b'X', vec![]));
    peer.expect_close();
}

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
