//! Calls of Amazon RDS that did not succeed, with what usually helps.

use crate::iam::statement;

/// What kind of answer a failed call got: all that a rotation decides from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RdsErrorKind {
    /// This account and region have no such database.
    NotFound,
    /// The function's role lacks a permission.
    AccessDenied,
    /// Throttling, a 5xx or no answer: the same call may work later.
    Transient,
    /// Anything else, such as credentials that don't resolve.
    Other,
}

/// A call to Amazon RDS that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{action} of `{resource}`: {}{}", .message.trim_end_matches('.'), advice(*.kind, .action, .resource))]
pub struct RdsError {
    /// What the rotation may act on.
    pub kind: RdsErrorKind,
    /// The API action, such as `DescribeDBInstances`.
    pub action: &'static str,
    /// The identifier or ARN that was asked for.
    pub resource: String,
    /// The service's code and message.
    pub message: String,
}

impl RdsError {
    /// The same error, saying why the call was made.
    #[must_use]
    pub(crate) fn because(mut self, reason: &str) -> Self {
        self.message = format!("{}; {reason}", self.message.trim_end_matches('.'));
        self
    }
}

/// What usually helps.
fn advice(kind: RdsErrorKind, action: &str, resource: &str) -> String {
    match kind {
        RdsErrorKind::NotFound => {
            "; check that it exists in the region and account of whoever runs this".to_owned()
        }
        RdsErrorKind::AccessDenied => {
            let database = if action == "DescribeDBClusters" { "cluster" } else { "db" };
            let arn = match resource.starts_with("arn:") {
                true => resource.to_owned(),
                false => format!("arn:aws:rds:*:*:{database}:{resource}"),
            };
            format!(
                "; add to the policy of the function's role: {}",
                statement(&[&format!("rds:{action}")], &arn)
            )
        }
        RdsErrorKind::Transient | RdsErrorKind::Other => String::new(),
    }
}
