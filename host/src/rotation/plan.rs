//! What a step may do, from the secret's labels alone. Pure, so that one table covers all of it.
//!
//! The guards, in this order:
//! 1. the secret is not scheduled for deletion;
//! 2. rotation is on (not configured counts as on: Secrets Manager invoked us);
//! 3. the token has a version;
//! 4. that version is already `AWSCURRENT`: succeed and do nothing;
//! 5. that version is not `AWSPENDING`: refuse.
//!
//! An operator who rotates from the command line needs no rotation configured, and starts with a
//! token that has no version yet: guards 2 and, for `createSecret`, 3 don't apply to them, unless
//! another rotation is in progress, whose `AWSPENDING` would be taken away from it.

#[cfg(feature = "cli")]
use std::time::Duration;

use super::event::Step;
use super::ports::{SecretDescription, Stage, VersionId};
#[cfg(feature = "cli")]
use crate::text::quoted;

/// How long a rotation may be running. Ordinary ones take seconds; the longest that Lambda lets one
/// step run is 15 minutes, and what fails earlier is attempted again by Secrets Manager within them.
#[cfg(feature = "cli")]
pub const YOUNG: Duration = Duration::from_mins(15);

/// Who asks for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invoker {
    /// Secrets Manager, through the Lambda function.
    SecretsManager,
    /// A person, through the command line.
    Operator,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The step's work.
    Run,
    /// Nothing: the token's version is current, an earlier attempt finished.
    AlreadyCurrent,
}

/// Why a step is refused before anything is read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The secret will be deleted.
    #[error(
        "secret `{secret}` is scheduled for deletion; run RestoreSecret first if it is still needed"
    )]
    ScheduledForDeletion {
        /// The secret's name.
        secret: String,
    },
    /// Rotation is configured and off.
    #[error(
        "rotation of secret `{secret}` is turned off; turn it on with RotateSecret, then rotate \
         again"
    )]
    RotationOff {
        /// The secret's name.
        secret: String,
    },
    /// The token names no version.
    #[error(
        "secret `{secret}` has no labelled version `{version}`, the event's ClientRequestToken: \
         that rotation was abandoned or cancelled, or never started; start one with RotateSecret"
    )]
    UnknownVersion {
        /// The secret's name.
        secret: String,
        /// The token.
        version: VersionId,
    },
    /// Somebody else's rotation has begun.
    #[error(
        "version `{other}` of secret `{secret}` is AWSPENDING: another rotation is in progress; \
         wait until it ends, or run `windlass status` if it is stuck"
    )]
    UnderWay {
        /// The secret's name.
        secret: String,
        /// The version that is being rotated to.
        other: VersionId,
    },
    /// The version is no longer, or never was, the one being rotated to.
    #[error(
        "version `{version}` of secret `{secret}` is not labelled AWSPENDING, so this rotation was \
         cancelled or another one replaced it; rotate again"
    )]
    NotPending {
        /// The secret's name.
        secret: String,
        /// The token.
        version: VersionId,
    },
    /// What is to be repaired may be a rotation that is running.
    #[cfg(feature = "cli")]
    #[error(
        "version `{version}` of secret `{secret}` has been AWSPENDING for {} s, so a rotation \
         may be \
         running that a repair would break; wait until `windlass status` says that it is stuck ({} \
         minutes after it began), or stop it: aws secretsmanager cancel-rotate-secret \
         --secret-id {}; or add \
         --interrupt if you know that nothing is running",
        age.as_secs(), YOUNG.as_secs() / 60, quoted(secret)
    )]
    MayRun {
        /// The secret's name.
        secret: String,
        /// The version that is being rotated to.
        version: VersionId,
        /// For how long.
        age: Duration,
    },
    /// No version is called so.
    #[cfg(feature = "cli")]
    #[error(
        "secret `{secret}` has no version `{named}`; use one of its labels (AWSCURRENT, \
         AWSPENDING, AWSPREVIOUS), a version ID, or the beginning of one: `windlass status` \
         lists them"
    )]
    NoSuchVersion {
        /// The secret's name.
        secret: String,
        /// What was asked for.
        named: String,
    },
    /// Several versions are called so.
    #[cfg(feature = "cli")]
    #[error(
        "several versions of secret `{secret}` begin with `{named}`: {}; use more characters of \
         the ID",
        versions.join(", ")
    )]
    SeveralVersions {
        /// The secret's name.
        secret: String,
        /// What was asked for.
        named: String,
        /// Those that begin so.
        versions: Vec<String>,
    },
    /// The version that was named has no password that could be tried.
    #[cfg(feature = "cli")]
    #[error(
        "version `{version}` of secret `{secret}` has no password to try: it has no value, has \
         another user, host, port or engine than AWSCURRENT, or has the same password; name \
         another version, or omit --password-of"
    )]
    UnfitVersion {
        /// The secret's name.
        secret: String,
        /// The version.
        version: VersionId,
    },
}

/// Decides what `step` may do.
///
/// # Errors
/// The first guard that does not hold.
pub fn plan(
    step: Step,
    invoker: Invoker,
    secret: &SecretDescription,
    version: &VersionId,
) -> Result<Plan, Refusal> {
    let name = || secret.name.clone();
    if secret.deleted_at.is_some() {
        return Err(Refusal::ScheduledForDeletion { secret: name() });
    }
    if secret.rotation_enabled == Some(false) && invoker == Invoker::SecretsManager {
        return Err(Refusal::RotationOff { secret: name() });
    }
    let Some(stages) = secret.stages.get(version) else {
        if step != Step::Create || invoker != Invoker::Operator {
            return Err(Refusal::UnknownVersion { secret: name(), version: version.clone() });
        }
        return match secret.unfinished() {
            Some(other) => Err(Refusal::UnderWay { secret: name(), other: other.clone() }),
            None => Ok(Plan::Run),
        };
    };
    if stages.contains(&Stage::Current) {
        Ok(Plan::AlreadyCurrent)
    } else if stages.contains(&Stage::Pending) {
        Ok(Plan::Run)
    } else {
        Err(Refusal::NotPending { secret: name(), version: version.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::SystemTime;

    use super::*;

    fn secret(enabled: Option<bool>, labels: Option<&[&str]>) -> SecretDescription {
        let token = VersionId::new("token");
        let stages = labels.map(|labels| labels.iter().map(|&label| label.into()).collect());
        SecretDescription {
            arn: "arn".into(),
            name: "db".into(),
            rotation_enabled: enabled,
            stages: stages
                .into_iter()
                .map(|stages: BTreeSet<Stage>| (token.clone(), stages))
                .collect(),
            key: None,
            tags: BTreeMap::new(),
            deleted_at: None,
            last_rotated_at: None,
            last_changed_at: None,
        }
    }

    /// Every combination of step, invoker, rotation state and labels, against the guards as the
    /// module header states them, written a second time as a table.
    #[test]
    fn the_guards_hold_for_every_step_invoker_state_and_label() {
        let labels: [Option<&[&str]>; 6] = [
            None,
            Some(&["AWSCURRENT"]),
            Some(&["AWSPENDING"]),
            Some(&["AWSCURRENT", "AWSPENDING"]),
            Some(&["AWSPREVIOUS"]),
            Some(&["mine"]),
        ];
        let mut rows = 0;
        for step in Step::ALL {
            for invoker in [Invoker::SecretsManager, Invoker::Operator] {
                for enabled in [None, Some(true), Some(false)] {
                    for labels in labels {
                        let got =
                            plan(step, invoker, &secret(enabled, labels), &VersionId::new("token"));
                        let got = got.map_err(|refusal| match refusal {
                            Refusal::RotationOff { .. } => "off",
                            Refusal::UnknownVersion { .. } => "unknown",
                            Refusal::NotPending { .. } => "not pending",
                            Refusal::UnderWay { .. } => "under way",
                            Refusal::ScheduledForDeletion { .. } => "deleted",
                            #[cfg(feature = "cli")]
                            other => panic!("no guard of a step: {other}"),
                        });
                        let expected = match (enabled, invoker, step, labels) {
                            (Some(false), Invoker::SecretsManager, _, _) => Err("off"),
                            (_, Invoker::Operator, Step::Create, None) => Ok(Plan::Run),
                            (_, _, _, None) => Err("unknown"),
                            (_, _, _, Some(["AWSCURRENT", ..])) => Ok(Plan::AlreadyCurrent),
                            (_, _, _, Some(["AWSPENDING"])) => Ok(Plan::Run),
                            (_, _, _, Some(_)) => Err("not pending"),
                        };
                        assert_eq!(got, expected, "{step} {invoker:?} {enabled:?} {labels:?}");
                        rows += 1;
                    }
                }
            }
        }
        assert_eq!(rows, 4 * 2 * 3 * 6);
    }

    #[test]
    fn an_operator_does_not_take_the_label_from_a_rotation_that_is_under_way() {
        let begin = |labels: &[&str]| {
            let secret = secret(Some(true), Some(labels));
            plan(Step::Create, Invoker::Operator, &secret, &VersionId::new("another"))
        };
        let other = VersionId::new("token");
        assert_eq!(begin(&["AWSPENDING"]), Err(Refusal::UnderWay { secret: "db".into(), other }));
        assert_eq!(begin(&["AWSCURRENT", "AWSPENDING"]), Ok(Plan::Run));
    }

    #[test]
    fn a_secret_that_will_be_deleted_is_left_alone() {
        let mut secret = secret(Some(true), Some(&["AWSPENDING"]));
        secret.deleted_at = Some(SystemTime::UNIX_EPOCH);
        let refusal = plan(Step::Set, Invoker::SecretsManager, &secret, &VersionId::new("token"));
        assert_eq!(refusal, Err(Refusal::ScheduledForDeletion { secret: "db".into() }));
    }
}
