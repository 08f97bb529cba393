//! Questions about databases that were not answered, with what usually helps.

use super::action::Action;
use crate::iam::statement;

/// What kind of answer a failed call got: all that a rotation decides from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InventoryErrorKind {
    /// This account and region have no such database.
    NotFound,
    /// The function's role lacks a permission.
    AccessDenied,
    /// Throttling, a 5xx or no answer: the same call may work later.
    Transient,
    /// Anything else, such as credentials that don't resolve.
    Other,
}

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{action} of `{resource}`: {}{}", .message.trim_end_matches('.'), advice(*.kind, *.action, .resource))]
pub struct InventoryError {
    /// What the rotation may act on.
    pub kind: InventoryErrorKind,
    /// What was asked.
    pub action: Action,
    /// The identifier or ARN that was asked for.
    pub resource: String,
    /// The service's code and message.
    pub message: String,
}

impl InventoryError {
    /// The same error, saying why the call was made.
    #[must_use]
    pub(crate) fn because(mut self, reason: &str) -> Self {
        self.message = format!("{}; {reason}", self.message.trim_end_matches('.'));
        self
    }
}

/// What usually helps.
fn advice(kind: InventoryErrorKind, action: Action, resource: &str) -> String {
    match kind {
        InventoryErrorKind::NotFound => {
            "; check that it exists in the region and account of whoever runs this".to_owned()
        }
        InventoryErrorKind::AccessDenied => {
            let (actions, resource) = action.permissions(resource);
            format!("; add to the policy of the function's role: {}", statement(actions, &resource))
        }
        InventoryErrorKind::Transient | InventoryErrorKind::Other => String::new(),
    }
}
