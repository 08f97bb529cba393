//! A plugin's calls against scripted servers.
//!
//! Whatever becomes of a call, no failure may show a password: that is asserted here, for every call.
//!
//! ```
//! use windlass_sdk::testing::calls;
//! use windlass_sdk::{ChangeRequest, Description, Failure, FailureKind, Login, Plugin};
//! use std::io::{Read, Write};
//!
//! struct Echo;
//!
//! impl Plugin for Echo {
//!     fn describe() -> Description {
//!         unimplemented!("not asked for here")
//!     }
//!     fn verify(login: &Login) -> Result<(), Failure> {
//!         let mut connection = login.server.connect()?;
//!         connection.write_all(login.password.as_bytes())?;
//!         let mut answer = [0; 2];
//!         connection.read_exact(&mut answer)?;
//!         if &answer == b"ok" { Ok(()) } else { Err(Failure::refused("no")) }
//!     }
//!     fn change(_: &ChangeRequest) -> Result<(), Failure> {
//!         Err(Failure::unsupported("never"))
//!     }
//! }
//!
//! let outcome = calls::verify_in_clear::<Echo>(|mut peer| {
//!     peer.expect(calls::PASSWORD.as_bytes());
//!     peer.send(b"no");
//! });
//! calls::assert_failure(outcome, FailureKind::Refused, "", "no");
//! ```

use super::{Peer, Script, login, scripted_each};
use crate::{ChangeRequest, Endpoint, Failure, FailureKind, Login, Plugin, Proof, TlsMode};

/// The password in force, of every login here. Long enough not to be found in anything by chance.
pub const PASSWORD: &str = "old-p4ssword";

/// The one that a change sets.
pub const NEW_PASSWORD: &str = "new-p4ssword";

/// The account that [`verify`] and its siblings sign in as.
pub const USER: &str = "app";

/// `verify` over TLS against `script`, which begins before TLS.
///
/// # Errors
/// What the plugin answers.
pub fn verify<P: Plugin>(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    run(vec![Box::new(script)], |server| P::verify(&login(server, USER, PASSWORD)))
}

/// The same without TLS.
///
/// # Errors
/// What the plugin answers.
pub fn verify_in_clear<P: Plugin>(
    script: impl FnOnce(Peer) + Send + 'static,
) -> Result<(), Failure> {
    verify_each::<P>(vec![Box::new(script)])
}

/// The same with a script for each connection.
///
/// # Errors
/// What the plugin answers.
pub fn verify_each<P: Plugin>(scripts: Vec<Script>) -> Result<(), Failure> {
    run(scripts, |server| P::verify(&in_clear(server, USER)))
}

/// `verify` without TLS, where the server has to prove itself.
///
/// # Errors
/// What the plugin answers.
pub fn verify_mutually<P: Plugin>(
    script: impl FnOnce(Peer) + Send + 'static,
) -> Result<(), Failure> {
    run(vec![Box::new(script)], |server| {
        P::verify(&Login { proof: Proof::Mutual, ..in_clear(server, USER) })
    })
}

/// Any call, against a script for each connection.
///
/// # Errors
/// What the call answers.
///
/// # Panics
/// Where a script is not kept to, or the failure shows a password.
pub fn run(
    scripts: Vec<Script>,
    call: impl FnOnce(Endpoint) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (endpoint, server) = scripted_each(scripts);
    let outcome = call(endpoint);
    server.finish();
    if let Err(failure) = &outcome {
        assert_silent(failure, &[PASSWORD, NEW_PASSWORD]);
    }
    outcome
}

/// That a failure shows none of these.
///
/// # Panics
/// Where it does.
#[track_caller]
pub fn assert_silent(failure: &Failure, secrets: &[&str]) {
    let shown = format!("{failure:?}");
    assert!(!secrets.iter().any(|secret| shown.contains(secret)), "a secret is in {shown}");
}

/// A change without TLS of `username` by `actor`.
pub fn request(server: Endpoint, actor: &str, username: &str) -> ChangeRequest {
    ChangeRequest {
        actor: in_clear(server, actor),
        username: username.into(),
        new_password: NEW_PASSWORD.into(),
        old_password: None,
        clone_of: None,
        keep_old_valid: false,
        may_send_text: false,
    }
}

/// A login of a secret that says that there is no TLS.
pub fn in_clear(server: Endpoint, username: &str) -> Login {
    Login { tls: TlsMode::Disabled, ..login(server, username, PASSWORD) }
}

/// That a call failed in this way, with `part` in the message or the remedy.
///
/// # Panics
/// Where it did not.
#[track_caller]
pub fn assert_failure(outcome: Result<(), Failure>, kind: FailureKind, code: &str, part: &str) {
    let Err(failure) = outcome else {
        assert!(outcome.is_err(), "the call succeeded, and should fail: {kind:?}, {part:?}");
        return;
    };
    assert_eq!((failure.kind, failure.code.as_str()), (kind, code), "{failure}");
    let whole = format!("{}; {}", failure.message, failure.remedy);
    assert!(whole.contains(part), "{failure:?} lacks {part:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaks(text: &'static str) -> Result<(), Failure> {
        run(Vec::new(), |_| Err(Failure::protocol(format!("the server said {text}"))))
    }

    #[test]
    fn a_failure_that_shows_a_password_is_noticed() {
        assert!(leaks("nothing").is_err());
        for secret in [PASSWORD, NEW_PASSWORD] {
            assert!(std::panic::catch_unwind(|| leaks(secret)).is_err(), "{secret}");
        }
    }

    #[test]
    fn another_outcome_than_the_expected_one_is_noticed() {
        let failed = || Err(Failure::protocol("the length is wrong"));
        assert_failure(failed(), FailureKind::Protocol, "", "length");
        for (outcome, kind, part) in [
            (Ok(()), FailureKind::Protocol, ""),
            (failed(), FailureKind::Refused, ""),
            (failed(), FailureKind::Protocol, "width"),
        ] {
            let noticed = std::panic::catch_unwind(move || assert_failure(outcome, kind, "", part));
            assert!(noticed.is_err(), "{kind:?} {part}");
        }
    }

    #[test]
    fn a_script_that_is_not_kept_to_is_noticed() {
        let call = || {
            run(vec![Box::new(|mut peer: Peer| peer.expect(b"hello"))], |server| {
                std::io::Write::write_all(&mut server.connect()?, b"world")?;
                Ok(())
            })
        };
        assert!(std::panic::catch_unwind(call).is_err());
    }
}
