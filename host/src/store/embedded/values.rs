//! Versions and their values: putting, reading, and forgetting the oldest.

use crate::rotation::ports::VersionSelector;
use std::sync::Arc;
use std::time::Duration;

use super::Effect;
use super::answers::{PutAnswer, Touched, ValueAnswer};
use super::error::{ServiceError, exists, invalid_request, not_found};
use super::keys::Use;
use super::labels::CURRENT;
use super::limits;
use super::moment::Moment;
use super::state::{SecretRecord, VersionRecord};
use super::stored_value::StoredValue;

/// How many versions without a label are kept…
const DEPRECATED_KEPT: usize = 100;

/// …and how old a version must be before it may go.
const DEPRECATED_MIN_AGE: Duration = Duration::from_hours(24);

/// Unwraps the token that every action which makes a version needs. SDKs fill it in.
pub(super) fn required_token(token: Option<&str>) -> Result<&str, ServiceError> {
    let token = token.ok_or_else(|| {
        invalid_request(
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        )
    })?;
    limits::token(token)?;
    Ok(token)
}

/// `PutSecretValue`, and what CreateSecret and UpdateSecret make of a value.
pub(super) fn put(
    name: &str,
    secret: &mut SecretRecord,
    token: &str,
    value: StoredValue,
    stages: Option<&[String]>,
    now: Moment,
) -> Result<(PutAnswer, Effect), ServiceError> {
    limits::value(&value)?;
    secret.key_permits(Use::Encrypt)?;
    if let Some(stages) = stages {
        limits::labels(stages)?;
    }
    let first = secret.versions.is_empty();
    let arn = secret.arn.clone();
    let mut effect = Effect::Changed;
    match secret.version_mut(token) {
        Some(VersionRecord { value: Some(stored), .. }) if stored.same_as(&value) => {
            effect = Effect::Unchanged;
        }
        Some(VersionRecord { value: Some(_), .. }) => return Err(token_in_use(token, &arn)),
        // The placeholder that RotateSecret registered.
        Some(placeholder) => placeholder.value = Some(Arc::new(value)),
        None => {
            let value = Some(Arc::new(value));
            secret.versions.push(VersionRecord { id: token.to_owned(), created: now, value });
        }
    }
    if matches!(effect, Effect::Changed) {
        let current = [CURRENT.to_owned()];
        for stage in stages.unwrap_or(&current) {
            secret.attach(stage, token, now);
        }
        if first {
            secret.attach(CURRENT, token, now);
        }
        limits::label_count(secret)?;
        secret.changed = now;
        secret.prune(now);
    }
    let touched = Touched { arn, name: name.to_owned(), version: Some(token.to_owned()) };
    Ok((PutAnswer { touched, stages: secret.labels_of(token) }, effect))
}

pub(super) fn token_in_use(token: &str, arn: &str) -> ServiceError {
    exists(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a \
         version of secret {arn}."
    ))
}

/// `GetSecretValue`.
pub(super) fn read(
    name: &str,
    secret: &SecretRecord,
    selector: &VersionSelector,
) -> Result<ValueAnswer, ServiceError> {
    let (found, what) = match selector {
        VersionSelector::Stage(stage) => {
            let holder = secret.labels.get(stage.as_str());
            let found = holder.and_then(|version| secret.version(version));
            (found, format!("staging label: {stage}"))
        }
        VersionSelector::Version(version) => {
            (secret.version(version.as_str()), format!("VersionId: {version}"))
        }
        VersionSelector::Both(version, stage) => {
            let found = secret.version(version.as_str());
            if found.is_some()
                && secret.labels.get(stage.as_str()).map(String::as_str) != Some(version.as_str())
            {
                return Err(invalid_request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                ));
            }
            (found, format!("VersionId: {version}"))
        }
    };
    let version = found.and_then(|version| version.value.as_ref().map(|value| (version, value)));
    let Some((version, value)) = version else {
        return Err(not_found(format!(
            "Secrets Manager can't find the specified secret value for {what}"
        )));
    };
    secret.key_permits(Use::Decrypt)?;
    Ok(ValueAnswer {
        arn: secret.arn.clone(),
        name: name.to_owned(),
        version: version.id.clone(),
        value: Arc::clone(value),
        stages: secret.labels_of(&version.id),
        created: version.created,
    })
}

impl SecretRecord {
    /// Drops the oldest versions without a label, when there are many and they are old.
    pub(super) fn prune(&mut self, now: Moment) {
        let deprecated = |secret: &Self, id: &str| !secret.labels.values().any(|v| v == id);
        let doomed: Vec<String> = self
            .versions
            .iter()
            .rev()
            .filter(|version| deprecated(self, &version.id))
            .skip(DEPRECATED_KEPT)
            .filter(|version| now.since(version.created) >= DEPRECATED_MIN_AGE)
            .map(|version| version.id.clone())
            .collect();
        self.versions.retain(|version| !doomed.contains(&version.id));
    }
}
