//! Calls of Secrets Manager that did not succeed, with what usually helps.

use crate::iam::{self, function, statement, statement_if};

/// What kind of answer a failed call got: all that a rotation decides from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// `ResourceNotFoundException`: no such secret or version, or the version has no value.
    NotFound,
    /// `ResourceExistsException`: that version has another value.
    AlreadyExists,
    /// `InvalidParameterException`, `InvalidRequestException`: the request does not fit the
    /// secret's state, or the secret is scheduled for deletion.
    Invalid,
    /// `AccessDeniedException`: the function's role lacks a permission.
    AccessDenied,
    /// The same, of another secret than the one that is rotated: its administrator's.
    AccessDeniedToAnother,
    /// `DecryptionFailure`, `EncryptionFailure`, and what else says so: the KMS key can't be used.
    Key,
    /// Throttling, a 5xx or no answer: the same call may work later.
    Transient,
    /// Anything else, such as credentials that don't resolve.
    Other,
}

impl StoreErrorKind {
    /// This kind, or [`Key`](Self::Key) where the service's message is about the KMS key: Secrets
    /// Manager passes on what KMS refused under exceptions of its own.
    pub(crate) fn unless_of_key(self, message: &str) -> Self {
        let of_key = ["Access to KMS", "KMS key"].iter().any(|words| message.contains(words));
        match self {
            Self::AccessDenied | Self::Invalid if of_key => Self::Key,
            kind => kind,
        }
    }
}

/// A call to the secret store that did not succeed. Never holds a secret value.
#[derive(Debug, thiserror::Error)]
#[error("{action}{}: {}{}", of(.resource), .message.trim_end_matches('.'), advice(*.kind, .action, .resource))]
pub struct StoreError {
    /// What the rotation may act on.
    pub kind: StoreErrorKind,
    /// The API action, such as `GetSecretValue`.
    pub action: &'static str,
    /// The secret's name or ARN as it was asked for; empty for `GetRandomPassword`.
    pub resource: String,
    /// The service's code and message.
    pub message: String,
    /// The SDK's own error, for the log.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// The same error of a secret that is not the rotated one, saying why the call was made.
    #[must_use]
    pub(crate) fn because(mut self, reason: &str) -> Self {
        self.message = format!("{}; {reason}", self.message.trim_end_matches('.'));
        if self.kind == StoreErrorKind::AccessDenied {
            self.kind = StoreErrorKind::AccessDeniedToAnother;
        }
        self
    }
}

fn of(resource: &str) -> String {
    if resource.is_empty() { String::new() } else { format!(" of `{resource}`") }
}

/// What usually helps.
fn advice(kind: StoreErrorKind, action: &str, resource: &str) -> String {
    match kind {
        StoreErrorKind::NotFound => {
            "; check that it exists in this region and account, and has a value".to_owned()
        }
        StoreErrorKind::AccessDenied | StoreErrorKind::AccessDeniedToAnother => format!(
            "; add to the policy of the function's role: {}",
            permission(kind, action, resource, function().as_deref())
        ),
        // Whoever writes a version needs a data key; whoever reads one, to decrypt it.
        StoreErrorKind::Key => {
            let actions: &[&str] = match action {
                "PutSecretValue" => &["kms:Decrypt", "kms:GenerateDataKey"],
                _ => &["kms:Decrypt"],
            };
            format!(
                "; the secret's KMS key must be enabled and not about to be deleted, and its key policy \
                 must let the function's role use it; add to the role's policy: {}",
                statement_if(actions, "the key's ARN", ENCRYPTED_FOR, &iam_resource(resource))
            )
        }
        StoreErrorKind::AlreadyExists
        | StoreErrorKind::Invalid
        | StoreErrorKind::Transient
        | StoreErrorKind::Other => String::new(),
    }
}

/// What Secrets Manager has as the rotation function of the secret that is asked for.
const ROTATED_BY: &str = "secretsmanager:resource/AllowRotationLambdaArn";

/// The secret that KMS is asked for, as Secrets Manager tells it.
const ENCRYPTED_FOR: &str = "kms:EncryptionContext:SecretARN";

/// The statement that allows a call, and nothing that the function is not for: the condition is that of
/// the policies of AWS's own functions. An administrator's secret may be rotated by another function or
/// by none, and whoever runs a command is no function.
fn permission(
    kind: StoreErrorKind,
    action: &str,
    resource: &str,
    function: Option<&str>,
) -> String {
    let (of, action) = (iam_resource(resource), format!("secretsmanager:{action}"));
    let rotated = kind == StoreErrorKind::AccessDenied && !resource.is_empty();
    match function.filter(|_| rotated) {
        Some(function) => statement_if(&[&action], &of, ROTATED_BY, function),
        None => statement(&[&action], &of),
    }
}

/// What a policy calls a secret that was asked for by ARN or by name.
fn iam_resource(resource: &str) -> String {
    let literal = iam::literal(resource);
    match resource {
        "" => "*".to_owned(),
        arn if arn.starts_with("arn:") => literal,
        // Secrets Manager appends six characters of its own to every name.
        _ => format!("arn:{}:secretsmanager:*:*:secret:{literal}-??????", iam::partition()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "arn:aws-cn:secretsmanager:cn-north-1:1:secret:app-AbCdEf";
    const FUNCTION: &str = "arn:aws-cn:lambda:cn-north-1:1:function:windlass";

    #[test]
    fn a_permission_for_a_function_is_for_the_secrets_that_it_rotates() {
        use StoreErrorKind::{AccessDenied, AccessDeniedToAnother};
        let condition =
            format!(r#", "Condition": {{"StringEquals": {{"{ROTATED_BY}": "{FUNCTION}"}}}}"#);
        for (kind, resource, function, expected) in [
            (AccessDenied, SECRET, Some(FUNCTION), condition.as_str()),
            (AccessDenied, SECRET, None, ""),
            (AccessDeniedToAnother, SECRET, Some(FUNCTION), ""),
            // GetRandomPassword, of which nobody is the resource.
            (AccessDenied, "", Some(FUNCTION), ""),
        ] {
            let found = permission(kind, "GetSecretValue", resource, function);
            let resource = iam_resource(resource);
            assert_eq!(
                found,
                format!(
                    r#"{{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "{resource}"{expected}}}"#
                )
            );
        }
    }

    #[test]
    fn an_error_of_another_secret_is_known_as_one() {
        let error = StoreError {
            kind: StoreErrorKind::AccessDenied,
            action: "GetSecretValue",
            resource: "admin".to_owned(),
            message: "AccessDeniedException: no".to_owned(),
            source: None,
        };
        let error = error.because("`masterarn` of `app` names it");
        assert_eq!(error.kind, StoreErrorKind::AccessDeniedToAnother);
        let message = error.to_string();
        assert!(
            message.contains("secret:admin-??????\"}") && !message.contains(ROTATED_BY),
            "{message}"
        );
    }

    #[test]
    fn a_key_is_used_for_one_secret_alone() {
        for (resource, expected) in [
            (SECRET, format!(r#"{{"StringEquals": {{"{ENCRYPTED_FOR}": "{SECRET}"}}}}"#)),
            (
                "app",
                format!(
                    r#"{{"StringLike": {{"{ENCRYPTED_FOR}": "arn:{}:secretsmanager:*:*:secret:app-??????"}}}}"#,
                    iam::partition()
                ),
            ),
        ] {
            let message = advice(StoreErrorKind::Key, "GetSecretValue", resource);
            assert!(message.contains(&expected), "{message}");
        }
    }

    #[test]
    fn a_name_that_a_secret_chose_allows_nothing_but_itself() {
        assert!(iam_resource("*").ends_with(":secret:${*}-??????"));
        assert_eq!(iam_resource("arn:aws:x:*:?:$"), "arn:aws:x:${*}:${?}:${$}");
    }
}
