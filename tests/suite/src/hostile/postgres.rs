//! Servers that mean harm, in the place of PostgreSQL or Redshift.

use std::time::Duration;

use windlass_harness::Behaviour;

use super::{Case, Opening, PATIENT, TIMEOUT};

/// The request for TLS, in bytes, and its answer.
const TLS: Opening = Opening { greeting: Vec::new(), request: 8, answer: b"S" };

const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
const READY: &[u8] = b"Z\0\0\0\x05I";
const ASK_MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
const ASK_CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";

/// What the server that lets everybody in says for ever: a row of one value.
const ROW: &[u8] = b"T\0\0\0\x06\0\0D\0\0\0\x0b\0\x01\0\0\0\x01x";

/// More than any answer may be long.
const FLOOD: usize = 4 * 1024 * 1024;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

fn authentication(code: u32, body: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], body].concat())
}

/// What stands behind the last `before` of what the client said, up to a zero byte.
fn said_behind(heard: &[u8], before: &str) -> String {
    let heard = String::from_utf8_lossy(heard);
    let behind = heard.rsplit_once(before).map_or("", |(_, behind)| behind);
    behind.split('\0').next().unwrap_or_default().to_owned()
}

/// SCRAM: the offer, then a challenge of so many rounds, then what comes instead of a proof.
fn scram(answered: usize, heard: &[u8], rounds: u32, last: &[u8]) -> Vec<u8> {
    match answered {
        0 => authentication(10, b"SCRAM-SHA-256\0\0"),
        1 => {
            let nonce = said_behind(heard, "n=,r=");
            authentication(11, format!("r={nonce}+,s=c2FsdA==,i={rounds}").as_bytes())
        }
        _ => last.to_vec(),
    }
}

/// Servers without TLS.
const IN_CLEAR: [(&str, Behaviour, Duration); 12] = [
    ("notices without end", Behaviour::Repeats(b"N\0\0\0\x0bSNOTE\0\0"), PATIENT),
    ("parameters without end", Behaviour::Repeats(b"S\0\0\0\x08a\0b\0"), PATIENT),
    ("the largest length", Behaviour::Says(b"R\x7f\xff\xff\xff\0\0\0\0"), PATIENT),
    ("a length of 0", Behaviour::Says(b"R\0\0\0\0"), PATIENT),
    ("half a message", Behaviour::Says(b"R\0\0\0\x0c\0\0"), TIMEOUT),
    ("lets in whom it asked nothing", Behaviour::Says(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"), PATIENT),
    ("the password in clear", Behaviour::Says(ASK_CLEARTEXT), PATIENT),
    (
        "2000000000 rounds of SCRAM",
        Behaviour::Answers(|answered, heard| scram(answered, heard, 2_000_000_000, b"")),
        PATIENT,
    ),
    (
        "the most rounds of SCRAM that are computed, and no proof",
        Behaviour::Answers(|answered, heard| scram(answered, heard, 600_000, OK)),
        PATIENT,
    ),
    (
        "SCRAM, then the password in clear",
        Behaviour::Answers(|answered, heard| scram(answered, heard, 1, ASK_CLEARTEXT)),
        PATIENT,
    ),
    (
        "rows without end",
        Behaviour::Answers(|answered, _| match answered {
            0 => ASK_MD5.to_vec(),
            1 => [OK, READY].concat(),
            _ => ROW.repeat(FLOOD / ROW.len()),
        }),
        PATIENT,
    ),
    (
        "an error that is long and drives a terminal",
        Behaviour::Answers(|_, _| {
            let text = "\x1b[2J\r\n{\"level\":\"ERROR\"} \u{202e}".to_owned() + &"x".repeat(50_000);
            message(b'E', format!("SFATAL\0C28000\0M{text}\0\0").as_bytes())
        }),
        PATIENT,
    ),
];

/// Servers at the start of TLS.
const BEFORE_TLS: [(&str, Behaviour, Duration); 4] = [
    (
        "slips something in before TLS",
        Behaviour::Says(b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"),
        PATIENT,
    ),
    (
        "another protocol instead of a handshake",
        Behaviour::Answers(|answered, _| match answered {
            0 => b"S".to_vec(),
            _ => b"R\0\0\0\x08\0\0\0\0".to_vec(),
        }),
        PATIENT,
    ),
    (
        "an error instead of TLS",
        Behaviour::Answers(|_, _| message(b'E', b"C28P01\0Mgo to evil.example\0\0")),
        PATIENT,
    ),
    ("another answer to the request for TLS", Behaviour::Says(b"X"), PATIENT),
];

/// Asks for the password in clear, inside TLS, and sends it back in its error, as it is and encoded.
const ECHO: Behaviour = Behaviour::Answers(|answered, heard| {
    if answered == 0 {
        return ASK_CLEARTEXT.to_vec();
    }
    // Behind the startup packet stand the tag and the length of the message with the password.
    let from = heard.iter().rposition(|byte| *byte == b'p').map_or(0, |tag| tag + 5);
    let password = String::from_utf8_lossy(heard.get(from..).unwrap_or_default()).into_owned();
    let password = password.trim_end_matches('\0');
    let hex: String = password.bytes().map(|byte| format!("{byte:02x}")).collect();
    let turned: String = password.chars().rev().collect();
    let text = format!("CXX000\0Mno \"{password}\", {hex}, {turned}\0D{password}\0\0");
    message(b'E', text.as_bytes())
});

/// What only Redshift's way of signing in can be abused for: an algorithm, a salt and a nonce.
const DIGESTS: [(&str, Behaviour, Duration); 6] = [
    ("another digest", Behaviour::Answers(|_, _| digest(7, &[&[b's'; 32], &[b'n'; 4]])), PATIENT),
    (
        "a salt that is longer than the message",
        Behaviour::Answers(|_, _| authentication(13, &[0, 0, 0, 0, 0, 0, 1, 0, b's'])),
        PATIENT,
    ),
    (
        "a salt of 2147483647 bytes",
        Behaviour::Answers(|_, _| authentication(13, &[0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, b's'])),
        PATIENT,
    ),
    (
        "something behind the nonce",
        Behaviour::Answers(|_, _| digest(0, &[&[b's'; 32], &[b'n'; 4], b"more"])),
        PATIENT,
    ),
    (
        "the digest, then the password in clear",
        Behaviour::Answers(|answered, _| match answered {
            0 => digest(0, &[&[b's'; 32], &[b'n'; 4]]),
            _ => ASK_CLEARTEXT.to_vec(),
        }),
        PATIENT,
    ),
    (
        "digests without end",
        Behaviour::Answers(|_, _| digest(0, &[&[b's'; 32], &[b'n'; 4]])),
        PATIENT,
    ),
];

fn digest(algorithm: u32, parts: &[&[u8]]) -> Vec<u8> {
    let mut body = algorithm.to_be_bytes().to_vec();
    for part in parts {
        body.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend(*part);
    }
    authentication(13, &body)
}

/// In the place of PostgreSQL.
pub(crate) fn cases() -> Vec<Case> {
    let in_clear = IN_CLEAR.into_iter().map(|(what, behaviour, timeout)| Case {
        what,
        behaviour,
        timeout,
        tls: None,
    });
    let before_tls = BEFORE_TLS.into_iter().map(|(what, behaviour, timeout)| Case {
        what,
        behaviour,
        timeout,
        tls: Some(None),
    });
    let echo = Case {
        what: "sends the password back",
        behaviour: ECHO,
        timeout: PATIENT,
        tls: Some(Some(TLS)),
    };
    in_clear.chain(before_tls).chain([echo]).collect()
}

/// In the place of Redshift.
pub(crate) fn cases_of_redshift() -> Vec<Case> {
    let digests = DIGESTS.into_iter().map(|(what, behaviour, timeout)| Case {
        what,
        behaviour,
        timeout,
        tls: None,
    });
    cases().into_iter().chain(digests).collect()
}
