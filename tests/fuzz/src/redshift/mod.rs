//! The Redshift plugin, whole calls, against a server whose every byte is the input; each further
//! connection is answered with what is left of it.
//!
//! - The password goes out in clear only inside TLS, and only to a server that asked for it so, and the
//!   new one only where it is to be proved, whatever the operator allows. With TLS required, nothing but
//!   the request for it goes out in clear.
//! - Without TLS, a server that has to prove itself gets nothing. Nobody is verified unless the server
//!   named the user.
//! - `refused` only where the server said that the password is wrong, and before any statement. A
//!   change succeeds only where it said COMMIT.
//! - An assessment changes nothing. A mark is a member of a group, and nothing else.
//! - No text of the server's leaves the quotes in a statement, types of arguments excepted.
//! - A failure is one line, of bounded length, and never blames the secret for what the server said.

mod seeds;

use windlass_plugin_redshift::Redshift;
use windlass_sdk::{Assessment, Failure, FailureKind};

pub use self::seeds::seeds;
use crate::postgres::server::{Heard, Server};
use crate::postgres::{
    Call, Choice, MESSAGE_MAX, NEW_PASSWORD, PASSWORD, SSL_REQUEST, conversation, is_kept, sql,
    wrong_ends_of,
};
use crate::{check_assessment, holds, is_one_line};

/// What stands outside of quotes in our statements, letters and digits left out.
const MARKS: &str = " ,;()_.:=<>-[]";

/// What marks a pair.
const MARKING: [&str; 2] =
    ["ALTER GROUP ADD USER ; COMMIT", "CREATE GROUP ; ALTER GROUP ADD USER ; COMMIT"];

/// Two bytes that choose, as for the target `postgres`, and what the server says.
pub fn run(data: &[u8]) {
    let Some((choice, says)) = Choice::take(data) else { return };
    let (server, outcome) = conversation::<Redshift>(choice, says);
    check_heard(choice, &server);
    match outcome {
        Ok(found) => check_success(choice, &server, found.as_ref()),
        Err(failure) => check_failure(choice, &server, &failure),
    }
}

/// The seeds that do not end as they say.
pub fn wrong_ends() -> Vec<String> {
    wrong_ends_of::<Redshift>(&seeds::conversations())
}

fn check_heard(choice: Choice, server: &Server) {
    // A server that knows a password may have it repeated, as the value of a setting.
    let [old, new] = [PASSWORD, NEW_PASSWORD]
        .map(|secret| Some(secret.as_bytes()).filter(|secret| !server.said(secret)));
    for Heard { message, in_tls, may_be_clear, .. } in &server.heard {
        let said = String::from_utf8_lossy(message);
        let may_be_clear = *in_tls && *may_be_clear;
        assert!(may_be_clear || !old.is_some_and(|old| holds(message, old)), "in clear: {said}");
        // Where it is proved after the change, a server may ask for it in clear.
        assert!(may_be_clear || !new.is_some_and(|new| holds(message, new)), "new: {said}");
        let in_clear = choice.has(Choice::TLS) && !in_tls;
        assert!(!in_clear || message == SSL_REQUEST, "before TLS: {said}");
    }
    let proved = server.heard.iter().any(is_proof);
    assert!(!choice.must_be_proved() || !proved, "something made of the password");
    for query in server.queries() {
        assert!(!new.is_some_and(|new| holds(query.as_bytes(), new)), "new: {query}");
        sql::check_marks(query, MARKS);
        let only_reads = sql::only_read(query);
        match choice.call() {
            Call::Verify | Call::Assess => assert!(only_reads, "{query}"),
            Call::Mark => {
                assert!(only_reads || MARKING.contains(&sql::shape(query).as_str()), "{query}");
            }
            Call::Change => {}
        }
    }
}

/// Whether it is made of a password.
fn is_proof(heard: &Heard) -> bool {
    matches!(heard.message.first(), Some(b'p' | b'd'))
}

fn check_success(choice: Choice, server: &Server, found: Option<&Assessment>) {
    assert!(server.said(b"R\0\0\0\x08\0\0\0\0"), "nobody was let in");
    assert!(server.said(b"Z\0\0\0\x05"), "the server was not ready");
    assert!(server.heard.iter().any(is_proof), "no password");
    let last = server.queries().next_back().unwrap_or_default();
    match choice.call() {
        Call::Verify => assert!(server.said(b"app"), "another user"),
        Call::Assess => check_assessment(found, MESSAGE_MAX, |text| is_kept(server, text)),
        // It may be marked already.
        Call::Mark => assert!(sql::only_read(last) || server.said(b"COMMIT\0"), "not committed"),
        Call::Change => {
            assert!(server.said(b"COMMIT\0"), "nothing was committed");
            assert!(last.contains(" PASSWORD '") && last.ends_with("; COMMIT"), "{last}");
        }
    }
}

fn check_failure(choice: Choice, server: &Server, failure: &Failure) {
    let Failure { kind, code, message, remedy } = failure;
    for text in [message, remedy] {
        assert!(is_one_line(text) && text.len() < MESSAGE_MAX, "{text:?}");
    }
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    assert!(code.is_empty() || code.len() == 5 && code.bytes().all(is_code), "{code:?}");
    for text in [message, remedy] {
        assert!(is_kept(server, text), "{failure:?}");
    }
    match kind {
        FailureKind::Refused => {
            let in_clear = server.asked_for_clear && remedy.contains("identity provider");
            let said = message.contains("password authentication failed") || in_clear;
            assert!(code == "28P01" || code == "28000" && said, "refused by nobody: {failure}");
            assert!(server.said(code.as_bytes()), "{failure}");
            assert!(server.queries().next().is_none(), "refused after the sign-in: {failure}");
        }
        // The login and the request are good: who says so blames the secret for the server.
        FailureKind::InvalidSecret => panic!("the secret is blamed: {failure}"),
        FailureKind::Unproven => assert!(choice.must_be_proved(), "{failure}"),
        // In here TLS never fails.
        FailureKind::TlsFailed => panic!("{failure}"),
        // It takes every hash.
        FailureKind::PasswordRejected | FailureKind::TextRequired => panic!("{failure}"),
        FailureKind::NotAPair => {
            assert!(choice.call() == Call::Change && choice.is_of_a_pair(), "{failure}");
            assert!(server.queries().all(sql::only_read), "changed all the same: {failure}");
        }
        FailureKind::NoTls
        | FailureKind::Unreachable
        | FailureKind::Declined
        | FailureKind::Protocol
        | FailureKind::Unsupported => {}
    }
}
