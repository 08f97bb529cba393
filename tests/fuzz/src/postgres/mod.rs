//! The PostgreSQL plugin, whole calls, against a server whose every byte is the input.
//!
//! - The password goes out in clear only inside TLS, and only to a server that asked for it so. The new
//!   one goes out in clear only where the operator allows that, inside TLS, to a server that did not take
//!   what is stored, and in no statement. With TLS required, nothing but the request for it goes out in
//!   clear.
//! - A sign-in with SCRAM succeeds only against a server that proved to know the account; our own
//!   proof is right, and says the truth about channel binding.
//! - Without TLS, a server that has to prove itself lets nobody in but by SCRAM, and gets nothing else.
//!   Nobody is verified unless the server named the account.
//! - `refused` only where the server said 28P01. A change succeeds only where it said COMMIT.
//! - An assessment changes nothing. A mark is a comment on a role, and nothing else.
//! - No text of the server's becomes anything but a name or a value in a statement.
//! - A failure is one line, of bounded length, of a kind that a server can be the cause of.

mod choice;
mod scram;
mod seeds;
pub(crate) mod server;
pub(crate) mod sql;
pub(crate) mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use windlass_plugin_postgres::Postgres;
use windlass_sdk::{Assess, Assessment, Failure, FailureKind};

pub(crate) use self::choice::{Call, Choice};
pub use self::seeds::seeds;
use self::server::{Heard, Server};
use crate::ends::{Conversation, Outcome};
use crate::{check_assessment, connection, ends, holds, is_one_line};

/// What the account signs in with; long enough not to be met by chance.
pub(crate) const PASSWORD: &str = "old-p4ssword";
pub(crate) const NEW_PASSWORD: &str = "new-p4ssword";

/// The request for TLS.
pub(crate) const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

/// What a failure's message may come to: a few hundred characters of the server's and our own words
/// around them, with the names in them.
pub(crate) const MESSAGE_MAX: usize = 4096;

/// The most rounds of SCRAM's key derivation that are run. Many more are allowed and find nothing,
/// but take a fuzzer's whole time; what is beyond the plugin's own bound is refused and costs none.
const ROUNDS: std::ops::RangeInclusive<u64> = 33..=600_000;

/// Two bytes that choose (see `Choice`), and what the server says.
pub fn run(data: &[u8]) {
    let Some((choice, says)) = Choice::take(data) else { return };
    if is_costly(says) {
        return;
    }
    let (server, outcome) = conversation::<Postgres>(choice, says);
    check_heard(choice, &server);
    server.scram.check(choice);
    match outcome {
        Ok(found) => check_success(choice, &server, found.as_ref()),
        Err(failure) => check_failure(choice, &server, &failure),
    }
}

/// Has a conversation with a plugin of this protocol: the server as it is then, and what it came to.
pub(crate) fn conversation<P: Assess>(choice: Choice, says: &[u8]) -> (Server, Outcome) {
    let server = Arc::new(Mutex::new(Server::new(choice, says)));
    let outcome = choice.ask::<P>(connection::to(Arc::clone(&server)));
    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
    (std::mem::replace(&mut server, Server::new(choice, &[])), outcome)
}

/// Whether the input asks for a number of rounds that only costs time.
fn is_costly(says: &[u8]) -> bool {
    says.windows(2).enumerate().filter(|(_, name)| name == b"i=").any(|(at, _)| {
        let digits = says[at + 2..].iter().skip_while(|byte| **byte == b'+');
        let digits = digits.take_while(|byte| byte.is_ascii_digit()).take(12);
        let rounds = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        ROUNDS.contains(&rounds)
    })
}

/// The seeds that do not end as they say.
pub fn wrong_ends() -> Vec<String> {
    wrong_ends_of::<Postgres>(&seeds::conversations())
}

/// The same for any plugin that speaks this protocol.
pub(crate) fn wrong_ends_of<P: Assess>(conversations: &[Conversation]) -> Vec<String> {
    ends::wrong(conversations, |input| {
        let (choice, says) = Choice::take(input).unwrap_or((Choice(0), &[]));
        let (server, outcome) = conversation::<P>(choice, says);
        (outcome, server.unsaid())
    })
}

fn check_heard(choice: Choice, server: &Server) {
    // A server that knows a password may have it repeated, as the value of a setting.
    let [old, new] = [PASSWORD, NEW_PASSWORD]
        .map(|secret| Some(secret.as_bytes()).filter(|secret| !server.said(secret)));
    let heard = &server.heard;
    for Heard { message, in_tls, may_be_clear, may_be_text } in heard {
        let said = String::from_utf8_lossy(message);
        let may_be_clear = *in_tls && *may_be_clear;
        assert!(may_be_clear || !old.is_some_and(|old| holds(message, old)), "in clear: {said}");
        let may_be_text = *in_tls && *may_be_text && choice.may_send_text() && is_call(message);
        assert!(may_be_text || !new.is_some_and(|new| holds(message, new)), "new: {said}");
        assert!(may_be_text || !is_call(message), "a function: {said}");
        let in_clear = choice.has(Choice::TLS) && !in_tls;
        assert!(!in_clear || message == SSL_REQUEST, "before TLS: {said}");
    }
    // Whoever stands in between may have put it there.
    assert!(!server.slipped_in() || heard.len() == 1, "something in clear was believed");
    for statements in server.queries() {
        sql::check(statements);
        let only_reads = sql::only_read(statements);
        match choice.call() {
            Call::Verify | Call::Assess => assert!(only_reads, "{statements}"),
            Call::Mark if only_reads => {}
            Call::Mark => assert_eq!(sql::shape(statements), "COMMENT ON ROLE IS ; COMMIT"),
            Call::Change if only_reads => {}
            Call::Change => sql::check_change(statements),
        }
    }
}

/// Whether a message calls a function, which takes its arguments apart from any statement.
fn is_call(message: &[u8]) -> bool {
    message.first() == Some(&b'F')
}

fn check_success(choice: Choice, server: &Server, found: Option<&Assessment>) {
    assert!(server.said(b"R\0\0\0\x08\0\0\0\0"), "nobody was let in");
    assert!(server.said(b"Z\0\0\0\x05"), "the server was not ready");
    assert!(server.heard.iter().any(|heard| heard.message.starts_with(b"p")), "no password");
    assert!(server.scram.is_proved_or_unused(), "the server did not prove itself");
    assert!(!choice.must_be_proved() || server.scram.is_used(), "the server proved nothing");
    let last = server.queries().next_back().unwrap_or_default();
    match choice.call() {
        Call::Verify => assert!(server.said(b"app"), "another account"),
        Call::Assess => check_assessment(found, MESSAGE_MAX, |text| is_kept(server, text)),
        // It may be marked already.
        Call::Mark => assert!(sql::only_read(last) || server.said(b"COMMIT\0"), "not committed"),
        Call::Change => {
            assert!(server.said(b"COMMIT\0"), "nothing was committed");
            assert!(last.contains("PASSWORD"), "no password was changed: {last}");
        }
    }
}

/// Whether a text repeats no password but one that the server has said.
pub(crate) fn is_kept(server: &Server, text: &str) -> bool {
    let of = |secret: &&str| text.contains(*secret) && !server.said(secret.as_bytes());
    ![PASSWORD, NEW_PASSWORD].iter().any(of)
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
            // The other code is what LDAP and the like say to a password in clear.
            let in_clear = code == "28000" && remedy.contains("where it is kept");
            assert!(!in_clear || server.asked_for_clear, "nobody asked for it: {failure}");
            assert!(code == "28P01" || in_clear, "refused by nobody: {failure}");
            assert!(server.said(format!("{code}\0").as_bytes()), "{failure}");
            assert!(server.queries().next().is_none(), "refused after the sign-in: {failure}");
        }
        FailureKind::TextRequired => {
            assert!(!choice.may_send_text() && changes(choice, server), "{failure}");
        }
        FailureKind::PasswordRejected => {
            let sent = server.heard.iter().any(|heard| is_call(&heard.message));
            assert!(sent && changes(choice, server), "nobody saw it: {failure}");
        }
        FailureKind::NotAPair => {
            assert!(choice.call() == Call::Change && choice.is_of_a_pair(), "{failure}");
            // What was begun with what is stored is undone before it begins with the text.
            let mut since = server.queries().rev().take_while(|query| *query != "ROLLBACK");
            assert!(since.all(sql::only_read), "changed all the same: {failure}");
        }
        FailureKind::NoTls => {
            assert!(choice.has(Choice::TLS) && server.heard.len() == 1, "{failure}");
        }
        // The login and the request are good: who says so blames the secret for the server.
        FailureKind::InvalidSecret => panic!("the secret is blamed: {failure}"),
        FailureKind::Unproven => {
            let gave = server.heard.iter().any(|heard| heard.message.starts_with(b"p"));
            assert!(choice.must_be_proved() && !gave, "{failure}");
        }
        // In here TLS never fails.
        FailureKind::TlsFailed => panic!("{failure}"),
        FailureKind::Unreachable
        | FailureKind::Declined
        | FailureKind::Protocol
        | FailureKind::Unsupported => {}
    }
}

/// Whether a statement that changes the password was sent.
fn changes(choice: Choice, server: &Server) -> bool {
    choice.call() == Call::Change && !server.queries().all(sql::only_read)
}
