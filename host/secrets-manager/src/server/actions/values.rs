//! Actions on versions and their values.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::super::fields::Fields;
use super::super::rejection::Rejection;
use super::{Context, lists, render};
use crate::{
    BatchGet, BatchSelection, PutSecretValue, RandomPassword, Spaces, UpdateVersionStage,
    VersionSelector,
};

/// Whose secrets are rotated as by an assumed role; any value.
const ROTATION_ROLE_TAG: &str = "windlass-local:rotation-role";

/// What GetRandomPassword makes if no length is given.
const PASSWORD_LENGTH: u32 = 32;

pub(super) fn get(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let id = fields.required_text("SecretId")?;
    let selector = match (fields.text("VersionId")?, fields.text("VersionStage")?) {
        (Some(version), Some(stage)) => VersionSelector::Both(version, stage),
        (Some(version), None) => VersionSelector::Version(version),
        (None, Some(stage)) => VersionSelector::Stage(stage),
        (None, None) => VersionSelector::Stage("AWSCURRENT".to_owned()),
    };
    Ok(render::value(&context.store.secret_value(&id, &selector)?))
}

pub(super) fn batch_get(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let filters = lists::filters(&mut fields)?;
    let selection = match (fields.texts("SecretIdList")?, filters) {
        (Some(ids), None) => BatchSelection::Ids(ids),
        (None, Some(filters)) => BatchSelection::Filters(filters),
        _ => {
            return Err(Rejection::parameter(
                "You must include Filters or SecretIdList, but not both.",
            ));
        }
    };
    let request = BatchGet { selection, page: lists::page(&mut fields)? };
    let found = context.store.batch_get(&request)?;
    let errors = found.errors.into_iter().map(|refusal| {
        json!({
            "SecretId": refusal.secret_id,
            "ErrorCode": refusal.exception.as_str(),
            "Message": refusal.message,
        })
    });
    let values: Vec<Value> = found.values.iter().map(render::value).collect();
    Ok(render::Answer::default()
        .with("SecretValues", values)
        .with("Errors", errors.collect::<Vec<_>>())
        .maybe("NextToken", found.next_token)
        .done())
}

pub(super) fn put(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let secret_id = fields.required_text("SecretId")?;
    let value = fields.value()?.ok_or_else(|| {
        Rejection::request("You must provide either SecretString or SecretBinary.")
    })?;
    let request = PutSecretValue {
        secret_id,
        value,
        token: fields.text("ClientRequestToken")?,
        stages: fields.texts("VersionStages")?,
        rotation_token: fields.secret("RotationToken")?,
    };
    check_rotation_token(context, &request)?;
    let put = context.store.put_secret_value(request)?;
    let stages = Some(put.stages).filter(|stages| !stages.is_empty());
    Ok(render::touched(put.touched).maybe("VersionStages", stages).done())
}

/// Refuses what a role assumed for the rotation could not do: the token of the event is what lets
/// it store the value.
fn check_rotation_token(context: &Context, request: &PutSecretValue) -> Result<(), Rejection> {
    let secret = context.store.describe_secret(&request.secret_id)?;
    let by_role = secret.tags.iter().flatten().any(|tag| tag.key == ROTATION_ROLE_TAG);
    let token = request.rotation_token.as_ref();
    if by_role && !context.scheduler.sent_rotation_token(&secret.arn, token) {
        return Err(Rejection::denied(format!(
            "User is not authorized to perform: secretsmanager:PutSecretValue on resource: {} \
             without the RotationToken of the rotation's event",
            secret.arn
        )));
    }
    Ok(())
}

pub(super) fn update_stage(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let request = UpdateVersionStage {
        secret_id: fields.required_text("SecretId")?,
        stage: fields.required_text("VersionStage")?,
        remove_from: fields.text("RemoveFromVersionId")?,
        move_to: fields.text("MoveToVersionId")?,
    };
    Ok(render::touched(context.store.update_version_stage(&request)?).done())
}

pub(super) fn random_password(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let length = match fields.integer("PasswordLength")? {
        None => PASSWORD_LENGTH,
        // The store refuses both ends; here the number only has to fit.
        Some(length) => u32::try_from(length.max(0)).unwrap_or(u32::MAX),
    };
    let request = RandomPassword {
        length,
        exclude_characters: fields.text("ExcludeCharacters")?.unwrap_or_default(),
        exclude_numbers: fields.flag("ExcludeNumbers")?,
        exclude_punctuation: fields.flag("ExcludePunctuation")?,
        exclude_uppercase: fields.flag("ExcludeUppercase")?,
        exclude_lowercase: fields.flag("ExcludeLowercase")?,
        require_each_included_type: fields.choice("RequireEachIncludedType")?.unwrap_or(true),
        spaces: match fields.flag("IncludeSpace")? {
            true => Spaces::Included,
            false => Spaces::Excluded,
        },
    };
    let password = context.store.generate_password(&request)?;
    Ok(json!({ "RandomPassword": password.expose_secret() }))
}
