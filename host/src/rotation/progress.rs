//! What is being done right now: read by whoever has to say why there was no more time.

use std::sync::{Mutex, PoisonError};

/// The operation under way, such as ``signing in as `app` at db:5432``.
#[derive(Debug, Default)]
pub struct Progress(Mutex<String>);

impl Progress {
    /// Notes what begins now.
    pub fn note(&self, operation: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = operation.into();
    }

    /// What began last.
    pub fn latest(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
