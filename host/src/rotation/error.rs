//! Everything that can end a step of a rotation, grouped by the part that failed.

use super::mismatch::Mismatch;
use super::password::PasswordProblem;
use super::plan::Refusal;
use super::plugin_choice::ChoiceError;
use super::ports::{
    InventoryError, InventoryErrorKind, ManagedError, ManagedProblem, PluginFault, StoreError,
    StoreErrorKind,
};
use super::secret_problem::SecretProblem;
use super::service_error::ServiceError;
use super::strategy::StrategyProblem;
use crate::error_type::ErrorType;
use crate::report::chain;

/// A step that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The secret's state does not allow the step.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A secret's value can't be used.
    #[error(transparent)]
    Secret(#[from] SecretProblem),
    /// The strategy does not fit.
    #[error(transparent)]
    Strategy(#[from] StrategyProblem),
    /// The settings for passwords make passwords that are easy to guess, or never accepted.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// Two versions or secrets that must belong together do not.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// No plugin serves the secret, or more than one.
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    /// The plugin can't be loaded, or misbehaved.
    #[error(transparent)]
    Plugin(#[from] PluginFault),
    /// The service, or the network to it.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Secrets Manager.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An API that describes databases.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// An admin secret that AWS manages does not lead to its database.
    #[error(transparent)]
    ManagedAdmin(#[from] ManagedProblem),
}

impl From<ManagedError> for Error {
    fn from(error: ManagedError) -> Self {
        match error {
            ManagedError::Problem(problem) => problem.into(),
            ManagedError::Call(error) => error.into(),
        }
    }
}

impl Error {
    /// The stable name of this kind of failure.
    pub fn error_type(&self) -> ErrorType {
        match self {
            Self::Refused(_) => ErrorType::RotationState,
            Self::Secret(_) => ErrorType::SecretValue,
            Self::Strategy(_) => ErrorType::Strategy,
            Self::Password(_) => ErrorType::PasswordSettings,
            Self::Mismatch(_) => ErrorType::Mismatch,
            Self::Choice(_) => ErrorType::Plugin,
            Self::Plugin(fault) => fault.error_type(),
            Self::Service(error) => error.error_type(),
            Self::Store(error) => of_store(error.kind),
            Self::Inventory(error) => match error.kind {
                InventoryErrorKind::NotFound => ErrorType::NotFound,
                InventoryErrorKind::AccessDenied => ErrorType::AccessDenied,
                InventoryErrorKind::Transient => ErrorType::Unavailable,
                InventoryErrorKind::Other => ErrorType::AwsOther,
            },
            Self::ManagedAdmin(_) => ErrorType::AdminSecret,
        }
    }

    /// The error and its causes in one line, separated by colons.
    pub fn report(&self) -> String {
        chain(self)
    }
}

fn of_store(kind: StoreErrorKind) -> ErrorType {
    match kind {
        StoreErrorKind::NotFound => ErrorType::NotFound,
        StoreErrorKind::AlreadyExists => ErrorType::Conflict,
        StoreErrorKind::Invalid => ErrorType::InvalidRequest,
        StoreErrorKind::AccessDenied | StoreErrorKind::AccessDeniedToAnother => {
            ErrorType::AccessDenied
        }
        StoreErrorKind::Key => ErrorType::KmsKey,
        StoreErrorKind::Transient => ErrorType::Unavailable,
        StoreErrorKind::Other => ErrorType::AwsOther,
    }
}
