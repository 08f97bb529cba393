//! Servers that mean harm, or are none: `hostile.txt` has what each does and what the plugin makes of it.
//! And a conversation spoilt at every byte: whatever a server sends, the plugin answers with a failure or
//! with success, and never fails itself.

use windlass_sdk::FailureKind::*;
use windlass_sdk::testing::hostile::{self, Bounds, Call};

use super::server::*;
use super::*;
use crate::account::Account;
use crate::grants::Grants;
use crate::session::AccountName;
use crate::tokens::Backslash;

/// The request for TLS: a packet with the capabilities and the character set alone.
const TLS_REQUEST: &[u8] =
    b"\x20\0\0\x01\x01\x8a\x48\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn clear(server: Endpoint) -> Result<(), Failure> {
    Mysql::verify(&in_clear(server, "app"))
}

fn over_tls(server: Endpoint) -> Result<(), Failure> {
    Mysql::verify(&login(server, "app", PASSWORD))
}

/// `greeting` has the method; `switch` the method and what is behind it; `error` its number and text.
/// Each is the packet that is due next.
fn words(word: &str, argument: &str, heard: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    let payload = match word {
        "greeting" => greeting("8.0.36", first, SSL),
        "switch" => switch(first, rest.as_bytes()),
        "error" => error(first.parse().ok()?, rest),
        _ => return None,
    };
    let mut number = 0;
    let mut left = heard;
    while let [a, b, c, last, behind @ ..] = left {
        number = last + 1;
        left = behind.get(u32::from_le_bytes([*a, *b, *c, 0]) as usize..)?;
    }
    Some([&[u8::try_from(payload.len()).ok()?, 0, 0, number], &*payload].concat())
}

#[test]
fn every_hostile_server_comes_to_a_named_failure() {
    check_table("src/tests/hostile.txt");
}

pub(super) fn check_table(table: &str) {
    // `wire::ANSWER_MAX`, which is the longest answer.
    let bounds = Bounds { before_tls: TLS_REQUEST, read: 4 * 1024 * 1024, refused: "1045" };
    hostile::check(table, &bounds, words, |group| {
        Some(match group {
            "verify in clear" => (TlsMode::Disabled, clear as Call),
            "verify over TLS" => (TlsMode::Required, over_tls),
            _ => return None,
        })
    });
}

/// Everything that a well-behaved server sends to `verify`.
fn conversation() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut packet = |number: u8, payload: &[u8]| {
        bytes.extend([u8::try_from(payload.len()).unwrap(), 0, 0, number]);
        bytes.extend(payload);
    };
    packet(0, &greeting("8.0.36", "caching_sha2_password", 0));
    packet(2, &switch("mysql_native_password", NONCE));
    packet(4, OK);
    packet(1, &[1]);
    packet(2, b"\x03def");
    packet(3, &[0xfe, 0, 0, 2, 0]);
    packet(4, b"\x05app@%");
    packet(5, &[0xfe, 0, 0, 2, 0]);
    bytes
}

fn verify_against(bytes: Vec<u8>) -> Result<(), Failure> {
    verify_in_clear(move |mut peer| {
        peer.send(&bytes);
        peer.hang_up();
    })
}

#[test]
fn a_conversation_that_ends_early_is_a_failure() {
    let bytes = conversation();
    verify_against(bytes.clone()).unwrap();
    for end in 0..bytes.len() {
        let failure = verify_against(bytes[..end].to_vec()).unwrap_err();
        assert_eq!(failure.kind, Unreachable, "cut at {end}: {failure}");
    }
}

#[test]
fn a_conversation_with_any_byte_changed_is_survived() {
    let bytes = conversation();
    for at in 0..bytes.len() {
        for changed in [0x00, 0x01, 0x7f, 0x80, 0xfb, 0xfe, 0xff] {
            let mut spoilt = bytes.clone();
            spoilt[at] = changed;
            if let Err(failure) = verify_against(spoilt) {
                assert_ne!(failure.kind, InvalidSecret, "{at} {changed}: {failure}");
                let kind_of_refusal = failure.kind != Refused || failure.code == "1045";
                assert!(kind_of_refusal, "{at} {changed}: {failure}");
            }
        }
    }
}

#[test]
fn descriptions_with_any_byte_changed_are_survived() {
    let name = AccountName { user: "app".into(), host: "%".into() };
    let rows = [
        "CREATE USER `app`@`%` IDENTIFIED VIA ed25519 USING 'x' OR unix_socket REQUIRE SUBJECT \
         '/CN=a''b' WITH MAX_STATEMENT_TIME 2.5 ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 30 DAY",
        "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441 DEFAULT ROLE \
         `r`@`%` PASSWORD REUSE INTERVAL 10 DAY PASSWORD REQUIRE CURRENT FAILED_LOGIN_ATTEMPTS 3",
        "GRANT SELECT (`b``c`, `a`), UPDATE ON `d`.`t` TO `app`@`%` WITH GRANT OPTION",
        "GRANT `r`@`%`,`s`@`%` TO `app`@`%` WITH ADMIN OPTION",
        "GRANT PROXY ON ``@`%` TO `app`@`%`",
        "SET DEFAULT ROLE `r` FOR `app`@`%`",
    ];
    for row in rows {
        for at in 0..row.len() {
            for changed in ["", "`", "'", "\\", ",", "(", ".", "@", " ", "x", "é", "0x"] {
                let spoilt = format!("{}{changed}{}", &row[..at], &row[at + 1..]);
                for backslash in [Backslash::Single, Backslash::Double] {
                    drop(Account::read(&spoilt, backslash));
                    drop(Grants::read([spoilt.as_str()].into_iter(), &name, backslash));
                }
            }
        }
    }
}
