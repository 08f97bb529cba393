//! A CloudFormation template, in JSON: the role with its two policies, the function's permission, and
//! managed policies for people.

use serde_json::{Value, json};

use super::document_of;
use crate::policy::arn::FunctionArn;
use crate::policy::document::{Document, Kind};
use crate::policy::needed::SECRETS_MANAGER;

/// The template. `boundary` is the permissions boundary of the role.
pub fn cloudformation(
    function: &FunctionArn,
    documents: &[Document],
    boundary: Option<&str>,
) -> Value {
    let mut role = json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": function.name,
            "Description": format!("Runs the rotation function {}", function.name),
            "AssumeRolePolicyDocument": document_of(documents, Kind::Trust),
        },
    });
    if let (Some(boundary), Some(properties)) = (boundary, role.get_mut("Properties")) {
        properties["PermissionsBoundary"] = Value::from(boundary);
    }
    let managed = |name: &str, kind: Kind| {
        json!({
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": format!("{}-{name}", function.name),
                "Description": kind.title(),
                "PolicyDocument": document_of(documents, kind),
            },
        })
    };
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("Permissions of the rotation function {}", function.name),
        "Resources": {
            "RotationRole": role,
            "RotationPermissions": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "PolicyName": "rotate",
                    "Roles": [{ "Ref": "RotationRole" }],
                    "PolicyDocument": document_of(documents, Kind::Permissions),
                },
            },
            // Adds the statement to the function's resource policy.
            "RotationPermission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": function.to_string(),
                    "Action": "lambda:InvokeFunction",
                    "Principal": SECRETS_MANAGER,
                    "SourceAccount": function.account,
                },
            },
            "ConfigureRotation": managed("configure", Kind::Configure),
            "TriggerRotation": managed("trigger", Kind::Trigger),
        },
        "Outputs": { "RoleArn": { "Value": { "Fn::GetAtt": ["RotationRole", "Arn"] } } },
    })
}
