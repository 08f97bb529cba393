//! Whole calls against scripted servers: what is sent, in which order, and what is made of every
//! answer that a server, or somebody who plays one, may give.

mod change;
mod hostile;
mod server;
mod sign_in;
mod tls;

use windlass_sdk::testing::{Peer, Script, login, scripted_each};
use windlass_sdk::{
    ChangeRequest, Endpoint, Failure, FailureKind, Login, NameLength, Plugin, Proof, TlsMode,
};

use crate::Postgres;

/// The password in force. Long enough not to be found in anything by chance.
const PASSWORD: &str = "old-p4ssword";
const NEW_PASSWORD: &str = "new-p4ssword";

/// `verify` over TLS against `script`, which starts before the request for TLS.
fn verify(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    run(script, |server| Postgres::verify(&login(server, "app", PASSWORD)))
}

/// The same without TLS.
fn verify_in_clear(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    run(script, |server| Postgres::verify(&in_clear(server, "app")))
}

/// `verify` without TLS, where the server has to prove itself.
fn verify_mutually(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    run(script, |server| {
        Postgres::verify(&Login { proof: Proof::Mutual, ..in_clear(server, "app") })
    })
}

/// `change` without TLS of `username` by `actor`.
fn change(
    actor: &'static str,
    username: &'static str,
    clone_of: Option<&'static str>,
    script: impl FnOnce(Peer) + Send + 'static,
) -> Result<(), Failure> {
    run(script, |server| {
        let clone_of = clone_of.map(str::to_owned);
        Postgres::change(&ChangeRequest { clone_of, ..request_of(server, actor, username) })
    })
}

/// A change without TLS of `username` by `actor`.
fn request_of(server: Endpoint, actor: &str, username: &str) -> ChangeRequest {
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

fn in_clear(server: Endpoint, username: &str) -> Login {
    Login { tls: TlsMode::Disabled, ..login(server, username, PASSWORD) }
}

fn run(
    script: impl FnOnce(Peer) + Send + 'static,
    call: impl FnOnce(Endpoint) -> Result<(), Failure>,
) -> Result<(), Failure> {
    run_each(vec![Box::new(script)], call)
}

/// The same with a script for each connection.
fn run_each(
    scripts: Vec<Script>,
    call: impl FnOnce(Endpoint) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (endpoint, server) = scripted_each(scripts);
    let outcome = call(endpoint);
    server.finish();
    if let Err(failure) = &outcome {
        for secret in [PASSWORD, NEW_PASSWORD] {
            assert!(!format!("{failure:?}").contains(secret), "{failure:?}");
        }
    }
    outcome
}

/// `verify` without TLS against two connections, one after the other.
fn run_twice(
    first: impl FnOnce(Peer) + Send + 'static,
    second: impl FnOnce(Peer) + Send + 'static,
) -> Result<(), Failure> {
    run_each(vec![Box::new(first), Box::new(second)], |server| {
        Postgres::verify(&in_clear(server, "app"))
    })
}

#[track_caller]
fn assert_failure(outcome: Result<(), Failure>, kind: FailureKind, code: &str, part: &str) {
    let failure = outcome.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (kind, code), "{failure}");
    let whole = format!("{}: {}", failure.message, failure.remedy);
    assert!(whole.contains(part), "{failure:?} lacks {part:?}");
}

#[test]
fn the_description_is_what_the_host_goes_by() {
    let description = Postgres::describe();
    assert_eq!(description.engines, ["postgres", "aurora-postgresql"]);
    assert_eq!(description.default_port, 5432);
    assert_eq!(description.network, ["tcp://{host}:{port}"]);
    assert_eq!(description.password_rules.default_length, 32);
    assert_eq!(description.password_rules.default_excluded_characters, ":/@\"'\\");
    assert_eq!(description.username_rules.max_length, NameLength::Bytes(63));
    assert_eq!(description.username_rules.clone_suffix, "_clone");
    assert!(description.features.alternating_users && !description.features.dual_password);
}
