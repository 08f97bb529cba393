//! What there is of an unfinished rotation: whether its version can still become current, and whether
//! it may still be running, which Secrets Manager does not report.
//!
//! A rotation that has just begun looks like one that has stopped: `AWSPENDING` is on a version that
//! is not current. So a young one is taken for running, and nobody proposes to take its label away.
//! In this order:
//! 1. nothing is unfinished: nothing is running;
//! 2. rotation is turned off: no step runs any more, whatever the age;
//! 3. the pending version is younger than [`YOUNG`]: it may be running. Where nobody says when the
//!    version was made, it is no older than the last change of the secret;
//! 4. else it has stopped.

use std::time::{Duration, SystemTime};

use super::document::SecretDocument;
use super::error::Error;
use super::mismatch::Mismatch;
use super::participants::same_but_for_the_credential;
use super::plan::{Refusal, YOUNG};
use super::ports::{
    SecretDescription, SecretStore, SecretValue, Stage, StoreErrorKind, VersionListing,
};
use super::reading::Reader;
use super::secret_problem::Origin;

/// What there is of an unfinished rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfinished {
    /// A version without a value.
    Empty,
    /// A version that the rotation can continue with.
    Sound,
    /// A version that no step accepts, and why.
    Spoiled(String),
    /// A version that the caller may not read.
    Unreadable,
}

impl Unfinished {
    /// Judges a pending version as the steps do: it differs from `AWSCURRENT` in its credential and in
    /// nothing else.
    pub fn from_values(
        secret: &SecretDescription,
        current: &SecretValue,
        pending: &SecretValue,
    ) -> Self {
        let parse = |value: &SecretValue, role| {
            SecretDocument::parse(value, Origin { secret: secret.name.clone(), role })
        };
        let pending_document = match parse(pending, Stage::Pending) {
            Ok(document) => document,
            Err(problem) => return Self::Spoiled(problem.to_string()),
        };
        // A mistake in AWSCURRENT stops every step until it is corrected, and then they continue.
        let Ok(current) = parse(current, Stage::Current) else { return Self::Sound };
        let version = pending.version.as_str();
        match same_but_for_the_credential(secret, &current, &pending_document, version) {
            Ok(()) => Self::Sound,
            Err(Mismatch::Stale { key, .. }) => {
                Self::Spoiled(format!("`{key}` of AWSCURRENT was edited after it was made"))
            }
            Err(other) => Self::Spoiled(other.to_string()),
        }
    }
}

/// For how long the unfinished rotation has been under way, if it may still be running.
pub fn running(
    secret: &SecretDescription,
    versions: &[VersionListing],
    now: SystemTime,
) -> Option<Duration> {
    let pending = secret.unfinished()?;
    if secret.rotation_enabled == Some(false) {
        return None;
    }
    let listed = versions.iter().find(|listing| listing.version == *pending);
    let made = listed.and_then(|listing| listing.created_at).or(secret.last_changed_at)?;
    // A version of the future is one of a clock that differs: it has just been made.
    let age = now.duration_since(made).unwrap_or_default();
    (age < YOUNG).then_some(age)
}

/// Makes sure that no rotation is running, as far as that can be known.
///
/// # Errors
/// How long it may have been running, what to wait for, and how to stop it.
pub(super) async fn nothing_runs<S: SecretStore>(
    reader: &Reader<'_, S>,
    secret: &SecretDescription,
) -> Result<(), Error> {
    let Some(pending) = secret.unfinished() else { return Ok(()) };
    let versions = match reader.versions(&secret.arn).await {
        Ok(versions) => versions,
        Err(error) if error.kind == StoreErrorKind::AccessDenied => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    match running(secret, &versions, SystemTime::now()) {
        None => Ok(()),
        Some(age) => {
            let (secret, version) = (secret.name.clone(), pending.clone());
            Err(Refusal::MayRun { secret, version, age }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::ports::VersionId;

    const SECOND: Duration = Duration::from_secs(1);

    fn secret(enabled: Option<bool>, labels: &[&str]) -> SecretDescription {
        let stages = labels.iter().map(|&label| label.into()).collect();
        SecretDescription {
            arn: "arn".into(),
            name: "db".into(),
            rotation_enabled: enabled,
            stages: [(VersionId::new("b"), stages)].into(),
            key: None,
            tags: Default::default(),
            deleted_at: None,
            last_rotated_at: None,
            last_changed_at: None,
        }
    }

    #[test]
    fn a_rotation_may_be_running_for_a_quarter_of_an_hour_unless_it_was_turned_off() {
        let now = SystemTime::now();
        let of = |enabled, labels: &[&str], made| {
            let listing = VersionListing {
                version: VersionId::new("b"),
                stages: Default::default(),
                created_at: Some(made),
            };
            running(&secret(enabled, labels), &[listing], now)
        };
        for enabled in [None, Some(true)] {
            let pending = |made| of(enabled, &["AWSPENDING"], made);
            assert_eq!(pending(now - SECOND), Some(SECOND));
            assert_eq!(pending(now - YOUNG + SECOND), Some(YOUNG - SECOND));
            assert_eq!(pending(now - YOUNG), None);
            assert_eq!(pending(now + SECOND), Some(Duration::ZERO), "of a clock that differs");
        }
        assert_eq!(of(Some(false), &["AWSPENDING"], now), None);
        assert_eq!(of(Some(true), &["AWSPENDING", "AWSCURRENT"], now), None);
    }

    #[test]
    fn a_version_that_is_not_listed_is_no_older_than_the_last_change() {
        let now = SystemTime::now();
        let changed =
            |at| SecretDescription { last_changed_at: at, ..secret(Some(true), &["AWSPENDING"]) };
        assert_eq!(running(&changed(Some(now - SECOND)), &[], now), Some(SECOND));
        assert_eq!(running(&changed(Some(now - YOUNG)), &[], now), None);
        assert_eq!(running(&changed(None), &[], now), None, "nobody knows");
    }
}
