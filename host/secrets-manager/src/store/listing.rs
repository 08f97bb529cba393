//! Listing secrets and their versions, a page at a time.
//!
//! A page token is the place of the last entry of a page, so that what is added or deleted meanwhile
//! makes no other entry be skipped or listed twice.

use std::ops::ControlFlow;

use super::answers::{Description, SecretPage, VersionEntry, VersionPage};
use super::cursor::{Cursor, bad_token, decode, encode};
use super::error::{ServiceError, validation};
use super::record::SecretRecord;
use super::records::Records;
use super::requests::{DeprecatedVersions, Filter, FilterKey, ListSecrets, ListVersionIds, Page};

/// The most that one page holds, and what it holds if nothing is said.
const PAGE: usize = 100;

/// What the token of a page of versions begins with, before it is encoded.
const VERSIONS_AFTER: &str = "versions-after:";

/// `ListSecretVersionIds`.
pub(super) fn versions(
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
        .collect();
    // Labels move between two pages: where the last one ended is looked for among all.
    let start = start(&all, &request.page, VERSIONS_AFTER, |entry| &entry.id)?;
    let listed = |entry: &VersionEntry| {
        request.deprecated == DeprecatedVersions::List || !entry.stages.is_empty()
    };
    let rest = all.into_iter().skip(start).filter(listed).collect();
    let (versions, next_token) = cut(rest, &request.page, VERSIONS_AFTER, |entry| &entry.id)?;
    Ok(VersionPage { arn: secret.arn.clone(), name: secret.name.clone(), versions, next_token })
}

/// `ListSecrets`.
pub(super) fn secrets(
    records: &Records<'_>,
    request: &ListSecrets,
) -> Result<SecretPage, ServiceError> {
    let size = page_size(&request.page)?;
    let cursor = Cursor::new(request)?;
    let mut secrets: Vec<Description> = Vec::new();
    let mut next_token = None;
    records.each(&cursor, |secret| {
        if !request.filters.iter().all(|filter| matches(filter, &secret)) {
            return ControlFlow::Continue(());
        }
        if secrets.len() == size {
            next_token = secrets.last().map(|last| cursor.token(last));
            return ControlFlow::Break(());
        }
        secrets.push(secret);
        ControlFlow::Continue(())
    })?;
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

fn page_size(page: &Page) -> Result<usize, ServiceError> {
    let Some(asked) = page.max_results else { return Ok(PAGE) };
    usize::try_from(asked).ok().filter(|size| (1..=PAGE).contains(size)).ok_or_else(|| {
        validation(
            "1 validation error detected: Value at 'maxResults' failed to satisfy constraint: \
             Member must have a value between 1 and 100",
        )
    })
}

/// Where a page begins in a list: behind the entry that its token names.
fn start<T>(
    all: &[T],
    page: &Page,
    kind: &str,
    key: impl Fn(&T) -> &str,
) -> Result<usize, ServiceError> {
    let Some(token) = &page.next_token else { return Ok(0) };
    let last = decode(token, kind).ok_or_else(bad_token)?;
    let index = all.iter().position(|entry| key(entry) == last).ok_or_else(bad_token)?;
    Ok(index + 1)
}

/// The first page of what is left of a list, and the token of the next.
fn cut<T>(
    rest: Vec<T>,
    page: &Page,
    kind: &str,
    key: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let size = page_size(page)?;
    let more = rest.len() > size;
    let entries: Vec<T> = rest.into_iter().take(size).collect();
    let next = entries.last().filter(|_| more);
    let next = next.map(|entry| encode(&format!("{kind}{}", key(entry))));
    Ok((entries, next))
}
