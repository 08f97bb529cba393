//! RotateSecret and CancelRotateSecret. The steps run after the answer, as at AWS.

use serde_json::Value;

use super::super::fields::Fields;
use super::super::rejection::Rejection;
use super::{Context, wire};
use crate::store::embedded::{
    ROTATION_INCOMPLETE, RotateMode, RotateSecret, RotationRules, RotationTarget, Touched,
};

/// Rotation of a secret that another company's service holds.
const EXTERNAL: &[&str] = &["ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"];

pub(super) fn rotate(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    fields.refuse(EXTERNAL)?;
    let scheduler = &context.scheduler;
    let request = RotateSecret {
        secret_id: fields.required_text("SecretId")?,
        token: fields.text("ClientRequestToken")?,
        lambda_arn: fields.text("RotationLambdaARN")?,
        rules: rules(&mut fields)?,
        mode: match fields.choice("RotateImmediately")? {
            None | Some(true) => RotateMode::AtOnce,
            Some(false) => RotateMode::TestOnly(scheduler.temporary_value()),
        },
        target: scheduler.target(),
    };
    let start = match context.store.begin_rotation(&request) {
        Ok(start) => start,
        Err(error) => {
            // What the refusal promises: the rotation in the way is attempted again.
            if error.message == ROTATION_INCOMPLETE
                && request.target == RotationTarget::Provided
                && let Some(unfinished) = context.store.unfinished_rotation(&request.secret_id)?
            {
                scheduler.start(unfinished);
            }
            return Err(error.into());
        }
    };
    let (arn, name, version) = (start.arn.clone(), start.name.clone(), start.version.clone());
    scheduler.start(start);
    Ok(wire::touched(Touched { arn, name, version: Some(version) }).done())
}

pub(super) fn cancel(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let cancelled = context.store.cancel_rotation(&fields.required_text("SecretId")?)?;
    Ok(wire::touched(cancelled).done())
}

fn rules(fields: &mut Fields) -> Result<Option<RotationRules>, Rejection> {
    let Some(mut rules) = fields.object("RotationRules")? else { return Ok(None) };
    Ok(Some(RotationRules {
        automatically_after_days: rules.integer("AutomaticallyAfterDays")?,
        duration: rules.text("Duration")?,
        schedule_expression: rules.text("ScheduleExpression")?,
    }))
}
