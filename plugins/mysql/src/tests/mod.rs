//! Whole calls against scripted servers: what is sent, in which order, and what is made of every
//! answer that a server, or somebody who plays one, may give.

mod change;
mod hostile;
mod pairs;
mod server;
mod sign_in;
mod tls;

use windlass_sdk::testing::calls::{
    NEW_PASSWORD, PASSWORD, assert_failure, assert_silent, in_clear, request,
};
use windlass_sdk::testing::{Peer, calls, login};
use windlass_sdk::{
    ChangeRequest, Endpoint, Failure, FailureKind, Login, NameLength, Plugin, Proof, TlsMode,
};

use crate::Mysql;

/// `verify` over TLS against `script`, which starts before the greeting.
fn verify(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    calls::verify::<Mysql>(script)
}

/// The same without TLS.
fn verify_in_clear(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    calls::verify_in_clear::<Mysql>(script)
}

/// `change` without TLS of `username` by `actor`.
fn change(
    actor: &'static str,
    username: &'static str,
    script: impl FnOnce(Peer) + Send + 'static,
) -> Result<(), Failure> {
    run(script, |server| Mysql::change(&request(server, actor, username)))
}

/// Any call. Where MySQL takes a hash, that is as good as the password.
fn run(
    script: impl FnOnce(Peer) + Send + 'static,
    call: impl FnOnce(Endpoint) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let outcome = calls::run(vec![Box::new(script)], call);
    if let Err(failure) = &outcome {
        assert_silent(failure, &[&crate::scramble::native_hash(NEW_PASSWORD)]);
    }
    outcome
}

#[test]
fn the_description_is_what_the_host_goes_by() {
    let description = Mysql::describe();
    assert_eq!(description.engines, ["mysql", "aurora-mysql", "mariadb"]);
    assert_eq!(description.default_port, 3306);
    assert_eq!(description.network, ["tcp://{host}:{port}"]);
    assert_eq!(description.password_rules.default_length, 32);
    assert_eq!(description.password_rules.default_excluded_characters, ":/@\"'\\");
    assert_eq!(description.username_rules.max_length, NameLength::Characters(32));
    assert_eq!(description.username_rules.clone_suffix, "_clone");
    assert!(description.features.alternating_users && description.features.dual_password);
    assert_eq!(Mysql::describe_engine("aurora-mysql"), description);
    let mariadb = Mysql::describe_engine("mariadb");
    assert_eq!(mariadb.username_rules.max_length, NameLength::Characters(128));
    assert!(mariadb.features.alternating_users && !mariadb.features.dual_password);
}
