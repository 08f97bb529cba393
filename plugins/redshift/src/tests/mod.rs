//! Whole calls against scripted servers: what is sent, in which order, and what is made of every
//! answer that a server, or somebody who plays one, may give.

mod change;
mod hostile;
mod server;
mod sign_in;

use windlass_sdk::testing::calls::{
    NEW_PASSWORD, PASSWORD, assert_failure, in_clear, request, run,
};
use windlass_sdk::testing::{Peer, Script, calls, login};
use windlass_sdk::{ChangeRequest, Failure, FailureKind, Login, NameLength, Plugin, Proof};

use crate::Redshift;

/// `verify` over TLS against `script`, which starts before the request for TLS.
fn verify(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    calls::verify::<Redshift>(script)
}

/// The same without TLS.
fn verify_in_clear(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    calls::verify_in_clear::<Redshift>(script)
}

/// `change` without TLS of `username` by `actor`: one script for each connection.
fn change(
    actor: &'static str,
    username: &'static str,
    clone_of: Option<&'static str>,
    scripts: Vec<Script>,
) -> Result<(), Failure> {
    run(scripts, |server| {
        let clone_of = clone_of.map(str::to_owned);
        Redshift::change(&ChangeRequest { clone_of, ..request(server, actor, username) })
    })
}

#[test]
fn the_description_is_what_the_host_goes_by() {
    let description = Redshift::describe();
    assert_eq!(description.engines, ["redshift"]);
    assert_eq!(description.default_port, 5439);
    assert_eq!(description.network, ["tcp://{host}:{port}"]);
    assert_eq!(description.password_rules.max_length, Some(64));
    let classes = description.password_rules.required_classes;
    assert!(classes.upper && classes.lower && classes.digit && !classes.punctuation);
    assert_eq!(description.password_rules.default_excluded_characters, ":/@\"'\\");
    assert_eq!(description.username_rules.max_length, NameLength::Bytes(127));
    assert_eq!(description.username_rules.clone_suffix, "_clone");
    assert!(description.features.alternating_users && !description.features.dual_password);
}
