//! Versions and their values: putting, reading, and forgetting the oldest.

use std::sync::Arc;
use std::time::Duration;

use super::Effect;
use super::answers::{PutAnswer, ValueAnswer};
use super::error::{ServiceError, exists, invalid_request, not_found};
use super::keys::Use;
use super::labels::CURRENT;
use super::limits;
use super::moment::Moment;
use super::record::{Content, SecretRecord, VersionRecord};
use super::records::Records;
use super::requests::VersionSelector;
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
    records: &Records<'_>,
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
    let stored = match secret.version(token) {
        Some(version) => records.value(secret, version)?,
        None => None,
    };
    let mut effect = Effect::Changed;
    match (secret.version_mut(token), stored) {
        (Some(_), Some(stored)) if stored.same_as(&value) => effect = Effect::Unchanged,
        (Some(_), Some(_)) => return Err(token_in_use(token, &secret.arn)),
        // The placeholder that RotateSecret registered.
        (Some(placeholder), None) => placeholder.content = Content::New(Arc::new(value)),
        (None, _) => {
            let content = Content::New(Arc::new(value));
            secret.versions.push(VersionRecord { id: token.to_owned(), created: now, content });
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
    let touched = secret.touched_version(Some(token.to_owned()));
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
    records: &Records<'_>,
    secret: &SecretRecord,
    selector: &VersionSelector,
) -> Result<ValueAnswer, ServiceError> {
    let (found, what) = match selector {
        VersionSelector::Stage(stage) => {
            let holder = secret.labels.get(stage);
            let found = holder.and_then(|version| secret.version(version));
            (found, format!("staging label: {stage}"))
        }
        VersionSelector::Version(version) => {
            (secret.version(version), format!("VersionId: {version}"))
        }
        VersionSelector::Both(version, stage) => {
            let found = secret.version(version);
            if found.is_some() && secret.labels.get(stage) != Some(version) {
                return Err(invalid_request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                ));
            }
            (found, format!("VersionId: {version}"))
        }
    };
    let Some(version) = found.filter(|version| version.has_value()) else {
        return Err(no_value(&what));
    };
    secret.key_permits(Use::Decrypt)?;
    let value = records.value(secret, version)?.ok_or_else(|| no_value(&what))?;
    Ok(ValueAnswer {
        arn: secret.arn.clone(),
        name: secret.name.clone(),
        version: version.id.clone(),
        value,
        stages: secret.labels_of(&version.id),
        created: version.created,
    })
}

fn no_value(what: &str) -> ServiceError {
    not_found(format!("Secrets Manager can't find the specified secret value for {what}"))
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
