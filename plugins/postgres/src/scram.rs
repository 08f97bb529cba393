//! SCRAM-SHA-256 (RFC 5802, RFC 7677): the client's side of a sign-in, and the verifier that a
//! server stores.
//!
//! The server's iteration count is checked before any of it is computed, and a sign-in is finished
//! only when the server has proved that it knows the verifier. The steps are types that consume
//! each other, so none can be left out or repeated.
//!
//! This is not `postgres_protocol::authentication::sasl` because its key derivation takes 2.7 times
//! as long (see `derive`), because its verifiers always have 4096 rounds, whatever the server's
//! `scram_iterations` says, and because its SASLprep is not the server's (see `saslprep`).

use std::str;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;
use windlass_sdk::{Failure, clean};

use crate::derive::{Key, hash, keyed, mac, pbkdf2, xor};
use crate::saslprep;

/// The mechanism without channel binding.
pub(crate) const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
/// The mechanism with channel binding.
pub(crate) const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// The most rounds that are computed, whoever asks for them. PostgreSQL's default is 4096 and
/// OWASP's advice 600000, which takes about half a second of CPU in WebAssembly. Beyond that a
/// sign-in would be a way to keep this side busy, and the host stops a call that computes for long.
pub(crate) const ITERATIONS_MAX: u32 = 600_000;

/// What PostgreSQL uses where nothing else is set.
pub(crate) const ITERATIONS_DEFAULT: u32 = 4096;

/// What the client says about channel binding in its first message. The server compares it with
/// what it offered, so nobody in between can take the offer away unnoticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Binding {
    /// This side can't: no TLS, or a certificate for which no binding is defined.
    Unable,
    /// This side could, but saw no offer.
    NotOffered,
    /// Bound to the hash of the server's certificate.
    TlsServerEndPoint(Vec<u8>),
}

impl Binding {
    fn header(&self) -> &'static str {
        match self {
            Self::Unable => "n,,",
            Self::NotOffered => "y,,",
            Self::TlsServerEndPoint(_) => "p=tls-server-end-point,,",
        }
    }

    /// The value of `c=` in the client's second message.
    fn encoded(&self) -> String {
        let mut input = self.header().as_bytes().to_vec();
        if let Self::TlsServerEndPoint(hash) = self {
            input.extend(hash);
        }
        STANDARD.encode(input)
    }
}

/// A sign-in that has not heard from the server yet.
pub(crate) struct Client {
    binding: Binding,
    /// `n=,r=…`: PostgreSQL takes the name from the startup packet.
    first_bare: String,
    nonce: String,
    password: String,
}

impl Client {
    pub(crate) fn new(password: &str, binding: Binding) -> Self {
        // libpq's length.
        let mut nonce = [0; 18];
        windlass_sdk::fill_random(&mut nonce);
        Self::with_nonce(password, binding, STANDARD.encode(nonce))
    }

    fn with_nonce(password: &str, binding: Binding, nonce: String) -> Self {
        Self {
            binding,
            first_bare: format!("n=,r={nonce}"),
            nonce,
            password: saslprep::prepare(password).into_owned(),
        }
    }

    /// The client's first message.
    pub(crate) fn first_message(&self) -> String {
        format!("{}{}", self.binding.header(), self.first_bare)
    }

    /// Takes the server's challenge; returns the client's answer and what the server has to
    /// present in return.
    pub(crate) fn answer(self, server_first: &[u8]) -> Result<(String, ServerProof), Failure> {
        let challenge = Challenge::read(server_first, &self.nonce)?;
        let salted = pbkdf2(self.password.as_bytes(), &challenge.salt, challenge.iterations);
        let without_proof = format!("c={},r={}", self.binding.encoded(), challenge.nonce);
        let auth_message =
            format!("{},{},{without_proof}", self.first_bare, challenge.message).into_bytes();

        let client_key = mac(&salted, b"Client Key");
        let signature = mac(&hash(&client_key), &auth_message);
        let proof = STANDARD.encode(xor(client_key, signature));
        Ok((
            format!("{without_proof},p={proof}"),
            ServerProof { server_key: mac(&salted, b"Server Key"), auth_message },
        ))
    }
}

/// What only a server that knows the account's verifier can produce.
pub(crate) struct ServerProof {
    server_key: Key,
    auth_message: Vec<u8>,
}

impl ServerProof {
    /// Takes the server's last message. Only if this succeeds is the sign-in one.
    pub(crate) fn check(self, server_final: &[u8]) -> Result<(), Failure> {
        let message = text(server_final)?;
        if let Some(error) = message.strip_prefix("e=") {
            return Err(Failure::protocol(format!("the server ended SCRAM: {}", clean(error))));
        }
        let signature = message
            .strip_prefix("v=")
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .ok_or_else(|| malformed("last"))?;
        let mut expected = keyed(&self.server_key);
        expected.update(&self.auth_message);
        // Compares in constant time.
        expected.verify_slice(&signature).map_err(|_| {
            Failure::protocol(
                "the server did not prove that it knows this account: it may be another server \
                 than the one that the host name stands for",
            )
        })
    }
}

/// The server's first message.
struct Challenge<'a> {
    message: &'a str,
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> Challenge<'a> {
    fn read(message: &'a [u8], client_nonce: &str) -> Result<Self, Failure> {
        let message = text(message)?;
        let mut parts = message.split(',');
        let mut part = |name| parts.next().and_then(|part| part.strip_prefix(name));
        let (Some(nonce), Some(salt), Some(iterations), None) =
            (part("r="), part("s="), part("i="), part(""))
        else {
            return Err(malformed("first"));
        };
        if !nonce.starts_with(client_nonce) || nonce.len() == client_nonce.len() {
            return Err(Failure::protocol("the server answered SCRAM with another nonce"));
        }
        let salt = STANDARD.decode(salt).map_err(|_| malformed("first"))?;
        // PostgreSQL's has 16 bytes. Without any, what was computed for one account would do for all.
        if salt.is_empty() {
            return Err(malformed("first"));
        }
        let digits = Some(iterations).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let iterations: u32 =
            digits.and_then(|text| text.parse().ok()).ok_or_else(|| malformed("first"))?;
        match iterations {
            0 => Err(malformed("first")),
            1..=ITERATIONS_MAX => Ok(Self { message, nonce, salt, iterations }),
            _ => Err(Failure::unsupported(format!(
                "the server asks for {iterations} SCRAM iterations; this plugin computes \
                 {ITERATIONS_MAX} at most: set the account's password anew under a lower \
                 scram_iterations"
            ))),
        }
    }
}

/// The form in which PostgreSQL stores a password: `SCRAM-SHA-256$rounds:salt$stored:server`.
/// It holds no character that would have to be quoted.
pub(crate) fn verifier(password: &str, salt: [u8; 16], iterations: u32) -> String {
    let salted = pbkdf2(saslprep::prepare(password).as_bytes(), &salt, iterations);
    format!(
        "{SCRAM_SHA_256}${iterations}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(hash(&mac(&salted, b"Client Key"))),
        STANDARD.encode(mac(&salted, b"Server Key")),
    )
}

fn text(message: &[u8]) -> Result<&str, Failure> {
    str::from_utf8(message).map_err(|_| Failure::protocol("the server's SCRAM message is not text"))
}

fn malformed(which: &str) -> Failure {
    Failure::protocol(format!("the server's {which} SCRAM message can't be read"))
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind;

    use super::*;

    // RFC 7677, section 3, with the empty user name that PostgreSQL uses; recorded from psql.
    const NONCE: &str = "9IZ2O01zb9IgiIZ1WJ/zgpJB";
    const SERVER_FIRST: &str =
        "r=9IZ2O01zb9IgiIZ1WJ/zgpJBjx/oIRLs02gGSHcw1KEty3eY,s=fs3IXBy7U7+IvVjZ,i=4096";
    const SERVER_FINAL: &[u8] = b"v=U+ppxD5XUKtradnv8e2MkeupiA8FU87Sg8CXzXHDAzw=";

    fn client(binding: Binding) -> Client {
        Client::with_nonce("foobar", binding, NONCE.into())
    }

    #[test]
    fn a_recorded_exchange() {
        let client = client(Binding::Unable);
        assert_eq!(client.first_message(), format!("n,,n=,r={NONCE}"));
        let (answer, proof) = client.answer(SERVER_FIRST.as_bytes()).unwrap();
        assert_eq!(
            answer,
            "c=biws,r=9IZ2O01zb9IgiIZ1WJ/zgpJBjx/oIRLs02gGSHcw1KEty3eY,\
             p=AmNKosjJzS31NTlQYNs5BTeQjdHdk7lOflDo5re2an8="
        );
        proof.check(SERVER_FINAL).unwrap();
    }

    #[test]
    fn a_server_that_does_not_know_the_account_is_found_out() {
        for message in [
            &b"v=U+ppxD5XUKtradnv8e2MkeupiA8FU87Sg8CXzXHDAzx="[..],
            b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            b"v=",
            b"v=!",
            b"",
            b"e=other-error",
            b"\xff",
        ] {
            let (_, proof) = client(Binding::Unable).answer(SERVER_FIRST.as_bytes()).unwrap();
            assert_eq!(proof.check(message).unwrap_err().kind, FailureKind::Protocol);
        }
    }

    #[test]
    fn channel_binding_is_part_of_both_messages() {
        let bound = client(Binding::TlsServerEndPoint(vec![1, 2, 3]));
        assert!(bound.first_message().starts_with("p=tls-server-end-point,,n=,r="));
        let (answer, _) = bound.answer(SERVER_FIRST.as_bytes()).unwrap();
        let mut data = b"p=tls-server-end-point,,".to_vec();
        data.extend([1, 2, 3]);
        assert!(answer.starts_with(&format!("c={},", STANDARD.encode(data))));

        let unoffered = client(Binding::NotOffered);
        assert!(unoffered.first_message().starts_with("y,,"));
        assert!(unoffered.answer(SERVER_FIRST.as_bytes()).unwrap().0.starts_with("c=eSws,"));
    }

    #[test]
    fn a_challenge_that_asks_for_too_much_is_refused_before_it_is_computed() {
        let refused = |iterations: &str| {
            let challenge = format!("r={NONCE}x,s=AAAA,i={iterations}");
            client(Binding::Unable).answer(challenge.as_bytes()).map(drop).unwrap_err().kind
        };
        assert_eq!(refused("600001"), FailureKind::Unsupported);
        assert_eq!(refused("4294967295"), FailureKind::Unsupported);
        for wrong in ["4294967296", "0", "-1", "+1", "", "4096,x=1", "4096 "] {
            assert_eq!(refused(wrong), FailureKind::Protocol, "{wrong}");
        }
    }

    #[test]
    fn a_challenge_that_is_none_is_refused() {
        for challenge in [
            "r=other,s=AAAA,i=4096".to_owned(),
            // The server must add to the nonce.
            format!("r={NONCE},s=AAAA,i=4096"),
            format!("r={NONCE}x,s=!,i=4096"),
            format!("r={NONCE}x,s=,i=4096"),
            format!("r={NONCE}x,i=4096,s=AAAA"),
            format!("r={NONCE}x,s=AAAA"),
            format!("m=ext,r={NONCE}x,s=AAAA,i=4096"),
            String::new(),
        ] {
            let outcome = client(Binding::Unable).answer(challenge.as_bytes());
            assert_eq!(outcome.map(drop).unwrap_err().kind, FailureKind::Protocol, "{challenge}");
        }
    }

    #[test]
    fn the_verifier_is_what_postgres_protocol_makes() {
        // The crate's salt is random, so ours is made with the salt that it chose.
        let theirs = postgres_protocol::password::scram_sha_256(b"p\xc3\xa9 \\ ' % secret");
        let salt = theirs.split(['$', ':']).nth(2).unwrap();
        let salt: [u8; 16] = STANDARD.decode(salt).unwrap().try_into().unwrap();
        assert_eq!(verifier("pé \\ ' % secret", salt, 4096), theirs);
    }
}
