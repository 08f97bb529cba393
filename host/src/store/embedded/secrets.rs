//! Whole secrets: making, finding, changing, deleting and restoring them.

use std::time::Duration;

use super::Effect;
use super::answers::{Deleted, Touched};
use super::error::{ServiceError, exists, invalid_parameter, invalid_request, not_found};
use super::labels::CURRENT;
use super::moment::Moment;
use super::requests::{CreateSecret, Deletion, Tag, UpdateSecret};
use super::state::{SecretRecord, State};
use super::{limits, password, values};

/// Characters of an ARN's random ending, which tells a secret from a later one of the same name.
const SUFFIX: usize = 6;

/// The recovery window where none is given, and its bounds.
const RECOVERY_DAYS: i64 = 30;
const RECOVERY_BOUNDS: std::ops::RangeInclusive<i64> = 7..=30;

const DAY: Duration = Duration::from_hours(24);

impl State {
    /// The name that an id stands for: itself, a full ARN, or an ARN without its random ending.
    fn name_of(&self, id: &str) -> Option<String> {
        if let Some(secret) = self.secrets.get_key_value(id) {
            return Some(secret.0.clone());
        }
        let full = self.secrets.iter().find(|(_, secret)| secret.arn == id);
        let named = full.or_else(|| {
            let ending = SUFFIX + 1;
            self.secrets.iter().find(|(_, secret)| {
                secret.arn.len().checked_sub(ending).and_then(|end| secret.arn.get(..end))
                    == Some(id)
            })
        });
        named.map(|(name, _)| name.clone())
    }

    /// A secret, whether or not it is scheduled for deletion.
    pub(super) fn find(&self, id: &str) -> Result<(String, &SecretRecord), ServiceError> {
        limits::secret_id(id)?;
        self.name_of(id)
            .and_then(|name| self.secrets.get(&name).map(|secret| (name, secret)))
            .ok_or_else(missing)
    }

    /// A secret to be changed, whether or not it is scheduled for deletion.
    pub(super) fn find_mut(
        &mut self,
        id: &str,
    ) -> Result<(String, &mut SecretRecord), ServiceError> {
        limits::secret_id(id)?;
        let name = self.name_of(id).ok_or_else(missing)?;
        self.secrets.get_mut(&name).map(|secret| (name, secret)).ok_or_else(missing)
    }

    /// A secret that is not scheduled for deletion.
    pub(super) fn live(&self, id: &str) -> Result<(String, &SecretRecord), ServiceError> {
        let (name, secret) = self.find(id)?;
        refuse_deleted(secret)?;
        Ok((name, secret))
    }

    /// A secret to be changed that is not scheduled for deletion.
    pub(super) fn live_mut(
        &mut self,
        id: &str,
    ) -> Result<(String, &mut SecretRecord), ServiceError> {
        let (name, secret) = self.find_mut(id)?;
        refuse_deleted(secret)?;
        Ok((name, secret))
    }

    /// Forgets the secrets whose recovery window is over.
    pub(super) fn purge(&mut self, now: Moment) {
        self.secrets.retain(|_, secret| secret.deletion.is_none_or(|date| date > now));
    }

    /// A new ARN, which no later secret of the same name will have.
    fn new_arn(&self, name: &str) -> Result<String, ServiceError> {
        let (Self { region, account, .. }, suffix) = (self, password::suffix(SUFFIX)?);
        Ok(format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}"))
    }

    /// What stands in an answer for the ARN of a secret that is not there.
    fn arn_like(&self, id: &str) -> Result<String, ServiceError> {
        if id.starts_with("arn:") { Ok(id.to_owned()) } else { self.new_arn(id) }
    }
}

fn missing() -> ServiceError {
    not_found("Secrets Manager can't find the specified secret.")
}

fn refuse_deleted(secret: &SecretRecord) -> Result<(), ServiceError> {
    if secret.deletion.is_some() {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok(())
}

/// `CreateSecret`.
pub(super) fn create(
    state: &mut State,
    request: CreateSecret,
    now: Moment,
) -> Result<(Touched, Effect), ServiceError> {
    let CreateSecret { name, token, description, kms_key_id, value, tags } = request;
    limits::name(&name)?;
    limits::details(description.as_deref(), kms_key_id.as_deref())?;
    limits::tags(tags.as_deref().unwrap_or_default())?;
    let content = match value {
        Some(value) => Some((values::required_token(token.as_deref())?.to_owned(), value)),
        None => None,
    };
    if let Some(secret) = state.secrets.get(&name) {
        if secret.deletion.is_some() {
            return Err(invalid_request(
                "You can't create this secret because a secret with this name is already \
                 scheduled for deletion.",
            ));
        }
        // The same request once more, after an answer was lost.
        if let Some((token, value)) = &content
            && let Some(stored) = secret.version(token).and_then(|v| v.value.as_ref())
            && stored.same_as(value)
        {
            let version = Some(token.clone());
            return Ok((Touched { arn: secret.arn.clone(), name, version }, Effect::Unchanged));
        }
        return Err(exists(format!(
            "The operation failed because the secret {name} already exists."
        )));
    }

    let arn = state.new_arn(&name)?;
    let mut secret = SecretRecord {
        arn: arn.clone(),
        description: description.filter(|text| !text.is_empty()),
        kms_key_id,
        tags: None,
        created: now,
        changed: now,
        rotated: None,
        deletion: None,
        rotation: None,
        labels: Default::default(),
        versions: Vec::new(),
    };
    if let Some(tags) = tags {
        tag(&mut secret, tags, now)?;
    }
    let mut version = None;
    if let Some((token, value)) = content {
        values::put(&name, &mut secret, &token, value, None, now)?;
        version = Some(token);
    }
    state.secrets.insert(name.clone(), secret);
    Ok((Touched { arn, name, version }, Effect::Changed))
}

/// `UpdateSecret`.
pub(super) fn update(
    state: &mut State,
    request: UpdateSecret,
    now: Moment,
) -> Result<(Touched, Effect), ServiceError> {
    let UpdateSecret { secret_id, token, description, kms_key_id, value } = request;
    limits::details(description.as_deref(), kms_key_id.as_deref())?;
    let (name, secret) = state.live_mut(&secret_id)?;
    let mut effect = Effect::Unchanged;
    let mut version = None;
    // First: a value that comes with a new key is encrypted with that one.
    let changes_key = kms_key_id.is_some();
    if let Some(key) = kms_key_id {
        secret.kms_key_id = Some(key).filter(|key| !key.is_empty());
    }
    if let Some(value) = value {
        let token = values::required_token(token.as_deref())?;
        let stages = [CURRENT.to_owned()];
        effect = values::put(&name, secret, token, value, Some(&stages), now)?.1;
        version = Some(token.to_owned());
    }
    if changes_key {
        effect = Effect::Changed;
    }
    if let Some(text) = description {
        secret.description = Some(text).filter(|text| !text.is_empty());
        effect = Effect::Changed;
    }
    if matches!(effect, Effect::Changed) {
        secret.changed = now;
    }
    Ok((Touched { arn: secret.arn.clone(), name, version }, effect))
}

/// `DeleteSecret`.
pub(super) fn delete(
    state: &mut State,
    id: &str,
    deletion: Deletion,
    now: Moment,
) -> Result<(Deleted, Effect), ServiceError> {
    limits::secret_id(id)?;
    match deletion {
        Deletion::AtOnce => {
            let Some(name) = state.name_of(id) else {
                // AWS reports success here too, so that cleaning up twice works.
                let deleted = Deleted { arn: state.arn_like(id)?, name: id.to_owned(), date: now };
                return Ok((deleted, Effect::Unchanged));
            };
            let arn = state.secrets.remove(&name).map(|secret| secret.arn).unwrap_or_default();
            Ok((Deleted { arn, name, date: now }, Effect::Changed))
        }
        Deletion::AfterDays(days) => {
            let days = days.unwrap_or(RECOVERY_DAYS);
            let span = u32::try_from(days).ok().filter(|_| RECOVERY_BOUNDS.contains(&days));
            let Some(span) = span else {
                return Err(invalid_parameter(
                    "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
                ));
            };
            let (name, secret) = state.find_mut(id)?;
            if secret.deletion.is_some() {
                return Err(invalid_request(
                    "You can't perform this operation on the secret because it was already \
                     scheduled for deletion.",
                ));
            }
            let date = now.plus(DAY * span);
            secret.deletion = Some(date);
            Ok((Deleted { arn: secret.arn.clone(), name, date }, Effect::Changed))
        }
    }
}

/// `RestoreSecret`.
pub(super) fn restore(state: &mut State, id: &str) -> Result<(Touched, Effect), ServiceError> {
    let (name, secret) = state.find_mut(id)?;
    let effect = match secret.deletion.take() {
        Some(_) => Effect::Changed,
        None => Effect::Unchanged,
    };
    Ok((Touched { arn: secret.arn.clone(), name, version: None }, effect))
}

/// `TagResource`: adds, and replaces what has the same key.
pub(super) fn tag(
    secret: &mut SecretRecord,
    tags: Vec<Tag>,
    now: Moment,
) -> Result<Effect, ServiceError> {
    limits::tags(&tags)?;
    let kept = secret.tags.get_or_insert_default();
    kept.extend(tags.into_iter().map(|tag| (tag.key, tag.value)));
    limits::tag_count(kept)?;
    secret.changed = now;
    Ok(Effect::Changed)
}

/// `UntagResource`: keys that are not there are no error.
pub(super) fn untag(
    secret: &mut SecretRecord,
    keys: &[String],
    now: Moment,
) -> Result<Effect, ServiceError> {
    keys.iter().try_for_each(|key| limits::tag_key(key))?;
    if let Some(tags) = &mut secret.tags {
        tags.retain(|key, _| !keys.contains(key));
    }
    secret.changed = now;
    Ok(Effect::Changed)
}
