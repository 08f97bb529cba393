//! The MySQL plugin, whole calls, against a server whose every byte is the input.
//!
//! - Until somebody is let in, the password goes out in clear only inside TLS, and only to a server
//!   that asked for it so; the new one never does. MariaDB gets its hash in statements, and the text only
//!   inside TLS where the operator allows it. With TLS required, nothing but the request for it goes out
//!   in clear. What is proved instead is the right proof, for the nonce that was given.
//! - Without TLS, a server that has to prove itself hears nothing at all. Nobody is verified unless the
//!   server named the account.
//! - `refused` only where the server said 1045, to a sign-in. A change succeeds only after a statement
//!   that sets the new password or its hash, or where the account is said to have it already.
//! - An assessment changes nothing. A mark is an attribute or a role, and nothing else.
//! - No text of the server's ends a statement, or stands in it outside of quotes with anything but
//!   letters and digits.
//! - A failure is one line, of bounded length, of a kind that a server can be the cause of.

mod choice;
mod proof;
mod seeds;
mod server;
mod sql;

use std::sync::{Arc, Mutex, PoisonError};

use windlass_sdk::{Assessment, Failure, FailureKind};

use self::choice::{Call, Choice};
pub use self::seeds::seeds;
use self::server::{Heard, Server};
use crate::ends::Outcome;
use crate::{check_assessment, connection, ends, holds, is_one_line};

/// What the account signs in with; long enough not to be met by chance.
const PASSWORD: &str = "old-p4ssword";
const NEW_PASSWORD: &str = "new-p4ssword";

/// What a failure's message may come to: a few hundred characters of the server's and our own words
/// around them, with the names in them.
const MESSAGE_MAX: usize = 4096;

/// Two bytes that choose (see `Choice`), and what the server says.
pub fn run(data: &[u8]) {
    let Some((choice, says)) = Choice::take(data) else { return };
    let (server, outcome) = conversation(choice, says);
    check_heard(choice, &server);
    match outcome {
        Ok(found) => check_success(choice, &server, found.as_ref()),
        Err(failure) => check_failure(choice, &server, &failure),
    }
}

/// Has a conversation: the server as it is then, and what it came to.
fn conversation(choice: Choice, says: &[u8]) -> (Server, Outcome) {
    let server = Arc::new(Mutex::new(Server::new(choice, says)));
    let outcome = choice.ask(connection::to(Arc::clone(&server)));
    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
    (std::mem::replace(&mut server, Server::new(choice, &[])), outcome)
}

/// The seeds that do not end as they say.
pub fn wrong_ends() -> Vec<String> {
    ends::wrong(&seeds::conversations(), |input| {
        let (choice, says) = Choice::take(input).unwrap_or((Choice(0), &[]));
        let (server, outcome) = conversation(choice, says);
        (outcome, server.unsaid())
    })
}

fn check_heard(choice: Choice, server: &Server) {
    // A server that knows a password may have it repeated, as a name or a hash.
    let [old, new] = [PASSWORD, NEW_PASSWORD]
        .map(|secret| Some(secret.as_bytes()).filter(|secret| !server.said(secret)));
    for Heard { message, in_tls, .. } in &server.heard {
        let said = String::from_utf8_lossy(message);
        let before_tls = choice.has(Choice::TLS) && !in_tls;
        assert!(!before_tls || message.len() == 4 + 32, "before TLS: {said}");
    }
    assert!(!choice.is_unprovable() || server.heard.is_empty(), "something made of the password");
    // A further connection signs in as the first does.
    for Heard { message, in_tls, may_be_clear } in server.heard.iter().filter(|it| !it.is_query()) {
        let said = String::from_utf8_lossy(message);
        let may_be_clear = *in_tls && *may_be_clear;
        assert!(may_be_clear || !old.is_some_and(|old| holds(message, old)), "in clear: {said}");
        // Where it is looked up whether it is in force, a server may ask for it in clear.
        let may_be_clear = may_be_clear && choice.has(Choice::KEEP) && server.sign_in().1.len() > 1;
        assert!(may_be_clear || !new.is_some_and(|new| holds(message, new)), "new: {said}");
    }
    proof::check(choice, server);
    for statement in server.queries() {
        sql::check(statement);
        let as_text = statement.contains(&format!("PASSWORD('{NEW_PASSWORD}')"));
        assert!(!as_text || choice.may_send_text() || new.is_none(), "as text: {statement}");
        match choice.call() {
            Call::Verify => assert_eq!(statement, "SELECT CURRENT_USER()"),
            Call::Assess => assert!(sql::only_reads(statement), "{statement}"),
            Call::Mark => {
                assert!(sql::only_reads(statement) || sql::only_marks(statement), "{statement}");
            }
            Call::Change => {}
        }
    }
}

fn check_success(choice: Choice, server: &Server, found: Option<&Assessment>) {
    let (sign_in, statements) = server.sign_in();
    assert!(!sign_in.is_empty() && !statements.is_empty(), "nobody was let in");
    let sets = |statement: &str| {
        let hash = proof::native_hash(NEW_PASSWORD);
        let given = [NEW_PASSWORD, &hash].iter().any(|form| statement.contains(form));
        let hashed = ["ed25519 USING '", "parsec USING '", "SET PASSWORD = '"];
        given || hashed.iter().any(|form| statement.contains(form))
    };
    let changed = server.queries().any(sets);
    match choice.call() {
        Call::Verify => assert!(!changed && server.said(b"app@"), "another account"),
        Call::Assess => check_assessment(found, MESSAGE_MAX, |text| is_kept(server, text)),
        Call::Mark => assert!(server.queries().any(sql::only_marks), "nothing was marked"),
        Call::Change if choice.is_of_its_own() => assert!(changed, "no password was changed"),
        // An account that has the password is left alone: the server has told its hash, or none.
        Call::Change => {
            let described = server.queries().any(|it| it.starts_with("SHOW CREATE USER"));
            assert!(changed || described, "no password was changed");
        }
    }
}

/// Whether a text repeats no password but one that the server has said.
fn is_kept(server: &Server, text: &str) -> bool {
    let of = |secret: &&str| text.contains(*secret) && !server.said(secret.as_bytes());
    ![PASSWORD, NEW_PASSWORD].iter().any(of)
}

fn check_failure(choice: Choice, server: &Server, failure: &Failure) {
    let Failure { kind, code, message, remedy } = failure;
    for text in [message, remedy] {
        assert!(is_one_line(text) && text.len() < MESSAGE_MAX, "{text:?}");
    }
    assert!(code.len() <= 5 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code:?}");
    for text in [message, remedy] {
        assert!(is_kept(server, text), "{failure:?}");
    }
    match kind {
        FailureKind::Refused => {
            let said = server.said(&[0xff, 0x15, 0x04]);
            assert!(code == "1045" && said, "refused by nobody: {failure}");
            let (_, statements) = server.sign_in();
            assert!(statements.is_empty(), "refused after the sign-in: {failure}");
        }
        FailureKind::NoTls => {
            assert!(choice.has(Choice::TLS) && server.heard.is_empty(), "{failure}");
        }
        // The login and the request are good: who says so blames the secret for the server.
        FailureKind::InvalidSecret => panic!("the secret is blamed: {failure}"),
        FailureKind::Unproven => assert!(choice.is_unprovable(), "{failure}"),
        // In here TLS never fails.
        FailureKind::TlsFailed => panic!("{failure}"),
        FailureKind::PasswordRejected => assert!(changes(choice, server), "{failure}"),
        FailureKind::TextRequired => {
            assert!(!choice.may_send_text() && changes(choice, server), "{failure}");
        }
        FailureKind::NotAPair => {
            assert!(choice.call() == Call::Change && choice.is_of_a_pair(), "{failure}");
            assert!(server.queries().all(sql::only_reads), "changed all the same: {failure}");
        }
        FailureKind::Unreachable
        | FailureKind::Declined
        | FailureKind::Protocol
        | FailureKind::Unsupported => {}
    }
}

/// Whether a statement that changes something was sent.
fn changes(choice: Choice, server: &Server) -> bool {
    choice.call() == Call::Change && !server.queries().all(sql::only_reads)
}
