//! What to add to a policy, written so that it can be pasted, and allows no more than the rotation
//! needs.

use std::sync::{Mutex, PoisonError};

/// The ARN that this function was invoked by, where it is one: what Secrets Manager has as the rotation
/// function of the secrets that it rotates.
static FUNCTION: Mutex<Option<String>> = Mutex::new(None);

/// From now on statements are for the role of this function.
pub(crate) fn runs_as(function: &str) {
    let arn = Some(function.to_owned()).filter(|arn| arn.starts_with("arn:"));
    *FUNCTION.lock().unwrap_or_else(PoisonError::into_inner) = arn;
}

/// The function that statements are for, where this process is one.
pub(crate) fn function() -> Option<String> {
    FUNCTION.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The partition of AWS that this process works in: what ARNs begin with after `arn:`.
pub(crate) fn partition() -> String {
    let region = || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|n| std::env::var(n).ok());
    match function().as_deref().and_then(|arn| arn.split(':').nth(1)) {
        Some(partition) => partition.to_owned(),
        None => partition_of(&region().unwrap_or_default()).to_owned(),
    }
}

/// By the beginnings of the regions' names, as the AWS SDKs know them.
fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    let found = PARTITIONS.into_iter().find(|(beginning, _)| region.starts_with(beginning));
    found.map_or("aws", |(_, partition)| partition)
}

/// A text in which nothing stands for anything else: a secret may name another one (`masterarn`), and
/// whoever wrote it is not to have the operator allow more than that one.
pub(crate) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' | '?' | '$' => literal.extend(["${", character.encode_utf8(&mut [0; 4]), "}"]),
            other => literal.push(other),
        }
    }
    literal
}

/// A statement of an IAM policy that allows these actions on this resource.
pub(crate) fn statement(actions: &[&str], resource: &str) -> String {
    format!("{{{}}}", allowing(actions, resource))
}

/// The same, where `key` of the request is this, or is like it if it holds `*` or `?`.
pub(crate) fn statement_if(actions: &[&str], resource: &str, key: &str, value: &str) -> String {
    let operator = if value.contains(['*', '?']) { "StringLike" } else { "StringEquals" };
    let (allowing, value) = (allowing(actions, resource), serde_json::Value::from(value));
    format!(r#"{{{allowing}, "Condition": {{"{operator}": {{"{key}": {value}}}}}}}"#)
}

fn allowing(actions: &[&str], resource: &str) -> String {
    let actions = match actions {
        [one] => format!("\"{one}\""),
        several => format!("[\"{}\"]", several.join("\", \"")),
    };
    // A secret's own text may name it (`masterarn`), and must not become more than a resource.
    let resource = serde_json::Value::from(resource);
    format!(r#""Effect": "Allow", "Action": {actions}, "Resource": {resource}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that would be another statement if it were just pasted.
    const RESOURCE: &str = r#"arn:aws:kms:::key/1", "Resource": "*"#;

    #[test]
    fn a_statement_is_json_with_one_action_or_several() {
        for actions in [&["kms:Decrypt"][..], &["kms:Decrypt", "kms:GenerateDataKey"]] {
            let statement: serde_json::Value =
                serde_json::from_str(&statement(actions, RESOURCE)).unwrap();
            assert_eq!(statement["Effect"], "Allow");
            assert_eq!(statement["Resource"], RESOURCE);
            assert_eq!(statement.get("Condition"), None);
            match &statement["Action"] {
                serde_json::Value::Array(several) => assert_eq!(several.len(), actions.len()),
                one => assert_eq!(*one, actions[0]),
            }
        }
    }

    #[test]
    fn a_condition_is_a_literal_or_a_pattern_and_nothing_gets_out_of_it() {
        for (value, operator) in [
            ("arn:aws:secretsmanager:eu-west-1:1:secret:app-AbCdEf", "StringEquals"),
            ("arn:aws:secretsmanager:*:*:secret:app-??????", "StringLike"),
            (r#"a"}}, "Resource": "b"#, "StringEquals"),
        ] {
            let text =
                statement_if(&["kms:Decrypt"], "key", "kms:EncryptionContext:SecretARN", value);
            let statement: serde_json::Value = serde_json::from_str(&text).unwrap();
            let condition = &statement["Condition"][operator]["kms:EncryptionContext:SecretARN"];
            assert_eq!(
                (condition, &statement["Resource"]),
                (&value.into(), &"key".into()),
                "{text}"
            );
        }
    }

    #[test]
    fn the_partition_is_that_of_the_region() {
        for (region, expected) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
            ("", "aws"),
        ] {
            assert_eq!(partition_of(region), expected, "{region}");
        }
    }
}
