//! SCRAM-SHA-256 (RFC 5802), seen from the server: it follows both sides' messages, computes what
//! either has to prove, and is written from the RFC.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::server::BINDING;
use super::{Choice, PASSWORD};
use crate::holds;

/// What has been said so far.
#[derive(Debug, Default)]
pub(super) struct Scram {
    /// Whether channel binding was on offer.
    offers_binding: bool,
    mechanism: String,
    /// The client's first message, and what stands before its bare part.
    first: Option<String>,
    header: String,
    challenge: Option<String>,
    last: Option<String>,
    /// Whether the server presented the right proof as its last message.
    proved: bool,
}

impl Scram {
    /// A whole message of the server's.
    pub(super) fn server_said(&mut self, message: &[u8]) {
        let Some(&[b'R', _, _, _, _, 0, 0, 0, code, ref body @ ..]) = Some(message) else { return };
        match code {
            10 if self.first.is_none() => {
                self.offers_binding |=
                    body.split(|byte| *byte == 0).any(|name| name == b"SCRAM-SHA-256-PLUS");
            }
            11 if self.challenge.is_none() && self.first.is_some() => {
                self.challenge = String::from_utf8(body.to_vec()).ok();
            }
            12 => {
                let proof = self.proof();
                self.proved |= proof.is_some_and(|proof| body == format!("v={proof}").as_bytes());
            }
            _ => {}
        }
    }

    /// A message of the client's.
    pub(super) fn client_said(&mut self, message: &[u8]) {
        let Some(body) = message.strip_prefix(b"p").and_then(|rest| rest.get(4..)) else { return };
        if self.first.is_none() {
            let Some(end) = body.iter().position(|byte| *byte == 0) else { return };
            let Some(first) = body.get(end + 5..).and_then(|first| std::str::from_utf8(first).ok())
            else {
                return;
            };
            let Some(bare) = first.find("n=,r=") else { return };
            self.mechanism = String::from_utf8_lossy(&body[..end]).into_owned();
            self.header = first[..bare].to_owned();
            self.first = Some(first[bare..].to_owned());
        } else if self.last.is_none() {
            self.last = String::from_utf8(body.to_vec()).ok();
        }
    }

    /// The client's nonce.
    pub(super) fn nonce(&self) -> Option<&str> {
        self.first.as_deref()?.strip_prefix("n=,r=")
    }

    /// What the server has to present.
    pub(super) fn proof(&self) -> Option<String> {
        let key = mac(&self.salted()?, b"Server Key");
        Some(STANDARD.encode(mac(&key, self.auth_message()?.as_bytes())))
    }

    /// Whether a sign-in may have succeeded.
    pub(super) fn is_proved_or_unused(&self) -> bool {
        self.first.is_none() || self.proved
    }

    /// Whether the client said anything of it.
    pub(super) fn is_used(&self) -> bool {
        self.first.is_some()
    }

    /// Checks what the client said.
    pub(super) fn check(&self, choice: Choice) {
        if self.first.is_none() {
            return;
        }
        let can_bind = choice.has(Choice::TLS) && choice.has(Choice::BINDING);
        let expected = match (can_bind, self.offers_binding) {
            (true, true) => ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,"),
            (true, false) => ("SCRAM-SHA-256", "y,,"),
            (false, _) => ("SCRAM-SHA-256", "n,,"),
        };
        assert_eq!((self.mechanism.as_str(), self.header.as_str()), expected);

        let Some((without_proof, proof)) = self.last.as_deref().and_then(|l| l.split_once(",p="))
        else {
            return;
        };
        let binding = if can_bind && self.offers_binding { BINDING } else { b"" };
        let said = STANDARD.encode([self.header.as_bytes(), binding].concat());
        assert!(without_proof.starts_with(&format!("c={said},r=")), "{without_proof}");
        let own = self.nonce().unwrap_or_default();
        let is_ours = |nonce: &str| nonce.len() > own.len() && nonce.starts_with(own);
        let nonce = without_proof.rsplit_once(",r=").map(|(_, nonce)| nonce);
        assert!(nonce.is_some_and(is_ours), "another nonce: {without_proof}");
        let (Some(salted), Some(auth_message)) = (self.salted(), self.auth_message()) else {
            panic!("the client answered a challenge that is none: {:?}", self.challenge);
        };
        let client_key = mac(&salted, b"Client Key");
        let signature = mac(&Sha256::digest(client_key), auth_message.as_bytes());
        let expected: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(proof, STANDARD.encode(expected), "the client's proof is wrong");
        assert!(!holds(proof.as_bytes(), PASSWORD.as_bytes()));
    }

    /// `Hi(password, salt, i)`.
    fn salted(&self) -> Option<[u8; 32]> {
        let mut parts = self.challenge.as_deref()?.split(',').skip(1);
        let salt = STANDARD.decode(parts.next()?.strip_prefix("s=")?).ok()?;
        let rounds = parts.next()?.strip_prefix("i=")?;
        let rounds: u32 = rounds.parse().ok().filter(|_| !rounds.starts_with('+'))?;
        if u64::from(rounds) > *super::ROUNDS.end() || salt.is_empty() {
            return None;
        }
        let mut last = mac(PASSWORD.as_bytes(), &[&salt[..], &[0, 0, 0, 1]].concat());
        let mut sum = last;
        for _ in 1..rounds {
            last = mac(PASSWORD.as_bytes(), &last);
            sum.iter_mut().zip(last).for_each(|(sum, byte)| *sum ^= byte);
        }
        Some(sum)
    }

    fn auth_message(&self) -> Option<String> {
        let (without_proof, _) = self.last.as_deref()?.split_once(",p=")?;
        Some(format!("{},{},{without_proof}", self.first.as_deref()?, self.challenge.as_deref()?))
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}
