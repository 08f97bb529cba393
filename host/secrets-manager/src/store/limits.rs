//! The lengths, characters and quotas of Secrets Manager, each in one place.
//!
//! A refusal names the field and the rule, never what was sent: it may be a secret in the wrong
//! field.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use super::error::{ServiceError, invalid_parameter, limit_exceeded, validation};
use super::record::SecretRecord;
use super::requests::{RotationRules, Tag};
use super::stored_value::StoredValue;

/// In bytes, text or binary.
pub(super) const VALUE_SIZE: usize = 65_536;

/// Labels over all versions of one secret.
pub(super) const LABELS: usize = 20;

/// Tags of one secret.
const TAGS: usize = 50;

/// A name, ARN or partial ARN.
const SECRET_ID: usize = 2048;

const NAME: usize = 512;
const DESCRIPTION: usize = 2048;
const KMS_KEY_ID: usize = 2048;
const LABEL: usize = 256;
const LAMBDA_ARN: usize = 2048;
const TAG_KEY: usize = 128;
const TAG_VALUE: usize = 256;

const POLICY: usize = 20_480;
const REGION: usize = 128;

/// What `rate(…)` may not go below.
const SHORTEST_RATE_HOURS: u64 = 4;

fn constraint(field: &str, rule: impl std::fmt::Display) -> ServiceError {
    validation(format!(
        "1 validation error detected: Value at '{field}' failed to satisfy constraint: {rule}"
    ))
}

fn length(field: &str, text: &str, longest: usize) -> Result<(), ServiceError> {
    if text.chars().count() > longest {
        return Err(constraint(
            field,
            format_args!("Member must have length less than or equal to {longest}"),
        ));
    }
    Ok(())
}

fn present(field: &str, text: &str) -> Result<(), ServiceError> {
    if text.is_empty() {
        return Err(constraint(field, "Member must have length greater than or equal to 1"));
    }
    Ok(())
}

pub(super) fn secret_id(id: &str) -> Result<(), ServiceError> {
    present("secretId", id)?;
    length("secretId", id, SECRET_ID)
}

pub(super) fn name(name: &str) -> Result<(), ServiceError> {
    present("name", name)?;
    length("name", name, NAME)?;
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-/_+=.@!".contains(c)) {
        return Err(validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
             following: -/_+=.@!",
        ));
    }
    Ok(())
}

/// A version's id, where an action makes one.
pub(super) fn token(token: &str) -> Result<(), ServiceError> {
    if !(32..=64).contains(&token.len()) {
        return Err(invalid_parameter("ClientRequestToken must be 32-64 characters long."));
    }
    if !token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(invalid_parameter(
            "ClientRequestToken must consist of letters, digits and hyphens.",
        ));
    }
    Ok(())
}

pub(super) fn value(value: &StoredValue) -> Result<(), ServiceError> {
    let field = match value {
        StoredValue::Text(_) => "secretString",
        StoredValue::Binary(_) => "secretBinary",
    };
    match value.size() {
        0 => Err(constraint(field, "Member must have length greater than or equal to 1")),
        size if size > VALUE_SIZE => Err(constraint(
            field,
            format_args!("Member must have length less than or equal to {VALUE_SIZE}"),
        )),
        _ => Ok(()),
    }
}

pub(super) fn label(label: &str) -> Result<(), ServiceError> {
    present("versionStage", label)?;
    length("versionStage", label, LABEL)
}

pub(super) fn labels(asked: &[String]) -> Result<(), ServiceError> {
    if asked.is_empty() {
        return Err(constraint(
            "versionStages",
            "Member must have length greater than or equal to 1",
        ));
    }
    asked.iter().try_for_each(|one| label(one))?;
    if asked.len() > LABELS {
        return Err(constraint(
            "versionStages",
            format_args!("Member must have length less than or equal to {LABELS}"),
        ));
    }
    Ok(())
}

/// Checked on the record, after labels were attached.
pub(super) fn label_count(secret: &SecretRecord) -> Result<(), ServiceError> {
    if secret.labels.len() > LABELS {
        return Err(limit_exceeded(format!(
            "You can't attach more than {LABELS} staging labels across all versions of a secret."
        )));
    }
    Ok(())
}

pub(super) fn rotation_token(token: &SecretString) -> Result<(), ServiceError> {
    let token = token.expose_secret();
    if !(36..=256).contains(&token.len()) {
        return Err(constraint("rotationToken", "Member must have a length between 36 and 256"));
    }
    if !token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(constraint(
            "rotationToken",
            "Member must satisfy regular expression pattern: ^[a-zA-Z0-9\\-]+$",
        ));
    }
    Ok(())
}

pub(super) fn details(
    description: Option<&str>,
    kms_key_id: Option<&str>,
) -> Result<(), ServiceError> {
    length("description", description.unwrap_or_default(), DESCRIPTION)?;
    length("kmsKeyId", kms_key_id.unwrap_or_default(), KMS_KEY_ID)
}

pub(super) fn policy(policy: &str) -> Result<(), ServiceError> {
    present("resourcePolicy", policy)?;
    length("resourcePolicy", policy, POLICY)
}

/// A region's form: there is no list of regions that stays true.
pub(super) fn region(region: &str) -> Result<(), ServiceError> {
    present("region", region)?;
    length("region", region, REGION)?;
    let mut parts = region.split('-');
    let is_word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if parts.clone().count() < 2 || !parts.all(is_word) {
        return Err(constraint(
            "region",
            "Member must satisfy regular expression pattern: ^([a-z]+-)+\\d+$",
        ));
    }
    Ok(())
}

pub(super) fn tags(tags: &[Tag]) -> Result<(), ServiceError> {
    for tag in tags {
        tag_key(&tag.key)?;
        length("tags.member.value", &tag.value, TAG_VALUE)?;
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_parameter(
                "Tag keys can't start with aws: because it is reserved for AWS use.",
            ));
        }
    }
    Ok(())
}

pub(super) fn tag_key(key: &str) -> Result<(), ServiceError> {
    present("tags.member.key", key)?;
    length("tags.member.key", key, TAG_KEY)
}

pub(super) fn tag_count(tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if tags.len() > TAGS {
        return Err(limit_exceeded(format!("You can't attach more than {TAGS} tags to a secret.")));
    }
    Ok(())
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, of any partition, with or without a qualifier.
pub(super) fn lambda_arn(arn: &str) -> Result<(), ServiceError> {
    length("rotationLambdaARN", arn, LAMBDA_ARN)?;
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", partition, "lambda", _, _, "function", name, ..]
            if partition.starts_with("aws") && !name.is_empty() =>
        {
            Ok(())
        }
        _ => Err(invalid_parameter(
            "The RotationLambdaARN must be the ARN of a Lambda function, such as \
             arn:aws:lambda:us-east-1:123456789012:function:NAME.",
        )),
    }
}

/// Lightly: the form of the schedule, not whether windows overlap.
pub(super) fn rotation_rules(rules: &RotationRules) -> Result<(), ServiceError> {
    if rules.automatically_after_days.is_some() && rules.schedule_expression.is_some() {
        return Err(invalid_parameter(
            "You can set the rotation schedule with AutomaticallyAfterDays or ScheduleExpression, \
             but not both.",
        ));
    }
    if let Some(days) = rules.automatically_after_days
        && !(1..=1000).contains(&days)
    {
        return Err(constraint(
            "rotationRules.automaticallyAfterDays",
            "Member must have a value between 1 and 1000",
        ));
    }
    if let Some(duration) = &rules.duration
        && !is_hours(duration)
    {
        return Err(invalid_parameter("The Duration must be a number of hours, such as 3h."));
    }
    if let Some(schedule) = &rules.schedule_expression
        && !is_schedule(schedule)
    {
        return Err(invalid_parameter(
            "The ScheduleExpression must be rate(N hours) of at least 4 hours, rate(N days), or \
             cron(0 hours day-of-month month day-of-week *).",
        ));
    }
    Ok(())
}

fn is_hours(duration: &str) -> bool {
    (2..=3).contains(&duration.len())
        && duration.strip_suffix('h').is_some_and(|n| n.parse::<u8>().is_ok_and(|n| n > 0))
}

fn is_schedule(schedule: &str) -> bool {
    let inside = |name: &str| {
        schedule.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')').map(str::trim)
    };
    if let Some(rate) = inside("rate") {
        let Some((count, unit)) = rate.split_once(' ') else { return false };
        let Ok(count) = count.parse::<u64>() else { return false };
        return match unit.trim() {
            "hour" | "hours" => count >= SHORTEST_RATE_HOURS,
            "day" | "days" => count >= 1,
            _ => false,
        };
    }
    if let Some(cron) = inside("cron") {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        return matches!(fields.as_slice(), ["0", _, _, _, _, "*"]);
    }
    false
}
