//! Sign-ins.

use windlass_sdk::FailureKind::*;

use super::super::Choice;
use super::{MARIA, NATIVE, SHA2, V8, error, greeting, let_in, ok, packet, rows, seed, switch};
use crate::ends::Conversation;
use crate::ends::Ends::*;

const VERIFY: u16 = Choice::VERIFY;
const IN_TLS: u16 = VERIFY | Choice::TLS;

/// The answer to whose session it is.
fn one() -> Vec<u8> {
    rows(&[&["app@%"]])
}

pub(super) fn good() -> Vec<Conversation> {
    let sha2 = greeting(V8, SHA2);
    let by_native: &[&[u8]] = &[&let_in(MARIA), &one()];
    let parsec = packet(&[&[1, b'P', 0][..], &[7; 18]].concat());
    let to_parsec = [greeting(MARIA, NATIVE), switch("parsec", &[7; 32]), parsec].concat();
    let [ed25519, whole] = [("client_ed25519", 32), ("sha256_password", 20)]
        .map(|(method, length)| switch(method, &vec![7; length]));
    vec![
        seed("native", Done, VERIFY, by_native),
        seed("proved", Done, IN_TLS | Choice::KEEP, by_native),
        seed("fast", Done, IN_TLS, &[&sha2, &packet(&[1, 3]), &ok(), &one()]),
        seed("full", Done, IN_TLS, &[&sha2, &packet(&[1, 4]), &ok(), &one()]),
        seed("switched", Done, IN_TLS, &[&sha2, &ed25519, &ok(), &one()]),
        seed("whole-password", Done, IN_TLS, &[&sha2, &whole, &ok(), &one()]),
        seed("parsec", Done, IN_TLS, &[&to_parsec, &ok(), &one()]),
        seed("in-pieces", Done, VERIFY | Choice::IN_PIECES, by_native),
    ]
}

pub(super) fn bad() -> Vec<Conversation> {
    let sha2 = greeting(V8, SHA2);
    let denied = error(1045, "Access denied for user 'app'");
    let not_from_here = error(1130, "Host '10.0.0.1' is not allowed to connect");
    let by_native: &[&[u8]] = &[&let_in(MARIA), &one()];
    let anonymous = rows(&[&["@%"]]);
    vec![
        seed("anonymous", Fails(Declined, "anonymous"), VERIFY, &[&let_in(MARIA), &anonymous]),
        seed("unproven", Fails(Unproven, ""), VERIFY | Choice::KEEP, &[&greeting(MARIA, NATIVE)]),
        seed("full-in-clear", Fails(Unsupported, "TLS"), VERIFY, &[&sha2, &packet(&[1, 4])]),
        seed("refused", Fails(Refused, "Access denied"), VERIFY, &[&sha2, &denied]),
        seed("turned-away", Fails(Declined, "no account on the server"), VERIFY, &[&not_from_here]),
        seed("multi-factor", Fails(Unsupported, ""), VERIFY, &[&sha2, &packet(b"\x02x\0")]),
        seed(
            "no-plugin",
            Fails(Unsupported, "dialog"),
            VERIFY,
            &[&sha2, &switch("dialog", b"password:")],
        ),
        seed(
            "file",
            Fails(Protocol, "a file"),
            VERIFY,
            &[&let_in(V8), &packet(b"\xfb/etc/passwd")],
        ),
        seed("at-once", Fails(Protocol, ""), VERIFY | Choice::AT_ONCE, by_native),
        seed(
            "out-of-order",
            Fails(Protocol, "announced packet 0"),
            VERIFY | Choice::RAW,
            &[&greeting(MARIA, NATIVE), &ok()],
        ),
        seed("silent", Fails(Unreachable, ""), VERIFY | Choice::SILENT, &[&sha2]),
    ]
}
