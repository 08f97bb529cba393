//! Terraform's language: the same resources as in CloudFormation.

use std::fmt::Write as _;

use serde_json::Value;

use super::document_of;
use crate::policy::arn::FunctionArn;
use crate::policy::document::{Document, Kind};

/// A file of resources. `boundary` is the permissions boundary of the role.
pub fn terraform(function: &FunctionArn, documents: &[Document], boundary: Option<&str>) -> String {
    let policy = |kind: Kind| expression(&document_of(documents, kind), 1);
    let name = text(&function.name);
    let boundary =
        boundary.map(|arn| format!("  permissions_boundary = {}\n", text(arn))).unwrap_or_default();
    let mut all = format!(
        "resource \"aws_iam_role\" \"rotation\" {{\n  name               = {name}\n{boundary}  \
         assume_role_policy = jsonencode({})\n}}\n",
        policy(Kind::Trust)
    );
    let _ = write!(
        all,
        "\nresource \"aws_iam_role_policy\" \"rotation\" {{\n  name   = \"rotate\"\n  role   = \
         aws_iam_role.rotation.id\n  policy = jsonencode({})\n}}\n",
        policy(Kind::Permissions)
    );
    let _ = write!(
        all,
        "\nresource \"aws_lambda_permission\" \"rotation\" {{\n  statement_id   = \
         \"SecretsManagerInvokes\"\n  action         = \"lambda:InvokeFunction\"\n  function_name  = {}\n  \
         principal      = \"secretsmanager.amazonaws.com\"\n  source_account = {}\n}}\n",
        text(&function.to_string()),
        text(&function.account)
    );
    for kind in [Kind::Configure, Kind::Trigger] {
        let _ = write!(
            all,
            "\nresource \"aws_iam_policy\" \"{}_rotation\" {{\n  name        = {}\n  description = {}\n  \
             policy      = jsonencode({})\n}}\n",
            kind.name(),
            text(&format!("{}-{}", function.name, kind.name())),
            text(kind.title()),
            policy(kind)
        );
    }
    all
}

/// A value as an expression, inside of `depth` blocks.
fn expression(value: &Value, depth: usize) -> String {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Value::String(own) => text(own),
        Value::Array(all) => {
            let items = all.iter().map(|item| expression(item, depth + 1));
            let items: String = items.map(|item| format!("{inner}{item},\n")).collect();
            format!("[\n{items}{outer}]")
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| {
                format!("{inner}{} = {}\n", text(key), expression(value, depth + 1))
            });
            format!("{{\n{}{outer}}}", fields.collect::<String>())
        }
        other => other.to_string(),
    }
}

/// A text in quotes, in which nothing is a template.
fn text(own: &str) -> String {
    let quoted = Value::from(own).to_string();
    quoted.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_template() {
        assert_eq!(text("a${*}b%{if}\"c"), r#""a$${*}b%%{if}\"c""#);
    }
}
