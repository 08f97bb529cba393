//! Sign-ins.

use windlass_sdk::FailureKind::*;

use super::super::Choice;
use super::super::server::{NONCE, PROOF};
use super::super::wire::*;
use super::{let_in, seed};
use crate::ends::Conversation;
use crate::ends::Ends::*;

const VERIFY: u16 = Choice::VERIFY;
const IN_TLS: u16 = VERIFY | Choice::TLS;
const MUTUAL: u16 = VERIFY | Choice::MUTUAL;

/// SCRAM from the offer to the proof, of one round, which costs nothing.
pub(super) fn from_offer_to_proof(
    mechanisms: &str,
    change: impl Fn(Vec<u8>) -> Vec<u8>,
) -> [Vec<u8>; 3] {
    let offer = mechanisms.split(' ').map(|name| format!("{name}\0")).collect::<String>() + "\0";
    let nonce = String::from_utf8_lossy(NONCE);
    let challenge = format!("r={nonce}+server,s=c2FsdHNhbHRzYWx0c2FsdA==,i=1");
    [
        authentication(10, offer.as_bytes()),
        authentication(11, &change(challenge.into_bytes())),
        authentication(12, &change([b"v=", &PROOF[..]].concat())),
    ]
}

/// The same as it should be.
pub(super) fn plain() -> Vec<u8> {
    from_offer_to_proof("SCRAM-SHA-256", |text| text).concat()
}

/// `text` with `by` in the place of `mark`.
fn replace(text: &[u8], mark: &[u8], by: &[u8]) -> Vec<u8> {
    match text.windows(mark.len()).position(|window| window == mark) {
        Some(at) => [&text[..at], by, &text[at + mark.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// The answer to whose session it is.
fn selected() -> Vec<u8> {
    [table(&[row(&[Some("app")])]), READY.to_vec()].concat()
}

pub(super) fn scram() -> Vec<Conversation> {
    let both = from_offer_to_proof("SCRAM-SHA-256-PLUS SCRAM-SHA-256", |text| text).concat();
    let put = |mark: &[u8], by: &[u8]| {
        from_offer_to_proof("SCRAM-SHA-256", |text| replace(&text, mark, by))
    };
    // Up to the challenge that ends it.
    let put_in_challenge = |mark: &[u8], by: &[u8]| put(mark, by)[..2].concat();
    let (plain, selected) = (plain(), selected());
    let bound = IN_TLS | Choice::BINDING;
    let whole: &[&[u8]] = &[&plain, &welcome(), &selected];
    let in_tls: &[&[u8]] = &[b"S", &plain, &welcome(), &selected];
    vec![
        seed("scram", Done, VERIFY, whole),
        seed("scram-in-tls", Done, IN_TLS, in_tls),
        seed("scram-bound", Done, bound, &[b"S", &both, &welcome(), &selected]),
        seed("scram-not-offered", Done, bound, in_tls),
        seed("scram-in-pieces", Done, VERIFY | Choice::IN_PIECES, whole),
        seed(
            "scram-without-proof",
            Fails(Protocol, "without proving"),
            VERIFY,
            &[&plain[..plain.len() - 55], OK],
        ),
        seed(
            "scram-with-a-wrong-proof",
            Fails(Protocol, "did not prove"),
            VERIFY,
            &[&put(PROOF, &[b'A'; 44]).concat()],
        ),
        seed(
            "scram-with-another-nonce",
            Fails(Protocol, "nonce"),
            VERIFY,
            &[&put_in_challenge(NONCE, &[b'A'; 24])],
        ),
        seed(
            "scram-with-a-sign",
            Fails(Protocol, "SCRAM"),
            VERIFY,
            &[&put_in_challenge(b"i=1", b"i=+1")],
        ),
        seed(
            "scram-with-too-many-rounds",
            Fails(Unsupported, "600001"),
            VERIFY,
            &[&put_in_challenge(b"i=1", b"i=600001")],
        ),
        seed(
            "scram-without-salt",
            Fails(Protocol, "can't be read"),
            VERIFY,
            &[&put_in_challenge(b"c2FsdHNhbHRzYWx0c2FsdA==", b"")],
        ),
        seed("mutual-scram", Done, MUTUAL, whole),
    ]
}

pub(super) fn others() -> Vec<Conversation> {
    let notices = [message(b'N', b"SNOTICE\0\0"), message(b'A', &[0; 6]), message(b'v', &[0; 8])];
    let (notices, selected) = (notices.concat(), selected());
    let cleartext = authentication(3, b"");
    let in_tls = |says: &[&[u8]]| [b"S".to_vec(), says.concat()].concat();
    vec![
        seed("md5", Done, VERIFY, &[&let_in(), &selected]),
        seed("mutual-md5", Fails(Unproven, "MD5"), MUTUAL, &[&authentication(5, b"salt")]),
        seed("mutual-trust", Fails(Unproven, "password"), MUTUAL, &[OK]),
        seed("mutual-in-tls", Done, MUTUAL | Choice::TLS, &[&in_tls(&[&let_in(), &selected])]),
        seed(
            "another-account",
            Fails(Declined, "belongs to \"pooler\""),
            VERIFY,
            &[&let_in(), &table(&[row(&[Some("pooler")])]), READY],
        ),
        seed(
            "another-reported",
            Fails(Declined, "belongs to \"pooler\""),
            Choice::OWN,
            &[
                &authentication(5, b"salt"),
                OK,
                &message(b'S', b"session_authorization\0pooler\0"),
                READY,
            ],
        ),
        seed("cleartext-in-tls", Done, IN_TLS, &[&in_tls(&[&cleartext, &welcome(), &selected])]),
        seed("cleartext", Fails(Unsupported, "in clear"), VERIFY, &[&cleartext]),
        seed("trust", Fails(Declined, "password"), VERIFY, &[OK]),
        seed("gssapi", Fails(Unsupported, "GSS"), VERIFY, &[&authentication(7, b"")]),
        seed("notices", Done, VERIFY, &[&notices, &let_in(), &notices, &selected]),
    ]
}

pub(super) fn failing() -> Vec<Conversation> {
    let salt = authentication(5, b"salt");
    vec![
        seed("no-tls", Fails(NoTls, "TLS"), IN_TLS, &[b"N"]),
        seed("error-for-tls", Fails(Unreachable, "TLS"), IN_TLS, &[b"E"]),
        seed(
            "slipped-in",
            Fails(Protocol, "agreed to TLS"),
            IN_TLS | Choice::AT_ONCE,
            &[b"S", OK, READY],
        ),
        seed(
            "refused",
            Fails(Refused, "no such password"),
            VERIFY,
            &[&salt, &error("28P01", "no such password")],
        ),
        seed(
            "refused-in-clear",
            Fails(Refused, "LDAP"),
            IN_TLS,
            &[b"S", &authentication(3, b""), &error("28000", "LDAP authentication failed")],
        ),
        seed(
            "declined",
            Fails(Declined, "no pg_hba.conf entry"),
            VERIFY,
            &[&error("28000", "no pg_hba.conf entry")],
        ),
        seed("no-database", Fails(Declined, "none"), VERIFY, &[&salt, OK, &error("3D000", "none")]),
        seed("silent", Fails(Unreachable, ""), VERIFY | Choice::SILENT, &[&salt]),
        // Once found: the message had more lines than one.
        seed(
            "line-separator-in-an-error",
            Fails(Refused, "a b c"),
            VERIFY,
            &[&error("28P01", "a\u{2028}b\u{202e}c")],
        ),
    ]
}
