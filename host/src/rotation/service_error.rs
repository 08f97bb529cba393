//! What the service, or the way to it, answered, and what to do about it: what the plugin advises, which
//! has seen the answer, else what usually helps with that kind of failure.

use super::failed_sign_ins::{Exhausted, WINDOW};
use super::mismatch::drop_pending;
use super::tried::{Tried, Unsearched};
use crate::error_type::ErrorType;
use crate::host_port::HostPort;
use crate::rotation::ports::{Failure, FailureKind};

/// The service did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// One operation failed.
    #[error("{attempt} at {place}: {failure}{}", advice(.failure))]
    Failed {
        /// What was attempted, with which credential.
        attempt: String,
        /// Where.
        place: HostPort,
        /// What the plugin reported. Boxed, as errors are handed around by value.
        failure: Box<Failure>,
    },
    /// The account was refused so often that another try could lock it; or the secret, for all the
    /// accounts that it named: two names may be one server's.
    #[error(
        "{}; {}; rotations work again after that time, or at once from the command line: \
         windlass rotate",
        refused_too_often(*exhausted, username, place, last.as_deref()),
        or_repair(last.as_deref())
    )]
    TooManyRefusals {
        /// What was refused so often, and how often.
        exhausted: Exhausted,
        /// The account, or the one that the secret names now.
        username: String,
        /// Where.
        place: HostPort,
        /// What the service said last of a password of this secret.
        last: Option<Box<Failure>>,
    },
    /// A replica refused the password that its writer was given.
    #[error(
        "{attempt} at {place}: {failure}, after the administrator had set it at {writer}, which \
         `{}` follows; a replica may lag behind: the next attempt is safe and usually enough, else \
         look at its replication lag", .place.host
    )]
    NotReplicated {
        /// What was attempted, with which credential.
        attempt: String,
        /// Where: a read replica or reader endpoint.
        place: HostPort,
        /// What the plugin reported.
        failure: Box<Failure>,
        /// Where the password was changed.
        writer: Box<HostPort>,
    },
    /// A secret that does without TLS, under an administrator that does not.
    #[error(
        "{attempt} at {place}: {failure}; the admin secret `{admin}` requires TLS, so the \
         account has to sign in over TLS before its administrator changes a password, whatever \
         `ssl` is in the secret: enable TLS at the server and remove \"ssl\": false from the \
         secret, or, if the server is to be used without TLS, set \"ssl\": false in the admin \
         secret, too"
    )]
    AdminNeedsTls {
        /// What was attempted, with which credential.
        attempt: String,
        /// Where.
        place: HostPort,
        /// What the plugin reported.
        failure: Box<Failure>,
        /// The admin secret, as `masterarn` names it.
        admin: String,
    },
    /// The service does not take the new password.
    #[error(
        "{attempt} at {place}: {failure}; nothing was changed; {}{}",
        password_rules(.failure),
        given_up.as_ref().map(|given_up| format!("; {given_up}")).unwrap_or_default()
    )]
    PasswordRejected {
        /// What was attempted, with which credential.
        attempt: String,
        /// Where.
        place: HostPort,
        /// What the plugin reported.
        failure: Box<Failure>,
        /// What became of the rotation. `None`: it was no rotation's.
        given_up: Option<Box<GivenUp>>,
    },
    /// Every password that could be the one in force was refused.
    #[error(
        "no known password of `{username}` signs in at {place}: {}{}; nothing was changed; {}",
        answers(tried),
        unsearched.map(|why| format!("; {}", why.explanation())).unwrap_or_default(),
        remedies(tried)
    )]
    NoCandidate {
        /// The account.
        username: String,
        /// Where.
        place: HostPort,
        /// Which passwords were tried, and what the service said.
        tried: Vec<Tried>,
        /// Why older versions were not tried, where they were not.
        unsearched: Option<Unsearched>,
    },
}

impl ServiceError {
    pub(super) fn error_type(&self) -> ErrorType {
        match self {
            Self::Failed { failure, .. } => match failure.kind {
                FailureKind::Refused => ErrorType::Refused,
                FailureKind::Unreachable => ErrorType::Unreachable,
                FailureKind::NoTls => ErrorType::NoTls,
                FailureKind::TlsFailed => ErrorType::TlsFailed,
                FailureKind::Unproven => ErrorType::Unproven,
                FailureKind::Declined => ErrorType::Declined,
                FailureKind::NotGranted => ErrorType::NotGranted,
                FailureKind::Protocol => ErrorType::Protocol,
                FailureKind::Unsupported => ErrorType::Unsupported,
                FailureKind::InvalidSecret => ErrorType::SecretValue,
                FailureKind::PasswordRejected => ErrorType::PasswordRejected,
                FailureKind::TextRequired => ErrorType::TextRequired,
                FailureKind::NotAPair => ErrorType::NotAPair,
            },
            Self::TooManyRefusals { .. } => ErrorType::TooManyRefusals,
            Self::NotReplicated { .. } => ErrorType::Refused,
            Self::AdminNeedsTls { .. } => ErrorType::NoTls,
            Self::PasswordRejected { .. } => ErrorType::PasswordRejected,
            Self::NoCandidate { .. } => ErrorType::NoPasswordSignsIn,
        }
    }
}

/// What to do about a failure: what the plugin says, else what usually helps.
fn advice(failure: &Failure) -> String {
    if failure.remedy.is_empty() {
        hint(failure.kind).to_owned()
    } else {
        format!("; {}", failure.remedy)
    }
}

/// What to do where nothing else is known to help.
const BY_HAND: &str = "set the account's password to the one in AWSCURRENT by hand";

/// What was refused too often for another sign-in, and what else may be wrong with it.
fn refused_too_often(
    exhausted: Exhausted,
    username: &str,
    place: &HostPort,
    last: Option<&Failure>,
) -> String {
    let (minutes, last) = (WINDOW.as_secs() / 60, last_answer(last));
    match exhausted {
        Exhausted::Account(count) => format!(
            "`{username}` was refused {count} times at {place} within {minutes} minutes, with \
             passwords \
             of this secret or of others that name the account, and no more sign-ins are tried \
             for now: \
             failed sign-ins lock accounts{last}"
        ),
        Exhausted::Secret(count) => format!(
            "the passwords of this secret were refused {count} times within {minutes} minutes, \
             for `{username}` at {place} or other users and hosts that it named, and no more are \
             tried for now: failed sign-ins lock accounts{last}; correct the secret"
        ),
    }
}

/// What the service said last, for accounts that are not tried any more.
fn last_answer(last: Option<&Failure>) -> String {
    last.map(|failure| format!("; the last answer was: {failure}")).unwrap_or_default()
}

/// What helps such an account.
fn or_repair(last: Option<&Failure>) -> String {
    match last {
        Some(failure) if !failure.remedy.is_empty() => failure.remedy.clone(),
        _ => format!("{BY_HAND}, or run `windlass repair`"),
    }
}

/// How passwords are made that the service takes.
fn password_rules(failure: &Failure) -> &str {
    if failure.remedy.is_empty() {
        "set PASSWORD_LENGTH, the EXCLUDE_… variables and REQUIRE_EACH_INCLUDED_TYPE of the \
         function to match the service's password rules"
    } else {
        &failure.remedy
    }
}

/// What was tried, with the answers: an answer that all of them got stands there once.
fn answers(tried: &[Tried]) -> String {
    let labels = |tried: &[Tried]| {
        let labels = tried.iter().map(|tried| tried.credential.label().to_string());
        labels.collect::<Vec<_>>().join(", ")
    };
    let Some(first) = tried.first() else { return "none could be tried".to_owned() };
    if tried.iter().all(|other| other.failure.to_string() == first.failure.to_string()) {
        let each = if tried.len() > 1 { "each " } else { "" };
        return format!("tried {} ({each}refused: {})", labels(tried), first.failure);
    }
    let each = tried
        .iter()
        .map(|tried| format!("{} (refused: {})", tried.credential.label(), tried.failure));
    format!("tried {}", each.collect::<Vec<_>>().join(", "))
}

/// What helps against these refusals, each remedy once; the usual one where the plugin knows none.
fn remedies(tried: &[Tried]) -> String {
    let mut remedies: Vec<&str> = Vec::new();
    for Tried { failure, .. } in tried {
        if !failure.remedy.is_empty() && !remedies.contains(&failure.remedy.as_str()) {
            remedies.push(&failure.remedy);
        }
    }
    if remedies.is_empty() {
        return format!("{BY_HAND}, then rotate again");
    }
    remedies.join("; ")
}

/// What usually helps with a kind of failure, where the failure itself can't know.
fn hint(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Protocol => {
            "; check that the secret's host and port are this engine's, else report it to the \
             plugin's author"
        }
        FailureKind::Refused => {
            "; the service has another password for this account: correct it there or in the \
             secret, then rotate again"
        }
        FailureKind::Unproven => {
            "; an administrator's change depends on this sign-in, which anybody on the network \
             path could answer without TLS: enable TLS at the server and remove \"ssl\": false \
             from the secret and from the admin secret, or use an authentication method in which \
             the server proves itself (SCRAM)"
        }
        FailureKind::Unreachable
        | FailureKind::NoTls
        | FailureKind::TlsFailed
        | FailureKind::Declined
        | FailureKind::NotGranted
        | FailureKind::Unsupported
        | FailureKind::InvalidSecret
        | FailureKind::PasswordRejected
        | FailureKind::TextRequired
        | FailureKind::NotAPair => "",
    }
}

/// What became of the rotation whose password was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GivenUp {
    /// `AWSPENDING` is off its version.
    #[error(
        "this rotation was abandoned, and AWSPENDING was removed from version {version}: rotate \
         again with RotateSecret or `windlass rotate`, which generates a new password"
    )]
    Done {
        /// The version.
        version: String,
    },
    /// The label is still there.
    #[error("{why}; {}", drop_pending(secret, version))]
    Not {
        /// The secret's name.
        secret: String,
        /// The version.
        version: String,
        /// Why.
        why: String,
    },
}
