//! Staging labels: each on one version, and `AWSPREVIOUS` following `AWSCURRENT`.
//!
//! Everything here works on a record; a refusal throws it away, so that a failed call changes nothing.

use super::Effect;
use super::error::{ServiceError, invalid_parameter, invalid_request, not_found};
use super::limits;
use super::moment::Moment;
use super::record::SecretRecord;
use super::requests::UpdateVersionStage;

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PENDING: &str = "AWSPENDING";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

impl SecretRecord {
    /// Puts a label on a version, taking it from where it was.
    pub(super) fn attach(&mut self, label: &str, version: &str, now: Moment) {
        let left = self.labels.insert(label.to_owned(), version.to_owned());
        if label != CURRENT || left.as_deref() == Some(version) {
            return;
        }
        if let Some(left) = left {
            self.labels.insert(PREVIOUS.to_owned(), left);
        }
        // A rotation is over when its version becomes current, whoever ran the steps.
        if let Some(rotation) = &mut self.rotation
            && rotation.unfinished.as_ref().is_some_and(|unfinished| unfinished.token == version)
        {
            rotation.unfinished = None;
            self.rotated = Some(now);
        }
    }
}

/// `UpdateSecretVersionStage`.
pub(super) fn update(
    secret: &mut SecretRecord,
    request: &UpdateVersionStage,
    now: Moment,
) -> Result<Effect, ServiceError> {
    let UpdateVersionStage { stage, move_to, .. } = request;
    limits::label(stage)?;
    let holder = secret.labels.get(stage).cloned();
    check_places(secret, request, holder.as_deref())?;
    match move_to {
        Some(version) if holder.as_ref() == Some(version) => return Ok(Effect::Unchanged),
        Some(version) => {
            if stage == CURRENT && secret.version(version).is_none_or(|found| !found.has_value()) {
                return Err(invalid_request(format!(
                    "You can't move staging label AWSCURRENT to version {version} because it has \
                     no value."
                )));
            }
            secret.attach(stage, version, now);
            limits::label_count(secret)?;
        }
        None if stage == CURRENT => {
            return Err(invalid_parameter(
                "You can only move staging label AWSCURRENT to a different secret version. It \
                 can't be completely removed.",
            ));
        }
        None => {
            secret.labels.remove(stage);
        }
    }
    secret.changed = now;
    Ok(Effect::Changed)
}

/// That the label is where the request says, and has somewhere to go or to go from.
fn check_places(
    secret: &SecretRecord,
    request: &UpdateVersionStage,
    holder: Option<&str>,
) -> Result<(), ServiceError> {
    let UpdateVersionStage { stage, remove_from, move_to, .. } = request;
    if let Some(version) = move_to
        && secret.version(version).is_none()
    {
        return Err(not_found(format!(
            "Secrets Manager can't find the specified secret version: {version}"
        )));
    }
    match (holder, remove_from.as_deref()) {
        (_, None) if move_to.is_none() => Err(invalid_parameter(
            "You must specify RemoveFromVersionId, MoveToVersionId, or both.",
        )),
        (Some(holder), None) if move_to.as_deref() != Some(holder) => {
            Err(invalid_parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is \
                 currently attached to version {holder}, so you must explicitly reference that \
                 version in RemoveFromVersionId."
            )))
        }
        (holder, Some(remove_from)) if holder != Some(remove_from) => {
            Err(invalid_parameter(format!(
                "The staging label {stage} is not attached to version {remove_from}. \
                 RemoveFromVersionId must be the version that it is currently attached to."
            )))
        }
        _ => Ok(()),
    }
}
