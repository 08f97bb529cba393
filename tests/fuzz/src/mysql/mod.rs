//! The MySQL plugin, whole calls, against a server whose every byte is the input.
//!
//! - Until somebody is let in, the password goes out in clear only inside TLS, and only to a server
//!   that asked for it so; the new one never does. With TLS required, nothing but the request for it
//!   goes out in clear. What is proved instead is the right proof, for the nonce that was given.
//! - Without TLS, a server that has to prove itself hears nothing at all. Nobody is verified unless the
//!   server named the account.
//! - `refused` only where the server said 1045, to a sign-in. A change succeeds only after a statement
//!   that sets the new password or its hash, or where the account is said to have it already.
//! - No text of the server's ends a statement, or stands in it outside of quotes with anything but
//!   letters and digits.
//! - A failure is one line, of bounded length, of a kind that a server can be the cause of.

mod proof;
mod seeds;
mod server;
mod sql;

use std::sync::{Arc, Mutex, PoisonError};

use windlass_plugin_mysql::Mysql;
use windlass_sdk::testing::{in_memory, login};
use windlass_sdk::{ChangeRequest, Failure, FailureKind, Login, Plugin, Proof, TlsMode};

pub use self::seeds::seeds;
use self::server::{Heard, Server};
use crate::{holds, is_one_line};

/// What the account signs in with; long enough not to be met by chance.
const PASSWORD: &str = "old-p4ssword";
const NEW_PASSWORD: &str = "new-p4ssword";

/// What a failure's message may come to: a few hundred characters of the server's and our own words
/// around them, with the names in them.
const MESSAGE_MAX: usize = 4096;

/// What the first byte chooses.
#[derive(Debug, Clone, Copy)]
struct Choice(u8);

impl Choice {
    const TLS: u8 = 4;
    /// Keeps the old password; in a call that changes none, the server has to prove itself.
    const KEEP: u8 = 8;
    const AT_ONCE: u8 = 16;
    const IN_PIECES: u8 = 32;
    const SILENT: u8 = 64;
    /// The numbers of the server's packets are the input's. Else they are right.
    const RAW: u8 = 128;

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    fn proof(self) -> Proof {
        let mutual = self.has(Self::KEEP) && self.call() == Call::Verify;
        if mutual { Proof::Mutual } else { Proof::Accepted }
    }

    /// Whether nothing that this plugin knows would prove the server.
    fn is_unprovable(self) -> bool {
        self.proof() == Proof::Mutual && !self.has(Self::TLS)
    }

    fn call(self) -> Call {
        match self.0 & 3 {
            0 => Call::Verify,
            1 => Call::Own,
            2 => Call::ByAdministrator,
            _ => Call::Alternating,
        }
    }
}

/// What is asked of the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Verify,
    Own,
    ByAdministrator,
    Alternating,
}

/// A byte that chooses (see `Choice`), and what the server says.
pub fn run(data: &[u8]) {
    let Some((choice, says)) = data.split_first() else { return };
    let choice = Choice(*choice);
    let server = Arc::new(Mutex::new(Server::new(choice, says)));
    let outcome = call(
        choice,
        Login {
            tls: if choice.has(Choice::TLS) { TlsMode::Required } else { TlsMode::Disabled },
            database: None,
            proof: choice.proof(),
            ..login(in_memory(Arc::clone(&server)), "app", PASSWORD)
        },
    );
    let server = server.lock().unwrap_or_else(PoisonError::into_inner);
    check_heard(choice, &server);
    match outcome {
        Ok(()) => check_success(choice, &server),
        Err(failure) => check_failure(choice, &server, &failure),
    }
}

fn call(choice: Choice, login: Login) -> Result<(), Failure> {
    let (username, clone_of) = match choice.call() {
        Call::Verify => return Mysql::verify(&login),
        Call::Own => ("app", None),
        Call::ByAdministrator => ("it's `x`", None),
        // A turn of either half.
        Call::Alternating if choice.has(Choice::SILENT) => ("base", Some("base_clone".into())),
        Call::Alternating => ("base_clone", Some("base".into())),
    };
    Mysql::change(&ChangeRequest {
        actor: login,
        username: username.into(),
        new_password: NEW_PASSWORD.into(),
        old_password: Some(PASSWORD.into()),
        clone_of,
        keep_old_valid: choice.has(Choice::KEEP),
        may_send_text: false,
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
    let (sign_in, statements) = server.sign_in();
    for Heard { message, in_tls, may_be_clear } in sign_in {
        let said = String::from_utf8_lossy(message);
        let may_be_clear = *in_tls && *may_be_clear;
        assert!(may_be_clear || !old.is_some_and(|old| holds(message, old)), "in clear: {said}");
        assert!(!new.is_some_and(|new| holds(message, new)), "the new password: {said}");
    }
    proof::check(choice, server);
    for statement in statements.iter().filter_map(Heard::query) {
        sql::check(statement);
        if choice.call() == Call::Verify {
            assert_eq!(statement, "SELECT CURRENT_USER()");
        }
    }
}

fn check_success(choice: Choice, server: &Server) {
    let (sign_in, statements) = server.sign_in();
    assert!(!sign_in.is_empty() && !statements.is_empty(), "nobody was let in");
    let sets = |statement: &str| {
        let hash = proof::native_hash(NEW_PASSWORD);
        let given = [NEW_PASSWORD, &hash].iter().any(|form| statement.contains(form));
        let hashed = ["ed25519 USING '", "parsec USING '", "SET PASSWORD = '"];
        given || hashed.iter().any(|form| statement.contains(form))
    };
    let changed = statements.iter().filter_map(Heard::query).any(sets);
    match choice.call() {
        Call::Verify => assert!(!changed && server.said(b"app@"), "another account"),
        Call::Own => assert!(changed, "no password was changed"),
        // An account that has the password is left alone: the server has told its hash, or none.
        Call::ByAdministrator | Call::Alternating => {
            let described = |statement: &str| statement.starts_with("SHOW CREATE USER");
            let described = statements.iter().filter_map(Heard::query).any(described);
            assert!(changed || described, "no password was changed");
        }
    }
}

fn check_failure(choice: Choice, server: &Server, failure: &Failure) {
    let Failure { kind, code, message, remedy } = failure;
    for text in [message, remedy] {
        assert!(is_one_line(text) && text.len() < MESSAGE_MAX, "{text:?}");
    }
    assert!(code.len() <= 5 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code:?}");
    for secret in [PASSWORD, NEW_PASSWORD] {
        let repeated = message.contains(secret) || remedy.contains(secret);
        assert!(!repeated || server.said(secret.as_bytes()), "{message}; {remedy}");
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
        FailureKind::Unreachable
        | FailureKind::PasswordRejected
        | FailureKind::TextRequired
        | FailureKind::NotAPair
        | FailureKind::Declined
        | FailureKind::Protocol
        | FailureKind::Unsupported => {}
    }
}
