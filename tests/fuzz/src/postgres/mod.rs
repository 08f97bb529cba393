//! The PostgreSQL plugin, whole calls, against a server whose every byte is the input.
//!
//! - The password goes out in clear only inside TLS, and only to a server that asked for it so; the
//!   new one never does. With TLS required, nothing but the request for it goes out in clear.
//! - A sign-in with SCRAM succeeds only against a server that proved to know the account; our own
//!   proof is right, and says the truth about channel binding.
//! - Without TLS, a server that has to prove itself lets nobody in but by SCRAM, and gets nothing else.
//!   Nobody is verified unless the server named the account.
//! - `refused` only where the server said 28P01. A change succeeds only where it said COMMIT.
//! - No text of the server's becomes anything but a name or a value in a statement.
//! - A failure is one line, of bounded length, of a kind that a server can be the cause of.

mod scram;
mod seeds;
pub(crate) mod server;
pub(crate) mod sql;
pub(crate) mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use windlass_plugin_postgres::Postgres;
use windlass_sdk::testing::{in_memory, login};
use windlass_sdk::{ChangeRequest, Endpoint, Failure, FailureKind, Login, Plugin, Proof, TlsMode};

pub use self::seeds::seeds;
use self::server::{Heard, Server};
use crate::{holds, is_one_line};

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

/// What the first byte chooses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice(pub(crate) u8);

impl Choice {
    pub(crate) const TLS: u8 = 4;
    const BINDING: u8 = 8;
    const AT_ONCE: u8 = 16;
    const IN_PIECES: u8 = 32;
    pub(crate) const SILENT: u8 = 64;
    /// The server has to prove itself.
    pub(crate) const MUTUAL: u8 = 128;

    pub(crate) fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// Whether nothing but the method of signing in could prove the server.
    pub(crate) fn must_be_proved(self) -> bool {
        self.has(Self::MUTUAL) && !self.has(Self::TLS)
    }

    /// What is asked of the plugin of a login to `endpoint`.
    pub(crate) fn login(self, endpoint: Endpoint) -> Login {
        Login {
            tls: if self.has(Self::TLS) { TlsMode::Required } else { TlsMode::Disabled },
            proof: if self.has(Self::MUTUAL) { Proof::Mutual } else { Proof::Accepted },
            ..login(endpoint, "app", PASSWORD)
        }
    }

    pub(crate) fn call(self) -> Call {
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
pub(crate) enum Call {
    Verify,
    Own,
    ByAdministrator,
    Alternating,
}

/// A byte that chooses (see `Choice`), and what the server says.
pub fn run(data: &[u8]) {
    let Some((choice, says)) = data.split_first() else { return };
    if is_costly(says) {
        return;
    }
    let choice = Choice(*choice);
    let server = Arc::new(Mutex::new(Server::new(choice, says)));
    let outcome = call::<Postgres>(choice, choice.login(in_memory(Arc::clone(&server))));
    let server = server.lock().unwrap_or_else(PoisonError::into_inner);
    check_heard(choice, &server);
    server.scram.check(choice);
    match outcome {
        Ok(()) => check_success(choice, &server),
        Err(failure) => check_failure(choice, &server, &failure),
    }
}

/// Asks a plugin of this protocol for what was chosen.
pub(crate) fn call<P: Plugin>(choice: Choice, login: Login) -> Result<(), Failure> {
    let (username, clone_of) = match choice.call() {
        Call::Verify => return P::verify(&login),
        Call::Own => ("app", None),
        Call::ByAdministrator => ("it's \"x\"", None),
        // An administrator's own name on both sides of a pair is a turn of either half.
        Call::Alternating if choice.has(Choice::SILENT) => ("base", Some("base_clone".into())),
        Call::Alternating => ("base_clone", Some("base".into())),
    };
    P::change(&ChangeRequest {
        actor: login,
        username: username.into(),
        new_password: NEW_PASSWORD.into(),
        old_password: None,
        clone_of,
        keep_old_valid: false,
        may_send_text: false,
    })
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

fn check_heard(choice: Choice, server: &Server) {
    // A server that knows a password may have it repeated, as the value of a setting.
    let [old, new] = [PASSWORD, NEW_PASSWORD]
        .map(|secret| Some(secret.as_bytes()).filter(|secret| !server.said(secret)));
    let heard = &server.heard;
    for Heard { message, in_tls, may_be_clear } in heard {
        let said = String::from_utf8_lossy(message);
        let may_be_clear = *in_tls && *may_be_clear;
        assert!(may_be_clear || !old.is_some_and(|old| holds(message, old)), "in clear: {said}");
        assert!(!new.is_some_and(|new| holds(message, new)), "the new password: {said}");
        let in_clear = choice.has(Choice::TLS) && !in_tls;
        assert!(!in_clear || message == SSL_REQUEST, "before TLS: {said}");
    }
    // Whoever stands in between may have put it there.
    assert!(!server.slipped_in() || heard.len() == 1, "something in clear was believed");
    let queries = || heard.iter().filter_map(Heard::query);
    queries().for_each(sql::check);
    // The first says what has to be known and is ours but for the account's name.
    queries().skip(1).for_each(sql::check_change);
}

fn check_success(choice: Choice, server: &Server) {
    assert!(server.said(b"R\0\0\0\x08\0\0\0\0"), "nobody was let in");
    assert!(server.said(b"Z\0\0\0\x05"), "the server was not ready");
    assert!(server.heard.iter().any(|heard| heard.message.starts_with(b"p")), "no password");
    assert!(server.scram.is_proved_or_unused(), "the server did not prove itself");
    assert!(!choice.must_be_proved() || server.scram.is_used(), "the server proved nothing");
    assert!(choice.call() != Call::Verify || server.said(b"app"), "another account");
    if choice.call() != Call::Verify {
        assert!(server.said(b"COMMIT\0"), "nothing was committed");
        let last = server.heard.iter().rev().find_map(Heard::query).unwrap_or_default();
        assert!(last.contains("PASSWORD"), "no password was changed: {last}");
    }
}

fn check_failure(choice: Choice, server: &Server, failure: &Failure) {
    let Failure { kind, code, message, remedy } = failure;
    for text in [message, remedy] {
        assert!(is_one_line(text) && text.len() < MESSAGE_MAX, "{text:?}");
    }
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    assert!(code.is_empty() || code.len() == 5 && code.bytes().all(is_code), "{code:?}");
    for secret in [PASSWORD, NEW_PASSWORD] {
        let repeated = message.contains(secret) || remedy.contains(secret);
        assert!(!repeated || server.said(secret.as_bytes()), "{message}; {remedy}");
    }
    match kind {
        FailureKind::Refused => {
            // The other code is what LDAP and the like say to a password in clear.
            let in_clear = code == "28000" && message.contains("kept elsewhere");
            assert!(!in_clear || server.asked_for_clear, "nobody asked for it: {failure}");
            assert!(code == "28P01" || in_clear, "refused by nobody: {failure}");
            assert!(server.said(format!("{code}\0").as_bytes()), "{failure}");
            let signed_in = server.heard.iter().any(|heard| heard.query().is_some());
            assert!(!signed_in, "refused after the sign-in: {failure}");
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
        | FailureKind::PasswordRejected
        | FailureKind::TextRequired
        | FailureKind::NotAPair
        | FailureKind::Declined
        | FailureKind::Protocol
        | FailureKind::Unsupported => {}
    }
}
