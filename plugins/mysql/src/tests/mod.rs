//! Whole calls against scripted servers: what is sent, in which order, and what is made of every
//! answer that a server, or somebody who plays one, may give.

mod change;
mod hostile;
mod pairs;
mod server;
mod sign_in;
mod tls;

use windlass_sdk::testing::{Peer, login, scripted};
use windlass_sdk::{
    ChangeRequest, Endpoint, Failure, FailureKind, Login, NameLength, Plugin, Proof, TlsMode,
};

use crate::Mysql;

/// The password in force. Long enough not to be found in anything by chance.
const PASSWORD: &str = "old-p4ssword";
const NEW_PASSWORD: &str = "new-p4ssword";

/// `verify` over TLS against `script`, which starts before the greeting.
fn verify(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    run(script, |server| Mysql::verify(&login(server, "app", PASSWORD)))
}

/// The same without TLS.
fn verify_in_clear(script: impl FnOnce(Peer) + Send + 'static) -> Result<(), Failure> {
    run(script, |server| Mysql::verify(&in_clear(server, "app")))
}

/// `change` without TLS of `username` by `actor`.
fn change(
    actor: &'static str,
    username: &'static str,
    script: impl FnOnce(Peer) + Send + 'static,
) -> Result<(), Failure> {
    run(script, |server| Mysql::change(&request(server, actor, username)))
}

fn request(server: Endpoint, actor: &str, username: &str) -> ChangeRequest {
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
    let (endpoint, server) = scripted(script);
    let outcome = call(endpoint);
    server.finish();
    if let Err(failure) = &outcome {
        let hash = crate::scramble::native_hash(NEW_PASSWORD);
        for secret in [PASSWORD, NEW_PASSWORD, &hash] {
            assert!(!format!("{failure:?}").contains(secret), "{failure}");
        }
    }
    outcome
}

#[track_caller]
fn assert_failure(outcome: Result<(), Failure>, kind: FailureKind, code: &str, part: &str) {
    let failure = outcome.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (kind, code), "{failure}");
    let told = format!("{}; {}", failure.message, failure.remedy);
    assert!(told.contains(part), "{failure:?} lacks {part:?}");
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
