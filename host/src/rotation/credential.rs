//! Which credential an attempt signs in with: what it is called in messages, and what may be concluded
//! from its answer.

use std::fmt;

use super::ports::{Stage, VersionId};

/// A credential of the secret, or of the admin secret that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// That of `AWSCURRENT`.
    Current,
    /// That of `AWSPENDING`.
    Pending,
    /// That of `AWSPREVIOUS`.
    Previous,
    /// That of `AWSPREVIOUS`, which is for the other account of a pair.
    PreviousOf {
        /// The account.
        username: String,
    },
    /// That of a version without a label.
    Unlabelled(VersionId),
    /// The administrator's.
    Admin,
    /// The administrator's, over TLS: the secret requires it although its admin secret has
    /// `"ssl": false`.
    AdminOverTls,
}

impl Credential {
    /// Whether it is of a version with a label that a rotation reads anyway, so that it is found again.
    pub(super) fn is_labelled(&self) -> bool {
        matches!(self, Self::Current | Self::Pending | Self::Previous | Self::PreviousOf { .. })
    }

    /// The version or secret alone, for lists.
    pub(super) fn label(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| match self {
            Self::Current => f.write_str(Stage::Current.as_str()),
            Self::Pending => f.write_str(Stage::Pending.as_str()),
            Self::Previous => f.write_str(Stage::Previous.as_str()),
            Self::PreviousOf { username } => write!(f, "{} of `{username}`", Stage::Previous),
            Self::Unlabelled(version) => write!(f, "unlabelled version {version}"),
            Self::Admin | Self::AdminOverTls => f.write_str("admin secret"),
        })
    }
}

/// The password, in a sentence.
impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("the admin secret's password"),
            Self::AdminOverTls => f.write_str(
                "the admin secret's password (over TLS, which the secret requires although its admin \
                 secret has \"ssl\": false)",
            ),
            own => write!(f, "the {} password", own.label()),
        }
    }
}
