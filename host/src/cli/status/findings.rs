//! What stands in the way of rotations, and the command that repairs it.

use std::time::{Duration, SystemTime};

use crate::cli::setup::StoreArgs;
use crate::rotation::ports::{
    SecretDescription, SecretStore, Stage, StoreErrorKind, VersionId, VersionListing,
    VersionSelector,
};
use crate::rotation::{Unfinished, running};
use crate::text::quoted;

/// Something that stands in the way of rotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) what: String,
    pub(super) remedy: String,
}

/// A rotation that may be running: nothing is wrong yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnderWay {
    pub(super) version: VersionId,
    /// For how long.
    pub(super) age: Duration,
}

/// The rotation that may be running. One that no step would go on with is stuck, however young.
pub(super) fn under_way(
    secret: &SecretDescription,
    versions: &[VersionListing],
    unfinished: Option<&Unfinished>,
    now: SystemTime,
) -> Option<UnderWay> {
    if matches!(unfinished, Some(Unfinished::Spoiled(_))) {
        return None;
    }
    let age = running(secret, versions, now)?;
    Some(UnderWay { version: secret.unfinished()?.clone(), age })
}

/// Looks at the pending version with the eyes of the steps.
pub(super) async fn look(
    store: &impl SecretStore,
    secret: &SecretDescription,
) -> Option<Unfinished> {
    let pending = VersionSelector::Version(secret.unfinished()?.clone());
    let current = VersionSelector::Stage(Stage::Current);
    let (pending, current) =
        tokio::join!(store.value(&secret.arn, &pending), store.value(&secret.arn, &current));
    Some(match (pending, current) {
        (Err(error), _) if error.kind == StoreErrorKind::NotFound => Unfinished::Empty,
        (Err(_), _) | (_, Err(_)) => Unfinished::Unreadable,
        (Ok(pending), Ok(current)) => Unfinished::from_values(secret, &current, &pending),
    })
}

/// What is wrong, where the rotation is not just running. `store` is repeated in the commands, which
/// should work as they are printed.
pub(super) fn findings(
    secret: &SecretDescription,
    unfinished: Option<&Unfinished>,
    store: &StoreArgs,
) -> Vec<Finding> {
    let id = quoted(&secret.name);
    let aws = |rest: &str| format!("aws {}secretsmanager {rest} --secret-id {id}", store.for_aws());
    let mut findings = Vec::new();
    if secret.deleted_at.is_some() {
        findings.push(Finding {
            what: "the secret is scheduled for deletion".to_owned(),
            remedy: aws("restore-secret"),
        });
    }
    if secret.version_with(&Stage::Current).is_none() {
        findings.push(Finding {
            what: "no version is AWSCURRENT, so applications can't read the secret".to_owned(),
            remedy: format!(
                "{} --version-stage AWSCURRENT --move-to-version-id VERSION",
                aws("update-secret-version-stage")
            ),
        });
    }
    let (Some(version), Some(unfinished)) = (secret.unfinished(), unfinished) else {
        return findings;
    };
    let own = |command: &str| {
        format!("windlass {command} --secret-id {id}{} --plugins DIR", store.for_windlass())
    };
    let what = match unfinished {
        Unfinished::Empty => {
            "has no value: a rotation ended before createSecret had stored a password".to_owned()
        }
        Unfinished::Sound => {
            "has a password that is not current: a rotation stopped halfway, and the service may \
             have either password"
                .to_owned()
        }
        Unfinished::Spoiled(why) => format!("can't be rotated to: {why}"),
        Unfinished::Unreadable => {
            "is a rotation that stopped halfway; its value could not be read".to_owned()
        }
    };
    let cancelled = secret.rotation_enabled == Some(false);
    let what = format!("version {version} is AWSPENDING and {what}");
    let (what, remedy) = match unfinished {
        Unfinished::Spoiled(_) => (what, format!("abandon that rotation: {}", own("repair"))),
        _ if cancelled => (
            format!("{what}; rotation is turned off, so it will not continue"),
            format!("abandon that rotation: {}", own("repair")),
        ),
        _ => (what, format!("continue it: {}; or abandon it: {}", own("rotate"), own("repair"))),
    };
    findings.push(Finding { what, remedy });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::ports::SecretId;

    fn secret(labels: &[(&str, &[&str])]) -> SecretDescription {
        SecretDescription {
            arn: SecretId::new("arn"),
            name: "db".into(),
            rotation_enabled: Some(true),
            stages: labels
                .iter()
                .map(|(version, labels)| {
                    (VersionId::new(*version), labels.iter().map(|&label| label.into()).collect())
                })
                .collect(),
            key: None,
            tags: Default::default(),
            deleted_at: None,
            last_rotated_at: None,
            last_changed_at: None,
        }
    }

    #[test]
    fn a_finished_rotation_is_not_stuck_though_both_labels_remain() {
        let secret = secret(&[("b", &["AWSCURRENT", "AWSPENDING"]), ("a", &["AWSPREVIOUS"])]);
        assert_eq!(findings(&secret, None, &StoreArgs::default()), []);
    }

    #[test]
    fn a_young_rotation_is_under_way_and_an_old_or_spoiled_one_is_not() {
        let half_way = secret(&[("a", &["AWSCURRENT"]), ("b", &["AWSPENDING"])]);
        let now = SystemTime::now();
        let of = |unfinished: &Unfinished, seconds| {
            let made = |version: &str, seconds| VersionListing {
                version: VersionId::new(version),
                stages: Default::default(),
                created_at: Some(now - Duration::from_secs(seconds)),
            };
            let versions = [made("a", 86_400), made("b", seconds)];
            under_way(&half_way, &versions, Some(unfinished), now)
        };
        let young = |age| UnderWay { version: VersionId::new("b"), age };
        for unfinished in [Unfinished::Empty, Unfinished::Sound, Unfinished::Unreadable] {
            assert_eq!(of(&unfinished, 0), Some(young(Duration::ZERO)));
            assert_eq!(of(&unfinished, 899), Some(young(Duration::from_secs(899))));
            assert_eq!(of(&unfinished, 900), None);
        }
        assert_eq!(of(&Unfinished::Spoiled("x".into()), 0), None);
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
                "windlass repair --secret-id 'db'",
            ),
        ] {
            let found = findings(&half_way, Some(&unfinished), &StoreArgs::default());
            assert_eq!(found.len(), 1);
            assert!(found[0].what.contains(what), "{found:?}");
            assert!(found[0].remedy.contains(remedy), "{found:?}");
        }
        let mut hostile = half_way;
        hostile.name = "it's; reboot".into();
        let found = findings(&hostile, Some(&Unfinished::Sound), &StoreArgs::default());
        let command = r"windlass rotate --secret-id 'it'\''s; reboot' --plugins DIR";
        assert!(found[0].remedy.contains(command), "{found:?}");
        let lost = findings(&secret(&[("a", &["AWSPREVIOUS"])]), None, &StoreArgs::default());
        assert!(lost[0].remedy.contains("--move-to-version-id"), "{lost:?}");
    }
}
