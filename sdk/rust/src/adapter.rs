//! From the generated bindings to the [`Plugin`] trait and back. Translation only.

use std::marker::PhantomData;

use crate::assess::{Assess, AssessRequest, Finding, PairState};
use crate::bindings::assessor::exports::windlass::plugin::assessment;
use crate::bindings::exports::windlass::plugin::{metadata, password};
use crate::bindings::windlass::plugin::credentials as interface;
use crate::plugin::{ChangeRequest, Login, Plugin, Proof, TlsMode};
use crate::{Endpoint, Failure, FailureKind, LogLevel, NameLength};

/// Implements the generated guest traits for a [`Plugin`]. Named by [`export!`](crate::export);
/// there is no other use for it.
#[derive(Debug)]
pub struct Adapter<P>(PhantomData<P>);

impl<P: Plugin> metadata::Guest for Adapter<P> {
    fn describe() -> metadata::Description {
        log_panics();
        let own = P::describe();
        metadata::Description {
            name: own.name,
            version: own.version,
            engines: own.engines,
            default_port: own.default_port,
            network: own.network,
            fields: own.fields,
        }
    }
}

impl<P: Plugin> password::Guest for Adapter<P> {
    fn describe_passwords(engine: String) -> password::Profile {
        log_panics();
        let own = P::describe_engine(&engine);
        password::Profile {
            password_rules: password::PasswordRules {
                max_length: own.password_rules.max_length,
                default_length: own.password_rules.default_length,
                excluded_characters: own.password_rules.excluded_characters,
                default_excluded_characters: own.password_rules.default_excluded_characters,
                required_classes: classes(own.password_rules.required_classes),
            },
            username_rules: password::UsernameRules {
                max_length: match own.username_rules.max_length {
                    NameLength::Bytes(most) => password::NameLength::Bytes(most),
                    NameLength::Characters(most) => password::NameLength::Characters(most),
                    NameLength::Unlimited => password::NameLength::Unlimited,
                },
                clone_suffix: own.username_rules.clone_suffix,
                excluded_characters: own.username_rules.excluded_characters,
            },
            features: features(own.features),
        }
    }

    fn verify(login: interface::Login) -> Result<(), interface::Failure> {
        log_panics();
        P::verify(&login.into()).map_err(interface::Failure::from)
    }

    fn change(request: interface::ChangeRequest) -> Result<(), interface::Failure> {
        log_panics();
        P::change(&ChangeRequest {
            actor: request.actor.into(),
            username: request.username,
            new_password: request.new_password,
            old_password: request.old_password,
            clone_of: request.clone_of,
            keep_old_valid: request.keep_old_valid,
            may_send_text: request.may_send_text,
        })
        .map_err(interface::Failure::from)
    }
}

impl<P: Assess> assessment::Guest for Adapter<P> {
    fn assess(
        request: assessment::AssessRequest,
    ) -> Result<assessment::Assessment, interface::Failure> {
        log_panics();
        let found = P::assess(&request.into()).map_err(interface::Failure::from)?;
        Ok(assessment::Assessment {
            session: found.session,
            lacks: found.lacks.into_iter().map(Into::into).collect(),
            pair: found.pair.map(|state| match state {
                PairState::Marked => assessment::PairState::Marked,
                PairState::Equal => assessment::PairState::Equal,
                PairState::Different => assessment::PairState::Different,
                PairState::Absent => assessment::PairState::Absent,
            }),
            differences: found.differences.into_iter().map(Into::into).collect(),
        })
    }

    fn mark_pair(request: assessment::AssessRequest) -> Result<(), interface::Failure> {
        log_panics();
        P::mark_pair(&request.into()).map_err(interface::Failure::from)
    }
}

impl From<assessment::AssessRequest> for AssessRequest {
    fn from(request: assessment::AssessRequest) -> Self {
        Self { actor: request.actor.into(), username: request.username, clone_of: request.clone_of }
    }
}

impl From<Finding> for assessment::Finding {
    fn from(finding: Finding) -> Self {
        Self { text: finding.text, remedy: finding.remedy }
    }
}

impl From<interface::Login> for Login {
    fn from(login: interface::Login) -> Self {
        Self {
            server: Endpoint::from_host(login.server),
            username: login.username,
            password: login.password,
            database: login.database,
            tls: match login.tls {
                interface::TlsMode::Required => TlsMode::Required,
                interface::TlsMode::Disabled => TlsMode::Disabled,
            },
            proof: match login.proof {
                interface::Proof::Accepted => Proof::Accepted,
                interface::Proof::Mutual => Proof::Mutual,
            },
            fields: login.fields.into_iter().map(|field| (field.name, field.value)).collect(),
        }
    }
}

impl From<Failure> for interface::Failure {
    fn from(failure: Failure) -> Self {
        Self {
            kind: match failure.kind {
                FailureKind::Refused => interface::FailureKind::Refused,
                FailureKind::Unreachable => interface::FailureKind::Unreachable,
                FailureKind::NoTls => interface::FailureKind::NoTls,
                FailureKind::TlsFailed => interface::FailureKind::TlsFailed,
                FailureKind::Unproven => interface::FailureKind::Unproven,
                FailureKind::Declined => interface::FailureKind::Declined,
                FailureKind::Protocol => interface::FailureKind::Protocol,
                FailureKind::Unsupported => interface::FailureKind::Unsupported,
                FailureKind::InvalidSecret => interface::FailureKind::InvalidSecret,
                FailureKind::PasswordRejected => interface::FailureKind::PasswordRejected,
                FailureKind::TextRequired => interface::FailureKind::TextRequired,
                FailureKind::NotAPair => interface::FailureKind::NotAPair,
            },
            code: failure.code,
            message: failure.message,
            remedy: failure.remedy,
        }
    }
}

fn features(own: crate::Features) -> password::Features {
    [
        (own.self_change, password::Features::SELF_CHANGE),
        (own.admin_change, password::Features::ADMIN_CHANGE),
        (own.alternating_users, password::Features::ALTERNATING_USERS),
        (own.dual_password, password::Features::DUAL_PASSWORD),
    ]
    .into_iter()
    .filter(|(has, _)| *has)
    .fold(password::Features::empty(), |all, (_, flag)| all | flag)
}

fn classes(own: crate::CharacterClasses) -> password::CharacterClasses {
    [
        (own.upper, password::CharacterClasses::UPPER),
        (own.lower, password::CharacterClasses::LOWER),
        (own.digit, password::CharacterClasses::DIGIT),
        (own.punctuation, password::CharacterClasses::PUNCTUATION),
    ]
    .into_iter()
    .filter(|(wanted, _)| *wanted)
    .fold(password::CharacterClasses::empty(), |all, (_, flag)| all | flag)
}

/// A panic in a component is a bare `unreachable` trap; without this its text would be lost.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| crate::log(LogLevel::Error, &panic.to_string())));
}
