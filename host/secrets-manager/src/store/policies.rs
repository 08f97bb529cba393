//! Resource policies: kept and given back. Nobody is refused by one here, because there are no
//! identities.
//!
//! What is checked is their form, and for `BlockPublicPolicy` that no statement lets everybody in
//! without a condition. AWS decides both by reasoning about the policy as a whole; this is less.

use serde_json::Value;

use super::error::{Exception, ServiceError};
use super::limits;

/// Whether a policy that lets everybody in is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicPolicies {
    /// `BlockPublicPolicy`.
    Blocked,
    /// The default.
    Allowed,
}

/// Refuses what is no policy of a secret.
pub(super) fn check(policy: &str, public: PublicPolicies) -> Result<(), ServiceError> {
    limits::policy(policy)?;
    // The parser's words may quote the text.
    let document: Value = serde_json::from_str(policy).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        malformed(&format!("This policy contains invalid Json at line {line}, column {column}"))
    })?;
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => return Err(malformed("The policy has no Statement.")),
    };
    for statement in statements {
        check_statement(statement)?;
        if public == PublicPolicies::Blocked && lets_everybody_in(statement) {
            return Err(ServiceError::new(
                Exception::PublicPolicy,
                "You can't attach this policy because it lets everybody use the secret \
                 (BlockPublicPolicy).",
            ));
        }
    }
    Ok(())
}

fn check_statement(statement: &Value) -> Result<(), ServiceError> {
    let has = |field: &str| statement.get(field).is_some_and(|value| !value.is_null());
    let effect = statement.get("Effect").and_then(Value::as_str);
    if !matches!(effect, Some("Allow" | "Deny")) {
        return Err(malformed("A statement's Effect must be Allow or Deny."));
    }
    for (one, other) in
        [("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")]
    {
        if has(one) == has(other) {
            return Err(malformed(&format!("A statement must have {one} or {other}.")));
        }
    }
    Ok(())
}

fn lets_everybody_in(statement: &Value) -> bool {
    let everybody = |value: &Value| match value {
        Value::String(one) => one == "*",
        Value::Array(several) => several.iter().any(|one| one == "*"),
        _ => false,
    };
    let allows = statement.get("Effect").is_some_and(|effect| effect == "Allow");
    let principal = statement.get("Principal").is_some_and(|principal| match principal {
        Value::Object(kinds) => kinds.get("AWS").is_some_and(everybody),
        other => everybody(other),
    });
    let bound =
        statement.get("Condition").and_then(Value::as_object).is_some_and(|c| !c.is_empty());
    allows && (principal || statement.get("NotPrincipal").is_some()) && !bound
}

fn malformed(message: &str) -> ServiceError {
    ServiceError::new(Exception::MalformedPolicy, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_checked_for_its_form_and_for_everybody() {
        let policy = |principal: &str, rest: &str| {
            format!(
                r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*",
                     "Principal":{principal}{rest}}}}}"#
            )
        };
        let root = r#"{"AWS":"arn:aws:iam::123456789012:root"}"#;
        let bound = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#;
        for (text, expected) in [
            (policy(root, ""), None),
            (policy("\"*\"", bound), None),
            (policy("\"*\"", ""), Some(Exception::PublicPolicy)),
            (policy(r#"{"AWS":["a","*"]}"#, r#","Condition":{}"#), Some(Exception::PublicPolicy)),
            ("{".to_owned(), Some(Exception::MalformedPolicy)),
            ("{}".to_owned(), Some(Exception::MalformedPolicy)),
            (policy("null", ""), Some(Exception::MalformedPolicy)),
            (policy(root, "").replace("Allow", "Maybe"), Some(Exception::MalformedPolicy)),
            (" ".repeat(20_481), Some(Exception::Validation)),
            (String::new(), Some(Exception::Validation)),
        ] {
            let checked = check(&text, PublicPolicies::Blocked);
            assert_eq!(checked.err().map(|error| error.exception), expected, "{text:.200}");
        }
        assert!(check(&policy("\"*\"", ""), PublicPolicies::Allowed).is_ok());
    }
}
