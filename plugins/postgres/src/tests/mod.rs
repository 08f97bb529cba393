//! Whole calls against scripted servers: what is sent, in which order, and what is made of every
//! answer that a server, or somebody who plays one, may give.

mod change;
mod hostile;
mod server;
mod sign_in;
mod tls;

use windlass_sdk::testing::calls::{NEW_PASSWORD, PASSWORD, assert_failure, request};
use windlass_sdk::testing::{Peer, Script, calls, login};
use windlass_sdk::{
    ChangeRequest, Endpoint, Failure, FailureKind, Login, NameLength, Plugin, Proof, TlsMode,
};

use crate::Postgres;

/// `verify` over TLS against `script`, which starts before the request for TLS.
fn verify(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    calls::verify::<Postgres>(script)
}

/// The same without TLS.
fn verify_in_clear(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    calls::verify_in_clear::<Postgres>(script)
}

/// `verify` without TLS, where the server has to prove itself.
fn verify_mutually(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    calls::verify_mutually::<Postgres>(script)
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
        Postgres::change(&ChangeRequest { clone_of, ..request(server, actor, username) })
    })
}

fn run(
    script: impl FnOnce(Peer) + Send + 'static,
    call: impl FnOnce(Endpoint) -> Result<(), Failure>,
) -> Result<(), Failure> {
    calls::run(vec![Box::new(script)], call)
}

/// `verify` without TLS against two connections, one after the other.
fn run_twice(
    first: impl FnOnce(Peer) + Send + 'static,
    second: impl FnOnce(Peer) + Send + 'static,
) -> Result<(), Failure> {
    calls::verify_each::<Postgres>(vec![Box::new(first), Box::new(second)])
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
