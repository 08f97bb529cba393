//! Servers that mean harm, in the place of MySQL or MariaDB. They speak first.

use std::time::Duration;

use windlass_harness::Behaviour;

use super::{Case, Opening, PATIENT, TIMEOUT};

/// The request for TLS: a packet of 32 bytes.
const TLS_REQUEST: usize = 36;

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const NONCE: &[u8; 20] = b"0123456789abcdefghij";

/// PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH.
const CAPABILITIES: u32 = (1 << 9) | (1 << 15) | (1 << 19);
const SSL: u32 = 1 << 11;

/// More than any answer may be long.
const FLOOD: usize = 6 * 1024 * 1024;

fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let [low, middle, high, _] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[low, middle, high, number][..], payload].concat()
}

/// A greeting with these capabilities, which prefers this method.
fn greeting(method: &str, capabilities: u32) -> Vec<u8> {
    let [a, b, c, d] = (CAPABILITIES | capabilities).to_le_bytes();
    let payload = [
        b"\x0a8.0.36\0\x01\0\0\0",
        &NONCE[..8],
        &[0, a, b, 45, 2, 0, c, d, 21],
        &[0; 10],
        &NONCE[8..],
        b"\0",
        method.as_bytes(),
        b"\0",
    ];
    packet(0, &payload.concat())
}

fn error(number: u8, code: u16, text: &str) -> Vec<u8> {
    packet(number, &[&[0xff][..], &code.to_le_bytes(), b"#HY000", text.as_bytes()].concat())
}

fn switch(number: u8, method: &str) -> Vec<u8> {
    packet(number, &[b"\xfe", method.as_bytes(), b"\0", NONCE, b"\0"].concat())
}

/// Packets one after the other, from this number on, as many as make a flood.
fn flood(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FLOOD + payload.len());
    let mut number = first;
    while bytes.len() < FLOOD {
        bytes.extend(packet(number, payload));
        number = number.wrapping_add(1);
    }
    bytes
}

/// The payload of the last packet that the client sent.
fn last_packet(heard: &[u8]) -> &[u8] {
    let (mut rest, mut last) = (heard, &[][..]);
    while let [low, middle, high, _, after @ ..] = rest {
        let length = usize::from(*low) | usize::from(*middle) << 8 | usize::from(*high) << 16;
        let Some((payload, next)) = after.split_at_checked(length) else { break };
        (last, rest) = (payload, next);
    }
    last
}

/// The text of a password that was sent in clear, in forms in which somebody may quote it.
fn quoting(heard: &[u8]) -> Vec<u8> {
    let password = String::from_utf8_lossy(last_packet(heard)).into_owned();
    let password = password.trim_end_matches('\0');
    let hex: String = password.bytes().map(|byte| format!("{byte:02x}")).collect();
    let turned: String = password.chars().rev().collect();
    error(5, 9999, &format!("no '{password}', {hex}, {turned}"))
}

/// What a server that greeted for a sign-in in clear does then.
fn greeted(what: &'static str, method: &str, then: Behaviour) -> Case {
    Case {
        what,
        behaviour: Behaviour::Greets(greeting(method, 0), Box::new(then)),
        timeout: PATIENT,
        tls: None,
    }
}

/// What is said in the place of a greeting.
fn instead(what: &'static str, said: Vec<u8>, timeout: Duration) -> Case {
    let behaviour = Behaviour::Greets(said, Box::new(Behaviour::Silent));
    Case { what, behaviour, timeout, tls: None }
}

/// A server of which TLS is asked, up to there.
fn asked_for_tls(what: &'static str, said: Vec<u8>, then: Behaviour) -> Case {
    let behaviour = Behaviour::Greets(said, Box::new(then));
    Case { what, behaviour, timeout: PATIENT, tls: Some(None) }
}

/// A server that misbehaves within TLS.
fn within_tls(what: &'static str, method: &str, behaviour: Behaviour) -> Case {
    let greeting = greeting(method, SSL);
    let opening = Opening { greeting, request: TLS_REQUEST, answer: b"" };
    Case { what, behaviour, timeout: PATIENT, tls: Some(Some(opening)) }
}

/// In the place of either.
pub(crate) fn cases() -> Vec<Case> {
    let native = "mysql_native_password";
    let sha2 = "caching_sha2_password";
    let mut slipping = greeting(native, SSL);
    slipping.extend(packet(1, OK));
    let half = greeting(native, 0);
    let half = half.get(..half.len() / 2).unwrap_or_default().to_vec();
    vec![
        instead("another protocol in the greeting", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), PATIENT),
        instead("a greeting of protocol 9", packet(0, b"\x093.20\0"), PATIENT),
        instead("a greeting of 16777215 bytes", vec![0xff, 0xff, 0xff, 0, 10], PATIENT),
        instead("a greeting of no bytes", vec![0, 0, 0, 0], PATIENT),
        instead(
            "a greeting that ends in its nonce",
            packet(0, b"\x0a8.0.36\0\x01\0\0\0abc"),
            PATIENT,
        ),
        instead("half a greeting", half, TIMEOUT),
        instead("an error in the greeting", error(0, 1040, "go to evil.example"), PATIENT),
        greeted("a packet out of turn", native, Behaviour::Answers(|_, _| packet(7, OK))),
        greeted("a packet of 16777215 bytes", native, Behaviour::Says(&[0xff, 0xff, 0xff, 2, 0])),
        Case {
            timeout: TIMEOUT,
            ..greeted("half a packet", native, Behaviour::Says(&[9, 0, 0, 2, 0]))
        },
        greeted(
            "packets without end",
            native,
            Behaviour::Answers(|answered, _| match answered {
                0 => packet(2, OK),
                _ => flood(1, &[b'x'; 200]),
            }),
        ),
        greeted(
            "rows without end",
            native,
            Behaviour::Answers(|answered, _| match answered {
                0 => packet(2, OK),
                _ => {
                    let head =
                        [packet(1, &[1]), packet(2, b"\x03def"), packet(3, &[0xfe, 0, 0, 2, 0])];
                    [head.concat(), flood(4, b"\x01x")].concat()
                }
            }),
        ),
        greeted(
            "4294967295 columns",
            native,
            Behaviour::Answers(|answered, _| match answered {
                0 => packet(2, OK),
                _ => packet(1, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
            }),
        ),
        greeted(
            "asks for a file of the client's",
            native,
            Behaviour::Answers(|answered, _| match answered {
                0 => packet(2, OK),
                _ => packet(1, b"\xfb/proc/self/environ"),
            }),
        ),
        greeted(
            "switches to the password in clear",
            native,
            Behaviour::Answers(|_, _| switch(2, "mysql_clear_password")),
        ),
        greeted(
            "switches without end",
            native,
            Behaviour::Answers(|answered, _| {
                let number = u8::try_from(2 + 2 * answered).unwrap_or(u8::MAX);
                switch(number, "mysql_native_password")
            }),
        ),
        greeted(
            "wants the password itself, with a key of its own",
            sha2,
            Behaviour::Answers(|answered, _| match answered {
                0 => packet(2, &[1, 4]),
                _ => packet(4, b"\x01-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"),
            }),
        ),
        greeted(
            "an error that is long and drives a terminal",
            native,
            Behaviour::Answers(|_, _| {
                let text =
                    "\x1b[2J\r\n{\"level\":\"ERROR\"} \u{202e}".to_owned() + &"x".repeat(50_000);
                error(2, 9999, &text)
            }),
        ),
        asked_for_tls("has no TLS", greeting(native, 0), Behaviour::Silent),
        asked_for_tls("slips something in before TLS", slipping, Behaviour::Silent),
        asked_for_tls(
            "another protocol instead of a handshake",
            greeting(native, SSL),
            Behaviour::Says(b"\x07\0\0\x02\0\0\0\x02\0\0\0"),
        ),
        within_tls(
            "switches to the password in clear, within TLS",
            native,
            Behaviour::Answers(|_, _| switch(3, "mysql_clear_password")),
        ),
        within_tls(
            "wants the password twice",
            sha2,
            Behaviour::Answers(|answered, _| match answered {
                0 => packet(3, &[1, 4]),
                _ => packet(5, &[1, 4]),
            }),
        ),
        within_tls(
            "sends the password back",
            sha2,
            Behaviour::Answers(|answered, heard| match answered {
                0 => packet(3, &[1, 4]),
                _ => quoting(heard),
            }),
        ),
    ]
}
