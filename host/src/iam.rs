//! What to add to a policy, written so that it can be pasted.

/// A statement of an IAM policy that allows these actions on this resource.
pub(crate) fn statement(actions: &[&str], resource: &str) -> String {
    let actions = match actions {
        [one] => format!("\"{one}\""),
        several => format!("[\"{}\"]", several.join("\", \"")),
    };
    // A secret's own text may name it (`masterarn`), and must not become more than a resource.
    let resource = serde_json::Value::from(resource);
    format!(r#"{{"Effect": "Allow", "Action": {actions}, "Resource": {resource}}}"#)
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
            match &statement["Action"] {
                serde_json::Value::Array(several) => assert_eq!(several.len(), actions.len()),
                one => assert_eq!(*one, actions[0]),
            }
        }
    }
}
