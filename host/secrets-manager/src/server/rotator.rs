//! Who runs a rotation's steps: one call of a rotation function, wherever it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Calls the rotation function with one step's event, and waits until it is done.
pub trait StepInvoker: Send + Sync {
    /// Runs one step. The event is what Secrets Manager sends to a rotation function: `Step`,
    /// `SecretId` (the ARN), `ClientRequestToken`, `RotationToken`.
    ///
    /// A step is called again after it failed, and may be called again after it succeeded.
    fn invoke<'a>(
        &'a self,
        event: serde_json::Value,
    ) -> Pin<Box<dyn Future<Output = Result<(), InvokeError>> + Send + 'a>>;
}

/// A step that did not succeed, in the words of the function that ran it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeError {
    /// What Lambda calls `errorType`: stable, for programs.
    pub error_type: String,
    /// What Lambda calls `errorMessage`.
    pub message: String,
}

impl InvokeError {
    /// A failure of this type.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into() }
    }
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)
    }
}

impl std::error::Error for InvokeError {}
