//! Actions on resource policies.

use serde_json::{Value, json};

use super::super::fields::Fields;
use super::super::rejection::Rejection;
use super::{Context, render};
use crate::{Exception, PublicPolicies};

pub(super) fn get(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let found = context.store.resource_policy(&fields.required_text("SecretId")?)?;
    Ok(render::touched(found.touched).maybe("ResourcePolicy", found.policy).done())
}

pub(super) fn put(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let id = fields.required_text("SecretId")?;
    let policy = fields.required_text("ResourcePolicy")?;
    let public = match fields.flag("BlockPublicPolicy")? {
        true => PublicPolicies::Blocked,
        false => PublicPolicies::Allowed,
    };
    Ok(render::touched(context.store.put_resource_policy(&id, &policy, public)?).done())
}

pub(super) fn delete(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let deleted = context.store.delete_resource_policy(&fields.required_text("SecretId")?)?;
    Ok(render::touched(deleted).done())
}

/// What is found wrong is the answer, not an error; a text that is no policy is one.
pub(super) fn validate(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    if let Some(id) = fields.text("SecretId")? {
        context.store.describe_secret(&id)?;
    }
    let policy = fields.required_text("ResourcePolicy")?;
    match context.store.validate_resource_policy(&policy) {
        Ok(()) => Ok(json!({ "PolicyValidationPassed": true, "ValidationErrors": [] })),
        Err(error) if error.exception == Exception::PublicPolicy => {
            let found = json!([{ "CheckName": "PUBLIC_POLICY", "ErrorMessage": error.message }]);
            Ok(json!({ "PolicyValidationPassed": false, "ValidationErrors": found }))
        }
        Err(error) => Err(error.into()),
    }
}
