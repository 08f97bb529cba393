//! Everything that can end a step, grouped by who has to act.
//!
//! [`Error::error_type`] is what Lambda reports and what alarms match on: it stays the same when
//! wording changes. The message is for people: what failed, then what to do. Neither ever holds a
//! secret value.

mod service;

pub use service::ServiceError;

use crate::config::ConfigError;
use crate::inventory::{InventoryError, InventoryErrorKind};
use crate::report::chain;
use crate::rotation::ports::{StoreError, StoreErrorKind};
use crate::rotation::{
    EventError, ManagedProblem, Mismatch, PasswordProblem, Refusal, SecretProblem, StrategyProblem,
};
use crate::sandbox::PluginError;

/// A step that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event is not one of Secrets Manager's.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The environment is not right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The secret's state does not allow the step.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A secret's value can't be used.
    #[error(transparent)]
    Secret(#[from] SecretProblem),
    /// The strategy does not fit.
    #[error(transparent)]
    Strategy(#[from] StrategyProblem),
    /// Passwords as they are configured would be guessed.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// Two versions or secrets that must belong together do not.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// No plugin, the wrong one, or one that misbehaved.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The service, or the way to it.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Secrets Manager.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Amazon RDS or Amazon Redshift, asked about a database.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// An admin secret that AWS manages does not lead to its database.
    #[error(transparent)]
    ManagedAdmin(#[from] ManagedProblem),
    /// The time that Lambda or the command line gave ran out.
    #[error(
        "out of time while {during}; nothing that was left unfinished stands in the way of the next \
         attempt; give the function a longer timeout, or the command a longer --timeout, or see why \
         this takes so long"
    )]
    OutOfTime {
        /// What was being done.
        during: String,
    },
}

impl Error {
    /// The stable name of this kind of failure.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Event(_) => "Windlass.Operator.Event",
            Self::Config(_) => "Windlass.Operator.Configuration",
            Self::Refused(_) => "Windlass.Operator.RotationState",
            Self::Secret(_) => "Windlass.Operator.SecretValue",
            Self::Strategy(_) => "Windlass.Operator.Strategy",
            Self::Password(_) => "Windlass.Operator.PasswordSettings",
            Self::Mismatch(_) => "Windlass.Operator.Mismatch",
            Self::Plugin(error) => error.error_type(),
            Self::Service(error) => error.error_type(),
            Self::Store(error) => match error.kind {
                StoreErrorKind::NotFound => "Windlass.Operator.NotFound",
                StoreErrorKind::AlreadyExists => "Windlass.Aws.Conflict",
                StoreErrorKind::Invalid => "Windlass.Aws.InvalidRequest",
                StoreErrorKind::AccessDenied | StoreErrorKind::AccessDeniedToAnother => {
                    "Windlass.Operator.AccessDenied"
                }
                StoreErrorKind::Key => "Windlass.Operator.KmsKey",
                StoreErrorKind::Transient => "Windlass.Aws.Unavailable",
                StoreErrorKind::Other => "Windlass.Aws.Other",
            },
            Self::Inventory(error) => match error.kind {
                InventoryErrorKind::NotFound => "Windlass.Operator.NotFound",
                InventoryErrorKind::AccessDenied => "Windlass.Operator.AccessDenied",
                InventoryErrorKind::Transient => "Windlass.Aws.Unavailable",
                InventoryErrorKind::Other => "Windlass.Aws.Other",
            },
            Self::ManagedAdmin(_) => "Windlass.Operator.AdminSecret",
            Self::OutOfTime { .. } => "Windlass.Operator.OutOfTime",
        }
    }

    /// The whole chain in one line, causes behind colons, each said once.
    pub fn report(&self) -> String {
        chain(self)
    }
}
