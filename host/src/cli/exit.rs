//! Exit codes: by who has to act, the same for every subcommand.

use std::fmt;
use std::process::ExitCode;

use super::output::Output;
use crate::error::Error;
use crate::error_type::{Blame, ErrorType};
use crate::rotation;

/// The codes, for `--help`.
pub(super) const HELP: &str = "\
Exit codes:
  0  done
  1  something in Windlass itself failed
  2  the command line is wrong
  3  the secret, the configuration, the plugin file or the labels have to be corrected
  4  the service refused, declined or could not be reached
  5  Secrets Manager refused or could not be reached
  6  the plugin misbehaved
  7  `status` found a stuck rotation, `repair` something to repair that was not confirmed,
     or `adopt` a pair that rotations refuse";

/// A command that did not succeed.
#[derive(Debug)]
pub struct CommandError {
    code: u8,
    error_type: ErrorType,
    /// `None`: the command has printed it already.
    message: Option<String>,
}

impl CommandError {
    /// A fault of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { code: 1, error_type: ErrorType::InternalOther, message: Some(message.into()) }
    }

    /// Something that the caller has to correct.
    pub fn operator(message: impl Into<String>) -> Self {
        Self { code: 3, error_type: ErrorType::Command, message: Some(message.into()) }
    }

    /// A plugin that needs too much.
    pub(super) fn plugin(error_type: ErrorType, message: String) -> Self {
        Self { code: 6, error_type, message: Some(message) }
    }

    /// A rotation that is stuck, which the command has printed already.
    pub(super) fn stuck() -> Self {
        Self { code: 7, error_type: ErrorType::Stuck, message: None }
    }

    /// Something that could not be read from Secrets Manager, which the command has printed already.
    pub(super) fn store_unreadable() -> Self {
        Self { code: 5, error_type: ErrorType::AwsOther, message: None }
    }

    /// The same, for a command that has printed it among its results.
    pub(super) fn already_printed(self) -> Self {
        Self { message: None, ..self }
    }

    /// Prints the error and ends the process, whatever its other threads are doing.
    pub(super) fn exit(&self, output: Output) -> ! {
        self.report(output);
        std::process::exit(self.code.into())
    }

    /// Prints the error and returns its exit code.
    pub(super) fn report(&self, output: Output) -> ExitCode {
        if let Some(message) = &self.message {
            output.failure(self.error_type, message);
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("already reported"))
    }
}

impl<E: Into<Error>> From<E> for CommandError {
    fn from(error: E) -> Self {
        let error = error.into();
        let error_type = error.error_type();
        let code = code(error_type.blame());
        // Permissions and lost secrets are the operator's, but Secrets Manager said so.
        let code =
            if matches!(error, Error::Rotation(rotation::Error::Store(_))) { 5 } else { code };
        Self { code, error_type, message: Some(error.report()) }
    }
}

/// The exit code that says who has to act.
fn code(blame: Blame) -> u8 {
    match blame {
        Blame::Operator => 3,
        Blame::Service => 4,
        Blame::Aws => 5,
        Blame::Plugin => 6,
        Blame::Internal => 1,
    }
}
