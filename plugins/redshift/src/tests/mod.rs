//! Whole calls against scripted servers: what is sent, in which order, and what is made of every
//! answer that a server, or somebody who plays one, may give.

mod change;
mod hostile;
mod server;
mod sign_in;

use windlass_sdk::testing::{Peer, Script, login, scripted_each};
use windlass_sdk::{
    ChangeRequest, Endpoint, Failure, FailureKind, Login, NameLength, Plugin, Proof, TlsMode,
};

use crate::Redshift;

/// The password in force. Long enough not to be found in anything by chance.
const PASSWORD: &str = "old-p4ssword";
const NEW_PASSWORD: &str = "new-p4ssword";

/// `verify` over TLS against `script`, which starts before the request for TLS.
fn verify(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    run(vec![Box::new(script)], |server| Redshift::verify(&login(server, "app", PASSWORD)))
}

/// The same without TLS.
fn verify_in_clear(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    run(vec![Box::new(script)], |server| Redshift::verify(&in_clear(server, "app")))
}

/// `change` without TLS of `username` by `actor`: one script for each connection.
fn change(
    actor: &'static str,
    username: &'static str,
    clone_of: Option<&'static str>,
    scripts: Vec<Script>,
) -> Result<(), Failure> {
    run(scripts, |server| {
        Redshift::change(&ChangeRequest {
            actor: in_clear(server, actor),
            username: username.into(),
            new_password: NEW_PASSWORD.into(),
            old_password: None,
            clone_of: clone_of.map(str::to_owned),
            keep_old_valid: false,
            may_send_text: false,
        })
    })
}

fn in_clear(server: Endpoint, username: &str) -> Login {
    Login { tls: TlsMode::Disabled, ..login(server, username, PASSWORD) }
}

fn run(
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

#[track_caller]
fn assert_failure(outcome: Result<(), Failure>, kind: FailureKind, code: &str, part: &str) {
    let failure = outcome.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (kind, code), "{failure}");
    let whole = format!("{}: {}", failure.message, failure.remedy);
    assert!(whole.contains(part), "{failure:?} lacks {part:?}");
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
