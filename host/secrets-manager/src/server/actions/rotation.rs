//! RotateSecret and CancelRotateSecret. The steps run after the answer, as at AWS.

use serde_json::Value;

use super::super::fields::Fields;
use super::super::rejection::Rejection;
use super::{Context, render};
use crate::{ROTATION_INCOMPLETE, RotateMode, RotateSecret, RotationRules, Touched};

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
        Err(error) if error.message == ROTATION_INCOMPLETE => {
            return Err(incomplete(context, &request.secret_id)?);
        }
        Err(error) => return Err(error.into()),
    };
    let (arn, name, version) = (start.arn.clone(), start.name.clone(), start.version.clone());
    scheduler.start(start);
    Ok(render::touched(Touched { arn, name, version: Some(version) }).done())
}

/// The refusal of a rotation that another one is in the way of. AWS's words promise that that one is
/// attempted again: so it is, where a rotation was begun here and somebody here runs steps; elsewhere
/// the refusal says what to do instead.
fn incomplete(context: &Context, secret_id: &str) -> Result<Rejection, Rejection> {
    let unfinished = context.store.unfinished_rotation(secret_id)?;
    if let Some(unfinished) = unfinished.filter(|_| context.scheduler.runs_steps()) {
        context.scheduler.start(unfinished);
        return Ok(Rejection::request(ROTATION_INCOMPLETE));
    }
    let found = context.store.describe_secret(secret_id)?;
    let pending = found.stages.iter().find(|(_, labels)| labels.iter().any(|l| l == "AWSPENDING"));
    let version = pending.map_or("", |(version, _)| version.as_str());
    let run_its_steps = if found.rotation_enabled == Some(true) && !context.scheduler.runs_steps() {
        format!("run its steps with ClientRequestToken {version}, or ")
    } else {
        String::new()
    };
    Ok(Rejection::request(format!(
        "A previous rotation isn't complete. Nothing here attempts that rotation again: \
         {run_its_steps}call UpdateSecretVersionStage with VersionStage AWSPENDING and \
         RemoveFromVersionId {version}."
    )))
}

pub(super) fn cancel(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let cancelled = context.store.cancel_rotation(&fields.required_text("SecretId")?)?;
    Ok(render::touched(cancelled).done())
}

fn rules(fields: &mut Fields) -> Result<Option<RotationRules>, Rejection> {
    let Some(mut rules) = fields.object("RotationRules")? else { return Ok(None) };
    Ok(Some(RotationRules {
        automatically_after_days: rules.integer("AutomaticallyAfterDays")?,
        duration: rules.text("Duration")?,
        schedule_expression: rules.text("ScheduleExpression")?,
    }))
}
