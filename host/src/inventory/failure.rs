//! Calls that failed, with what helps.

use super::action::Action;
use crate::iam::statement;
use crate::rotation::ports::{InventoryError, InventoryErrorKind};

/// The error of a call about this identifier or ARN.
pub(crate) fn failed_call(
    kind: InventoryErrorKind,
    action: Action,
    resource: &str,
    message: String,
) -> InventoryError {
    let (action_name, resource_name) = (action.name(), resource.to_owned());
    let remedy = remedy(kind, action, resource);
    InventoryError { kind, action: action_name, resource: resource_name, message, remedy }
}

fn remedy(kind: InventoryErrorKind, action: Action, resource: &str) -> String {
    match kind {
        InventoryErrorKind::NotFound => {
            "; check that it exists in the region and account of the function or command".to_owned()
        }
        InventoryErrorKind::AccessDenied => {
            let (actions, resource) = action.permissions(resource);
            format!("; add to the policy of the function's role: {}", statement(actions, &resource))
        }
        InventoryErrorKind::Transient | InventoryErrorKind::Other => String::new(),
    }
}
