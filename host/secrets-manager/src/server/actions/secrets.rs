//! Actions on whole secrets.

use serde_json::{Value, json};

use super::super::fields::Fields;
use super::super::rejection::Rejection;
use super::{Context, render};
use crate::{CreateSecret, Deletion, UpdateSecret};

/// A secret held by another company's service.
const EXTERNAL: &[&str] = &["Type"];

pub(super) fn create(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    fields.refuse(EXTERNAL)?;
    let request = CreateSecret {
        name: fields.required_text("Name")?,
        token: fields.text("ClientRequestToken")?,
        description: fields.text("Description")?,
        kms_key_id: fields.text("KmsKeyId")?,
        tags: fields.tags()?,
        value: fields.value()?,
        replicas: fields.regions("AddReplicaRegions")?,
    };
    Ok(render::touched(context.store.create_secret(request)?).done())
}

pub(super) fn update(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    fields.refuse(EXTERNAL)?;
    let request = UpdateSecret {
        secret_id: fields.required_text("SecretId")?,
        token: fields.text("ClientRequestToken")?,
        description: fields.text("Description")?,
        kms_key_id: fields.text("KmsKeyId")?,
        value: fields.value()?,
    };
    Ok(render::touched(context.store.update_secret(request)?).done())
}

pub(super) fn describe(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let secret = context.store.describe_secret(&fields.required_text("SecretId")?)?;
    Ok(render::description(secret, "VersionIdsToStages"))
}

pub(super) fn delete(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let id = fields.required_text("SecretId")?;
    let days = fields.integer("RecoveryWindowInDays")?;
    let deletion = match (fields.flag("ForceDeleteWithoutRecovery")?, days) {
        (true, Some(_)) => {
            return Err(Rejection::parameter(
                "You can't use ForceDeleteWithoutRecovery in conjunction with \
                 RecoveryWindowInDays.",
            ));
        }
        (true, None) => Deletion::AtOnce,
        (false, days) => Deletion::AfterDays(days),
    };
    let deleted = context.store.delete_secret(&id, deletion)?;
    Ok(json!({
        "ARN": deleted.arn,
        "Name": deleted.name,
        "DeletionDate": deleted.date.as_epoch_seconds(),
    }))
}

pub(super) fn restore(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let restored = context.store.restore_secret(&fields.required_text("SecretId")?)?;
    Ok(render::touched(restored).done())
}

pub(super) fn tag(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let id = fields.required_text("SecretId")?;
    let tags = fields.tags()?.ok_or_else(|| Rejection::missing("Tags"))?;
    context.store.tag(&id, tags)?;
    Ok(json!({}))
}

pub(super) fn untag(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let id = fields.required_text("SecretId")?;
    let keys = fields.texts("TagKeys")?.ok_or_else(|| Rejection::missing("TagKeys"))?;
    context.store.untag(&id, &keys)?;
    Ok(json!({}))
}
