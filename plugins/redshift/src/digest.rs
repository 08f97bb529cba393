//! Redshift's own way of signing in: authentication code 13, for accounts whose password is stored as
//! SHA-256.
//!
//! The server sends the algorithm, the account's salt and a nonce; the answer, a message `d`, is
//! SHA-256(SHA-256(password, salt), server's nonce, client's nonce) and the client's nonce. So what
//! the server stores is SHA-256(password, salt), over the salt in the very form in which it is sent.
//!
//! Every length is checked against the message, the algorithm against the one that there is, and
//! nothing may follow. The server proves nothing about itself: that is what TLS is for. Where the
//! server has to prove itself and there is no TLS, the request is not answered.

use sha2::{Digest as _, Sha256};
use windlass_postgres_wire::{Answered, Attempt, Methods, Wire};
use windlass_sdk::{Connection, Failure, TlsInfo};

/// The request's tag, and the code in its first four bytes.
const TAG: u8 = b'R';
const CODE: [u8; 4] = 13_u32.to_be_bytes();

/// The answer's tag.
const ANSWER: u8 = b'd';

/// The one algorithm that servers ask for and drivers know.
const SHA_256: u32 = 0;

/// The longest salt or nonce that is taken, in bytes. Redshift's salt has 256 bits, which is 64
/// characters at most.
const PART_MAX: usize = 256;

/// How the server sends a salt, which is what the stored digest is made over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SaltKind {
    /// As 32 bytes.
    Bytes,
    /// As 64 hexadecimal digits.
    Hex,
}

/// What the server asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    salt: Vec<u8>,
    nonce: Vec<u8>,
    /// Absent where the salt is of neither kind: then none can be made that is sure to be like it.
    pub(crate) salt_kind: Option<SaltKind>,
}

impl Challenge {
    /// Reads a whole message; `None` where it is no request of this method.
    pub(crate) fn read(message: &[u8]) -> Result<Option<Self>, Failure> {
        if message.first() != Some(&TAG) || message.get(5..9) != Some(&CODE) {
            return Ok(None);
        }
        let mut rest = message.get(9..).unwrap_or_default();
        let algorithm = number(&mut rest)?;
        if algorithm != SHA_256 {
            return Err(Failure::unsupported(format!(
                "the server asks for digest algorithm {algorithm}; this plugin knows SHA-256, which \
                 is {SHA_256}"
            )));
        }
        let salt = part(&mut rest)?.to_vec();
        let nonce = part(&mut rest)?.to_vec();
        if !rest.is_empty() {
            return Err(malformed());
        }
        let is_hex = || salt.iter().all(u8::is_ascii_hexdigit);
        let salt_kind = match salt.len() {
            32 => Some(SaltKind::Bytes),
            64 if is_hex() => Some(SaltKind::Hex),
            _ => None,
        };
        Ok(Some(Self { salt, nonce, salt_kind }))
    }

    fn answer(&self, password: &str, client_nonce: &[u8]) -> [u8; 32] {
        let stored = stored_digest(password, &self.salt);
        Sha256::new()
            .chain_update(stored)
            .chain_update(&self.nonce)
            .chain_update(client_nonce)
            .finalize()
            .into()
    }
}

/// What the server keeps of a password.
pub(crate) fn stored_digest(password: &str, salt: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(password).chain_update(salt).finalize().into()
}

/// The method, and what it came to know.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    /// How the server sends the account's salt.
    pub(crate) salt: Option<SaltKind>,
}

impl Methods for Digest {
    fn answer(
        &mut self,
        wire: &mut Wire<Connection>,
        request: &[u8],
        attempt: Attempt<'_>,
        _: Option<&TlsInfo>,
    ) -> Result<Answered, Failure> {
        let Some(challenge) = Challenge::read(request)? else {
            return if is_other(request) { Err(other_method()) } else { Ok(Answered::NotMine) };
        };
        if attempt.login.server_must_prove_itself() {
            return Err(Failure::unproven("a SHA-256 digest (digest)"));
        }
        let nonce = client_nonce();
        let digest = challenge.answer(attempt.password(), &nonce);
        self.salt = challenge.salt_kind;
        wire.send(|buffer| {
            buffer.extend_from_slice(&[ANSWER]);
            let lengths = 4 + 4 + digest.len() + 4 + nonce.len();
            for (length, bytes) in
                [(lengths, &[][..]), (digest.len(), &digest[..]), (nonce.len(), &nonce)]
            {
                buffer.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_be_bytes());
                buffer.extend_from_slice(bytes);
            }
            Ok(())
        })?;
        Ok(Answered::Proved)
    }
}

/// Thirteen digits, as the drivers send: theirs are the time in milliseconds, these can't be
/// foreseen.
fn client_nonce() -> [u8; 13] {
    let mut nonce = [0; 13];
    windlass_sdk::fill_random(&mut nonce);
    nonce.map(|byte| b'0' + byte % 10)
}

/// Whether the server asks for what this product has beyond passwords, or never has.
fn is_other(request: &[u8]) -> bool {
    /// SASL, which is SCRAM; and a token of an identity provider.
    const OTHERS: [[u8; 4]; 2] = [10_u32.to_be_bytes(), 14_u32.to_be_bytes()];
    request.first() == Some(&TAG)
        && OTHERS.iter().any(|code| request.get(5..9) == Some(code.as_slice()))
}

fn other_method() -> Failure {
    Failure::unsupported(
        "the server asks this account for SCRAM or for a token of an identity provider, not for a \
         password as Redshift's database users have it",
    )
}

fn number(rest: &mut &[u8]) -> Result<u32, Failure> {
    let (bytes, after) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
    *rest = after;
    Ok(u32::from_be_bytes(*bytes))
}

/// A length and as many bytes, of which there must be some: without a nonce an answer could be used
/// again, and without a salt what was computed for one account would do for all.
fn part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Failure> {
    let length = usize::try_from(number(rest)?).unwrap_or(usize::MAX);
    if length == 0 || length > PART_MAX {
        return Err(malformed());
    }
    let (bytes, after) = rest.split_at_checked(length).ok_or_else(malformed)?;
    *rest = after;
    Ok(bytes)
}

fn malformed() -> Failure {
    Failure::protocol("the server's request for a digest can't be read")
}

#[cfg(test)]
mod tests {
    use windlass_postgres_wire::testing::authentication;
    use windlass_sdk::FailureKind::{self, *};

    use super::*;

    fn request(algorithm: u32, salt: &[u8], nonce: &[u8]) -> Vec<u8> {
        let mut body = algorithm.to_be_bytes().to_vec();
        for part in [salt, nonce] {
            body.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            body.extend(part);
        }
        authentication(13, &body)
    }

    #[test]
    fn the_answer_is_the_drivers() {
        // Computed with Python's hashlib, in the words of the JDBC driver's ExtensibleDigest.
        let challenge = Challenge::read(&request(0, b"salt", b"server")).unwrap().unwrap();
        let expected = [
            0xcc, 0x74, 0xf9, 0x97, 0x4a, 0xae, 0x36, 0x36, 0xe7, 0x0a, 0xbc, 0x1e, 0x6c, 0x79,
            0x9e, 0xcc, 0x81, 0x70, 0xf8, 0x90, 0x1e, 0x89, 0x75, 0x55, 0x9d, 0x71, 0x8c, 0x7f,
            0xcc, 0x94, 0xf8, 0xce,
        ];
        assert_eq!(challenge.answer("My_sha256_PaSsWoRdŽ", b"1700000000000"), expected);
    }

    #[test]
    fn how_a_salt_is_sent_is_told_by_its_length() {
        let kind =
            |salt: &[u8]| Challenge::read(&request(0, salt, b"n")).unwrap().unwrap().salt_kind;
        assert_eq!(kind(&[0xff; 32]), Some(SaltKind::Bytes));
        assert_eq!(kind(&[b'a'; 64]), Some(SaltKind::Hex));
        assert_eq!(kind(&[b'x'; 64]), None);
        assert_eq!(kind(b"s"), None);
    }

    #[test]
    fn a_request_that_lies_is_not_answered() {
        let whole = request(0, &[1; 32], &[2; 16]);
        let body = &whole[9..];
        for end in 0..body.len() {
            let cut = authentication(13, &body[..end]);
            assert_eq!(Challenge::read(&cut).unwrap_err().kind, Protocol, "{end} bytes");
        }
        let longer = authentication(13, &[body, b"x"].concat());
        let huge = |length: u32| {
            authentication(13, &[&[0; 4][..], &length.to_be_bytes(), &[0; 300]].concat())
        };
        let table: &[(Vec<u8>, FailureKind)] = &[
            (longer, Protocol),
            (request(0, b"", b"n"), Protocol),
            (request(0, b"s", b""), Protocol),
            (huge(u32::MAX), Protocol),
            (huge(0x7fff_ffff), Protocol),
            (huge(0x8000_0000), Protocol),
            (request(0, &[1; 257], b"n"), Protocol),
            (request(1, b"s", b"n"), Unsupported),
            (request(u32::MAX, b"s", b"n"), Unsupported),
        ];
        for (message, kind) in table {
            assert_eq!(Challenge::read(message).unwrap_err().kind, *kind);
        }
        assert_eq!(Challenge::read(&authentication(5, b"1234")), Ok(None));
        assert_eq!(Challenge::read(b""), Ok(None));
    }
}
