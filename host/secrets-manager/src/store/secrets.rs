//! Whole secrets: making, changing, deleting and restoring them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Effect;
use super::answers::{Deleted, Touched};
use super::error::{ServiceError, exists, invalid_parameter, invalid_request};
use super::labels::CURRENT;
use super::moment::Moment;
use super::record::{ARN_SUFFIX, SecretRecord};
use super::records::Records;
use super::requests::{CreateSecret, Deletion, Tag, UpdateSecret};
use super::stored_value::StoredValue;
use super::{limits, password, replication, values};

/// The recovery window where none is given, and its bounds.
const RECOVERY_DAYS: i64 = 30;
const RECOVERY_BOUNDS: std::ops::RangeInclusive<i64> = 7..=30;

const DAY: Duration = Duration::from_hours(24);

/// A new ARN, which no later secret of the same name will have.
fn new_arn(records: &Records<'_>, name: &str) -> Result<String, ServiceError> {
    let (identity, suffix) = (records.identity()?, password::suffix(ARN_SUFFIX)?);
    let (region, account) = (identity.region, identity.account);
    Ok(format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}"))
}

/// `CreateSecret`.
pub(super) fn create(
    records: &Records<'_>,
    request: CreateSecret,
    now: Moment,
) -> Result<(Touched, Effect), ServiceError> {
    let CreateSecret { name, token, description, kms_key_id, value, tags, replicas } = request;
    limits::name(&name)?;
    limits::details(description.as_deref(), kms_key_id.as_deref())?;
    limits::tags(tags.as_deref().unwrap_or_default())?;
    let content = match value {
        Some(value) => Some((values::required_token(token.as_deref())?.to_owned(), value)),
        None => None,
    };
    if let Some(secret) = records.named(&name)? {
        let version = version_of_repeated(records, &secret, content.as_ref())?;
        return Ok((secret.touched_version(Some(version)), Effect::Unchanged));
    }
    let arn = new_arn(records, &name)?;
    let mut secret = SecretRecord::new(name, arn, now);
    secret.description = description.filter(|text| !text.is_empty());
    secret.kms_key_id = kms_key_id;
    replication::add(&mut secret, replicas)?;
    if let Some(tags) = tags {
        tag(&mut secret, tags, now)?;
    }
    let mut version = None;
    if let Some((token, value)) = content {
        values::put(records, &mut secret, &token, value, None, now)?;
        version = Some(token);
    }
    records.save(&secret)?;
    Ok((secret.touched_version(version), Effect::Changed))
}

/// The version that the same request made before, whose answer was lost. Any other request is refused:
/// the name is taken.
fn version_of_repeated(
    records: &Records<'_>,
    secret: &SecretRecord,
    content: Option<&(String, StoredValue)>,
) -> Result<String, ServiceError> {
    if secret.deletion.is_some() {
        return Err(invalid_request(
            "You can't create this secret because a secret with this name is already scheduled \
             for deletion.",
        ));
    }
    if let Some((token, value)) = content
        && let Some(version) = secret.version(token)
        && records.value(secret, version)?.is_some_and(|stored| stored.same_as(value))
    {
        return Ok(token.clone());
    }
    Err(exists(format!("The operation failed because the secret {} already exists.", secret.name)))
}

/// `UpdateSecret`.
pub(super) fn update(
    records: &Records<'_>,
    secret: &mut SecretRecord,
    request: UpdateSecret,
    now: Moment,
) -> Result<(Touched, Effect), ServiceError> {
    let UpdateSecret { token, description, kms_key_id, value, .. } = request;
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
        effect = values::put(records, secret, token, value, Some(&stages), now)?.1;
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
    Ok((secret.touched_version(version), effect))
}

/// `DeleteSecret`.
pub(super) fn delete(
    records: &Records<'_>,
    id: &str,
    deletion: Deletion,
    now: Moment,
) -> Result<(Deleted, Effect), ServiceError> {
    limits::secret_id(id)?;
    match deletion {
        Deletion::AtOnce => delete_at_once(records, id, now),
        Deletion::AfterDays(days) => {
            let days = days.unwrap_or(RECOVERY_DAYS);
            let span = u32::try_from(days).ok().filter(|_| RECOVERY_BOUNDS.contains(&days));
            let Some(span) = span else {
                return Err(invalid_parameter(
                    "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
                ));
            };
            let mut secret = records.find(id)?;
            if secret.deletion.is_some() {
                return Err(invalid_request(
                    "You can't perform this operation on the secret because it was already \
                     scheduled for deletion.",
                ));
            }
            let date = now.plus(DAY * span);
            secret.deletion = Some(date);
            records.save(&secret)?;
            Ok((Deleted { arn: secret.arn, name: secret.name, date }, Effect::Changed))
        }
    }
}

fn delete_at_once(
    records: &Records<'_>,
    id: &str,
    now: Moment,
) -> Result<(Deleted, Effect), ServiceError> {
    if let Some(secret) = records.look_up(id)? {
        records.remove(&secret.name)?;
        return Ok((Deleted { arn: secret.arn, name: secret.name, date: now }, Effect::Changed));
    }
    // AWS reports success here too, so that cleaning up twice works.
    let arn = if id.starts_with("arn:") { id.to_owned() } else { new_arn(records, id)? };
    Ok((Deleted { arn, name: id.to_owned(), date: now }, Effect::Unchanged))
}

/// `TagResource`: adds, and replaces what has the same key.
pub(super) fn tag(
    secret: &mut SecretRecord,
    tags: Vec<Tag>,
    now: Moment,
) -> Result<(), ServiceError> {
    limits::tags(&tags)?;
    limits::tag_count(add_tags(secret, tags))?;
    secret.changed = now;
    Ok(())
}

/// Adds tags, whatever their number and their keys.
pub(super) fn add_tags(secret: &mut SecretRecord, tags: Vec<Tag>) -> &BTreeMap<String, String> {
    let kept = secret.tags.get_or_insert_default();
    kept.extend(tags.into_iter().map(|tag| (tag.key, tag.value)));
    kept
}

/// `UntagResource`: keys that are not there are no error.
pub(super) fn untag(
    secret: &mut SecretRecord,
    keys: &[String],
    now: Moment,
) -> Result<(), ServiceError> {
    keys.iter().try_for_each(|key| limits::tag_key(key))?;
    if let Some(tags) = &mut secret.tags {
        tags.retain(|key, _| !keys.contains(key));
    }
    secret.changed = now;
    Ok(())
}
