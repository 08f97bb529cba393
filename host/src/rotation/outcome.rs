//! What a step did.

use std::fmt;

use super::credential::Credential;
use super::ports::VersionId;

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The version is current already; nothing to do.
    AlreadyCurrent,
    /// A new password was stored as pending.
    Created {
        /// For which account.
        username: String,
    },
    /// The version had its value from an earlier attempt.
    AlreadyCreated,
    /// The service has the new password.
    Set {
        /// Whose password was changed.
        username: String,
        /// Which credential signed in to make or to justify the change.
        with: Credential,
        /// Whether an administrator made it.
        by_admin: bool,
    },
    /// The service had the new password from an earlier attempt.
    AlreadySet,
    /// The new password signs in.
    Tested {
        /// As whom.
        username: String,
    },
    /// The version is current now.
    Finished {
        /// What was current before.
        replaced: Option<VersionId>,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyCurrent => f.write_str("the version is already AWSCURRENT"),
            Self::Created { username } => {
                write!(f, "stored a new password for `{username}` as AWSPENDING")
            }
            Self::AlreadyCreated => {
                f.write_str("the version already has its value from an earlier attempt")
            }
            Self::Set { username, with, by_admin: false } => {
                write!(f, "`{username}` changed its password, signed in with {with}")
            }
            Self::Set { username, with, by_admin: true } => write!(
                f,
                "the administrator changed the password of `{username}`, after {with} had signed in"
            ),
            Self::AlreadySet => {
                f.write_str("the new password signs in: an earlier attempt had set it")
            }
            Self::Tested { username } => write!(f, "`{username}` signs in with the new password"),
            Self::Finished { replaced: Some(old) } => {
                write!(f, "moved AWSCURRENT to this version from {old}")
            }
            Self::Finished { replaced: None } => f.write_str("labelled this version AWSCURRENT"),
        }
    }
}
