//! Servers that mean harm, or are none: `hostile.txt` has what each does and what the plugin makes of it.
//! Each ends, soon, in a failure of the right kind that says what was wrong; what holds for all of them
//! is in [`windlass_sdk::testing::hostile`].

use windlass_sdk::testing::hostile::{self, Bounds, Call};

use super::server::*;
use super::*;

/// `wire::ANSWER_MAX`, which is the longest answer.
const BOUNDS: Bounds = Bounds { before_tls: SSL_REQUEST, read: 1024 * 1024, refused: "28P01" };

/// `challenge` is the server's first SCRAM message, made of the client's nonce; `authentication` has its
/// number and what is behind it, `error` its code and its text.
fn words(word: &str, argument: &str, heard: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    match word {
        "challenge" => {}
        "authentication" => return Some(authentication(first.parse().ok()?, rest.as_bytes())),
        "error" => return Some(error(first, rest)),
        _ => return None,
    }
    let heard = String::from_utf8_lossy(heard);
    let nonce = heard.rsplit_once("n=,r=").map_or("", |(_, nonce)| nonce);
    let piece = nonce.get(..20).unwrap_or(nonce);
    let text = argument.replace("{nonce:20}", piece).replace("{nonce}", nonce);
    Some(authentication(11, text.as_bytes()))
}

fn over_tls(server: Endpoint) -> Result<(), Failure> {
    Postgres::verify(&login(server, "app", PASSWORD))
}

fn in_clear(server: Endpoint) -> Result<(), Failure> {
    Postgres::verify(&calls::in_clear(server, "app"))
}

fn alternating(server: Endpoint) -> Result<(), Failure> {
    let request = request(server, "app", "base_clone");
    Postgres::change(&ChangeRequest { clone_of: Some("base".into()), ..request })
}

#[test]
fn every_hostile_server_comes_to_a_named_failure() {
    check_table("src/tests/hostile.txt");
}

pub(super) fn check_table(table: &str) {
    hostile::check(table, &BOUNDS, words, |group| {
        Some(match group {
            "verify in clear" => (TlsMode::Disabled, in_clear as Call),
            "verify over TLS" => (TlsMode::Required, over_tls),
            "alternating users in clear" => (TlsMode::Disabled, alternating),
            _ => return None,
        })
    });
}
