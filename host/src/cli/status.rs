//! `windlass status`.

use std::time::SystemTime;

use clap::Args;
use serde_json::json;

use super::Failure;
use super::output::Output;
use super::setup::StoreArgs;
use crate::rotation::{Origin, SecretDocument, drop_pending};
use crate::store::{
    SecretDescription, SecretStore, SecretValue, Stage, StoreErrorKind, VersionListing,
    VersionSelector,
};

/// Show a secret's versions and labels, whether a rotation is stuck, and what to do.
///
/// Changes nothing and prints no secret value. Exit code 7 if something is stuck.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The secret's name or ARN
    #[arg(long, value_name = "ID")]
    secret_id: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// Something that stands in the way of rotations.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    what: String,
    remedy: String,
}

impl Status {
    pub(super) async fn execute(self, output: Output) -> Result<(), Failure> {
        let store = self.store.open().await?;
        let (secret, versions) =
            tokio::join!(store.describe(&self.secret_id), store.versions(&self.secret_id));
        let (secret, versions) = (secret?, versions?);
        let unfinished = look(&store, &secret).await;
        let findings = findings(&secret, unfinished.as_ref());
        let now = SystemTime::now();
        output.line(format!("secret    {} ({})", secret.name, secret.arn));
        output.line(format!("rotation  {}", rotation(&secret, now)));
        output.line("versions");
        for listing in &versions {
            output.line(format!(
                "  {}  {:<11} {}",
                listing.version,
                age(listing, now),
                labels(listing)
            ));
        }
        for finding in &findings {
            output.line(format!("stuck     {}", finding.what));
            output.line(format!("to do     {}", finding.remedy));
        }
        if findings.is_empty() {
            output.line("nothing is stuck");
        }
        output.object(&json!({
            "secret": secret.name,
            "arn": secret.arn,
            "rotation_enabled": secret.rotation_enabled,
            "versions": versions.iter().map(|listing| json!({
                "version": listing.version.as_str(),
                "stages": listing.stages.iter().map(Stage::as_str).collect::<Vec<_>>(),
                "age_seconds": seconds(listing, now),
            })).collect::<Vec<_>>(),
            "stuck": findings.iter().map(|finding| json!({
                "what": finding.what,
                "to_do": finding.remedy,
            })).collect::<Vec<_>>(),
        }));
        if findings.is_empty() { Ok(()) } else { Err(Failure::stuck()) }
    }
}

/// What there is of an unfinished rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unfinished {
    /// A version without a value.
    Empty,
    /// A version that the rotation can go on with.
    Sound,
    /// A version that no step will accept.
    Spoiled(String),
    /// A version that may not be read by whoever asks.
    Unreadable,
}

/// Looks at the pending version with the eyes of the steps.
async fn look(store: &impl SecretStore, secret: &SecretDescription) -> Option<Unfinished> {
    let pending = VersionSelector::Version(secret.unfinished()?.clone());
    let current = VersionSelector::Stage(Stage::Current);
    let (pending, current) =
        tokio::join!(store.value(&secret.arn, &pending), store.value(&secret.arn, &current));
    let parse = |value: &SecretValue, role| {
        SecretDocument::parse(value, Origin { secret: secret.name.clone(), role })
    };
    Some(match (pending, current) {
        (Err(error), _) if error.kind == StoreErrorKind::NotFound => Unfinished::Empty,
        (Err(_), _) | (_, Err(_)) => Unfinished::Unreadable,
        (Ok(pending), Ok(current)) => {
            match (parse(&pending, Stage::Pending), parse(&current, Stage::Current)) {
                (Err(problem), _) => Unfinished::Spoiled(problem.to_string()),
                (Ok(_), Err(_)) => Unfinished::Sound,
                (Ok(pending), Ok(current)) => match current.difference(&pending) {
                    None => Unfinished::Sound,
                    Some(key) => Unfinished::Spoiled(format!(
                        "`{key}` of AWSCURRENT was edited since it was made"
                    )),
                },
            }
        }
    })
}

fn findings(secret: &SecretDescription, unfinished: Option<&Unfinished>) -> Vec<Finding> {
    let id = &secret.name;
    let mut findings = Vec::new();
    if secret.deleted_at.is_some() {
        findings.push(Finding {
            what: "the secret is scheduled for deletion".to_owned(),
            remedy: format!("aws secretsmanager restore-secret --secret-id '{id}'"),
        });
    }
    if secret.version_with(&Stage::Current).is_none() {
        findings.push(Finding {
            what: "no version is AWSCURRENT, so applications can't read the secret".to_owned(),
            remedy: format!(
                "aws secretsmanager update-secret-version-stage --secret-id '{id}' \
                 --version-stage AWSCURRENT --move-to-version-id VERSION"
            ),
        });
    }
    let (Some(version), Some(unfinished)) = (secret.unfinished(), unfinished) else {
        return findings;
    };
    let go_on = format!("take it up where it stopped: windlass rotate --secret-id '{id}'");
    let (what, remedy) = match unfinished {
        Unfinished::Empty => (
            "has no value: a rotation ended before createSecret had stored a password".to_owned(),
            go_on,
        ),
        Unfinished::Sound => (
            "has a password that is not current: a rotation is under way, or stopped half-way; \
             the service may have either password"
                .to_owned(),
            go_on,
        ),
        Unfinished::Spoiled(why) => {
            (format!("can't be rotated to: {why}"), drop_pending(id, version.as_str()))
        }
        Unfinished::Unreadable => (
            "is a rotation under way, or stopped half-way; its value could not be read".to_owned(),
            go_on,
        ),
    };
    findings.push(Finding { what: format!("version {version} is AWSPENDING and {what}"), remedy });
    findings
}

fn rotation(secret: &SecretDescription, now: SystemTime) -> String {
    let state = match secret.rotation_enabled {
        Some(true) => "on",
        Some(false) => "turned off",
        None => "not configured",
    };
    match secret.last_rotated_at.and_then(|at| now.duration_since(at).ok()) {
        Some(ago) => format!("{state}, last done {} ago", duration(ago.as_secs())),
        None => state.to_owned(),
    }
}

fn labels(listing: &VersionListing) -> String {
    if listing.stages.is_empty() {
        return "(no label)".to_owned();
    }
    listing.stages.iter().map(Stage::as_str).collect::<Vec<_>>().join(", ")
}

fn seconds(listing: &VersionListing, now: SystemTime) -> Option<u64> {
    Some(now.duration_since(listing.created_at?).ok()?.as_secs())
}

fn age(listing: &VersionListing, now: SystemTime) -> String {
    seconds(listing, now).map_or_else(|| "?".to_owned(), duration)
}

/// A span for people: the two largest units.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::VersionId;

    fn secret(labels: &[(&str, &[&str])]) -> SecretDescription {
        SecretDescription {
            arn: "arn".into(),
            name: "db".into(),
            rotation_enabled: Some(true),
            stages: labels
                .iter()
                .map(|(version, labels)| {
                    (VersionId::new(*version), labels.iter().map(|&label| label.into()).collect())
                })
                .collect(),
            tags: Default::default(),
            deleted_at: None,
            last_rotated_at: None,
        }
    }

    #[test]
    fn a_finished_rotation_is_not_stuck_though_both_labels_remain() {
        let secret = secret(&[("b", &["AWSCURRENT", "AWSPENDING"]), ("a", &["AWSPREVIOUS"])]);
        assert_eq!(findings(&secret, None), []);
    }

    #[test]
    fn each_stuck_state_comes_with_its_remedy() {
        let half_way = secret(&[("a", &["AWSCURRENT"]), ("b", &["AWSPENDING"])]);
        for (unfinished, what, remedy) in [
            (Unfinished::Sound, "has a password that is not", "windlass rotate --secret-id 'db'"),
            (Unfinished::Empty, "has no value", "windlass rotate --secret-id 'db'"),
            (
                Unfinished::Spoiled("x".into()),
                "can't be rotated to: x",
                "--remove-from-version-id b",
            ),
        ] {
            let found = findings(&half_way, Some(&unfinished));
            assert_eq!(found.len(), 1);
            assert!(found[0].what.contains(what), "{found:?}");
            assert!(found[0].remedy.contains(remedy), "{found:?}");
        }
        let lost = findings(&secret(&[("a", &["AWSPREVIOUS"])]), None);
        assert!(lost[0].remedy.contains("--move-to-version-id"), "{lost:?}");
    }
}
