//! Describing secrets, and listing them and their versions, a page at a time.
//!
//! A page token names the last entry of the page before it, so that what is added meanwhile is
//! neither skipped nor listed twice.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::answers::{Description, SecretPage, VersionEntry, VersionPage};
use super::error::{Exception, ServiceError, validation};
use super::requests::{
    DeprecatedVersions, Filter, FilterKey, ListSecrets, ListVersionIds, Page, PlannedDeletion,
    SortBy, SortOrder, Tag,
};
use super::state::{SecretRecord, State};

/// The most that one page holds, and what it holds if nothing is said.
const PAGE: usize = 100;

/// What a token looks like before it is encoded: what is listed, then the last entry.
const SECRETS_AFTER: &str = "secrets-after:";
const VERSIONS_AFTER: &str = "versions-after:";

/// `DescribeSecret`.
pub(super) fn describe(name: &str, secret: &SecretRecord) -> Description {
    let rotation = secret.rotation.as_ref();
    let mut stages: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    for (label, version) in &secret.labels {
        stages.entry(version.clone()).or_default().push(label.clone());
    }
    Description {
        arn: secret.arn.clone(),
        name: name.to_owned(),
        description: secret.description.clone(),
        kms_key_id: secret.kms_key_id.clone(),
        rotation_enabled: rotation.map(|rotation| rotation.enabled),
        rotation_lambda_arn: rotation.and_then(|rotation| rotation.lambda_arn.clone()),
        rotation_rules: rotation.and_then(|rotation| rotation.rules.clone()),
        last_rotated: secret.rotated,
        last_changed: secret.changed,
        deletion: secret.deletion,
        created: secret.created,
        tags: secret.tags.as_ref().map(|tags| {
            tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
        }),
        stages,
    }
}

/// `ListSecretVersionIds`.
pub(super) fn versions(
    name: &str,
    secret: &SecretRecord,
    request: &ListVersionIds,
) -> Result<VersionPage, ServiceError> {
    let all: Vec<VersionEntry> = secret
        .versions
        .iter()
        .rev()
        .map(|version| VersionEntry {
            id: version.id.clone(),
            stages: secret.labels_of(&version.id),
            created: version.created,
        })
        .filter(|entry| request.deprecated == DeprecatedVersions::List || !entry.stages.is_empty())
        .collect();
    let (versions, next_token) = cut(all, &request.page, VERSIONS_AFTER, |entry| &entry.id)?;
    Ok(VersionPage { arn: secret.arn.clone(), name: name.to_owned(), versions, next_token })
}

/// `ListSecrets`.
pub(super) fn secrets(state: &State, request: &ListSecrets) -> Result<SecretPage, ServiceError> {
    let mut all: Vec<Description> = state
        .secrets
        .iter()
        .filter(|(_, secret)| {
            secret.deletion.is_none() || request.planned_deletion == PlannedDeletion::List
        })
        .map(|(name, secret)| describe(name, secret))
        .filter(|secret| request.filters.iter().all(|filter| matches(filter, secret)))
        .collect();
    // Already by name; the sort is stable, so that equal dates stay in that order.
    match request.sort_by {
        SortBy::Name => {}
        SortBy::CreatedDate => all.sort_by_key(|secret| secret.created),
        SortBy::LastChangedDate => all.sort_by_key(|secret| secret.last_changed),
    }
    if request.order == SortOrder::Descending {
        all.reverse();
    }
    let (secrets, next_token) = cut(all, &request.page, SECRETS_AFTER, |secret| &secret.name)?;
    Ok(SecretPage { secrets, next_token })
}

fn matches(filter: &Filter, secret: &Description) -> bool {
    let wanted: Vec<&str> =
        filter.values.iter().map(String::as_str).filter(|value| !value.starts_with('!')).collect();
    let unwanted = filter.values.iter().filter_map(|value| value.strip_prefix('!'));
    (wanted.is_empty() || wanted.iter().any(|value| has(filter.key, secret, value)))
        && !unwanted.into_iter().any(|value| has(filter.key, secret, value))
}

fn has(key: FilterKey, secret: &Description, value: &str) -> bool {
    let description = secret.description.as_deref().unwrap_or_default().to_lowercase();
    let mut tags = secret.tags.iter().flatten();
    match key {
        FilterKey::Name => secret.name.starts_with(value),
        FilterKey::Description => description.starts_with(&value.to_lowercase()),
        FilterKey::TagKey => tags.any(|tag| tag.key.starts_with(value)),
        FilterKey::TagValue => tags.any(|tag| tag.value.starts_with(value)),
        FilterKey::PrimaryRegion | FilterKey::OwningService => false,
        FilterKey::All => {
            let mut text = format!("{} {description}", secret.name.to_lowercase());
            for tag in tags {
                text.push_str(&format!(" {} {}", tag.key, tag.value).to_lowercase());
            }
            value.to_lowercase().split_whitespace().all(|word| text.contains(word))
        }
    }
}

/// One page of a list, and the token of the next.
fn cut<T>(
    all: Vec<T>,
    page: &Page,
    kind: &str,
    key: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let size = match page.max_results {
        None => PAGE,
        Some(asked) => usize::try_from(asked)
            .ok()
            .filter(|size| (1..=PAGE).contains(size))
            .ok_or_else(|| {
                validation(
                    "1 validation error detected: Value at 'maxResults' failed to satisfy \
                         constraint: Member must have a value between 1 and 100",
                )
            })?,
    };
    let start = match &page.next_token {
        None => 0,
        Some(token) => {
            let last = decode(token, kind).ok_or_else(bad_token)?;
            let index = all.iter().position(|entry| key(entry) == last).ok_or_else(bad_token)?;
            index + 1
        }
    };
    let more = all.len() > start + size;
    let entries: Vec<T> = all.into_iter().skip(start).take(size).collect();
    let next = entries.last().filter(|_| more);
    let next = next.map(|entry| BASE64.encode(format!("{kind}{}", key(entry))));
    Ok((entries, next))
}

fn decode(token: &str, kind: &str) -> Option<String> {
    let bytes = BASE64.decode(token).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix(kind).map(str::to_owned)
}

fn bad_token() -> ServiceError {
    ServiceError::new(
        Exception::InvalidNextToken,
        "The NextToken value is invalid. Begin the list again without it.",
    )
}
