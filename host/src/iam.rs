//! What to add to a policy, written so that it can be pasted.

/// A statement of an IAM policy that allows these actions on this resource.
pub(crate) fn statement(actions: &[&str], resource: &str) -> String {
    let actions = match actions {
        [one] => format!("\"{one}\""),
        several => format!("[\"{}\"]", several.join("\", \"")),
    };
    format!(r#"{{"Effect": "Allow", "Action": {actions}, "Resource": "{resource}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_json_with_one_action_or_several() {
        for actions in [&["kms:Decrypt"][..], &["kms:Decrypt", "kms:GenerateDataKey"]] {
            let statement: serde_json::Value =
                serde_json::from_str(&statement(actions, "arn:aws:kms:::key/1")).unwrap();
            assert_eq!(statement["Effect"], "Allow");
            assert_eq!(statement["Resource"], "arn:aws:kms:::key/1");
            match &statement["Action"] {
                serde_json::Value::Array(several) => assert_eq!(several.len(), actions.len()),
                one => assert_eq!(*one, actions[0]),
            }
        }
    }
}
