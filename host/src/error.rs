//! The errors of all parts in one type, known by the handler, the command line and the programs alone.
//!
//! [`Error::error_type`] is what Lambda reports and what alarms match on: it stays the same when
//! wording changes. The message is for people: what failed, then what to do. Neither ever holds a
//! secret value.

use crate::config::ConfigError;
use crate::error_type::ErrorType;
use crate::report::chain;
use crate::rotation::{self, EventError};
use crate::sandbox::PluginError;

/// What can end a step or a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event is not one of Secrets Manager's.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The environment or `windlass.toml` is not valid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The installed plugins can't be used.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The rotation failed.
    #[error(transparent)]
    Rotation(rotation::Error),
    /// The time that Lambda or the command line gave ran out.
    #[error(
        "the time ran out while {during}; it is safe to repeat the step; raise the function's timeout or \
         the command's --timeout, or find out why this takes so long"
    )]
    OutOfTime {
        /// What was being done.
        during: String,
    },
}

impl<E: Into<rotation::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Rotation(error.into())
    }
}

impl Error {
    /// The stable name of this kind of failure.
    pub fn error_type(&self) -> ErrorType {
        match self {
            Self::Event(_) => ErrorType::Event,
            Self::Config(_) => ErrorType::Configuration,
            Self::Plugin(error) => error.error_type(),
            Self::Rotation(error) => error.error_type(),
            Self::OutOfTime { .. } => ErrorType::OutOfTime,
        }
    }

    /// The error and its causes in one line, separated by colons.
    pub fn report(&self) -> String {
        chain(self)
    }
}
