//! One secret, as it is in memory during one call.
//!
//! The shape carries the contract where it can: labels map to versions, so that a label cannot be
//! on two versions; a stored value is no part of a record, so that no version can be rewritten.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::answers::{Description, Touched};
use super::moment::Moment;
use super::requests::{RotationRules, Tag};
use super::stored_value::StoredValue;

/// Characters of an ARN's random ending, which tells a secret from a later one of the same name.
pub(super) const ARN_SUFFIX: usize = 6;

/// Those, and the hyphen before them.
pub(super) const ARN_ENDING: usize = ARN_SUFFIX + 1;

/// One secret, with all its versions.
#[derive(Clone)]
pub(super) struct SecretRecord {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) kms_key_id: Option<String>,
    /// `None`: never tagged. Secrets Manager tells that from having no tags left.
    pub(super) tags: Option<BTreeMap<String, String>>,
    pub(super) created: Moment,
    pub(super) changed: Moment,
    pub(super) rotated: Option<Moment>,
    /// When it will be gone, if it is scheduled for deletion.
    pub(super) deletion: Option<Moment>,
    pub(super) rotation: Option<RotationSetting>,
    /// Label to version: each label is on one version only.
    pub(super) labels: BTreeMap<String, String>,
    /// The resource policy, as it was given. Nobody is refused by it here.
    pub(super) policy: Option<String>,
    /// Regions that were asked for, each with its key. No copy is made.
    pub(super) replicas: BTreeMap<String, Option<String>>,
    /// Oldest first.
    pub(super) versions: Vec<VersionRecord>,
}

/// What RotateSecret configured.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationSetting {
    pub(super) enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lambda_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rules: Option<RotationRules>,
    /// The rotation that began and has not moved AWSCURRENT yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unfinished: Option<Unfinished>,
}

/// A rotation under way, or left by a process that ended.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unfinished {
    pub(super) token: String,
    pub(super) scope: Scope,
}

/// Which steps a rotation is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scope {
    All,
    TestOnly,
}

/// One version.
#[derive(Clone)]
pub(super) struct VersionRecord {
    pub(super) id: String,
    pub(super) created: Moment,
    pub(super) content: Content,
}

/// Where a version's value is.
#[derive(Clone)]
pub(super) enum Content {
    /// Nowhere: registered by RotateSecret, waiting for createSecret to fill it.
    Awaited,
    /// In the database.
    Stored,
    /// Here: to be stored, or in a store in memory.
    New(Arc<StoredValue>),
}

impl SecretRecord {
    /// A secret without versions, tags or labels.
    pub(super) fn new(name: String, arn: String, now: Moment) -> Self {
        Self {
            name,
            arn,
            description: None,
            kms_key_id: None,
            tags: None,
            created: now,
            changed: now,
            rotated: None,
            deletion: None,
            rotation: None,
            labels: BTreeMap::new(),
            policy: None,
            replicas: BTreeMap::new(),
            versions: Vec::new(),
        }
    }

    /// Whether its recovery window is over.
    pub(super) fn is_gone(&self, now: Moment) -> bool {
        self.deletion.is_some_and(|date| date <= now)
    }

    pub(super) fn version(&self, id: &str) -> Option<&VersionRecord> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(super) fn version_mut(&mut self, id: &str) -> Option<&mut VersionRecord> {
        self.versions.iter_mut().find(|version| version.id == id)
    }

    /// The labels of one version, in alphabetical order.
    pub(super) fn labels_of(&self, id: &str) -> Vec<String> {
        self.labels
            .iter()
            .filter(|(_, holder)| holder.as_str() == id)
            .map(|(label, _)| label.clone())
            .collect()
    }

    /// What DescribeSecret and ListSecrets say of it.
    pub(super) fn describe(&self) -> Description {
        let rotation = self.rotation.as_ref();
        let mut stages: std::collections::BTreeMap<String, Vec<String>> = Default::default();
        for (label, version) in &self.labels {
            stages.entry(version.clone()).or_default().push(label.clone());
        }
        Description {
            arn: self.arn.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            kms_key_id: self.kms_key_id.clone(),
            rotation_enabled: rotation.map(|rotation| rotation.enabled),
            rotation_lambda_arn: rotation.and_then(|rotation| rotation.lambda_arn.clone()),
            rotation_rules: rotation.and_then(|rotation| rotation.rules.clone()),
            last_rotated: self.rotated,
            last_changed: self.changed,
            deletion: self.deletion,
            created: self.created,
            tags: self.tags.as_ref().map(|tags| {
                tags.iter()
                    .map(|(key, value)| Tag { key: key.clone(), value: value.clone() })
                    .collect()
            }),
            stages,
            replicas: self.replicas.clone(),
        }
    }

    /// What a change that is not about a version is answered with.
    pub(super) fn touched(&self) -> Touched {
        self.touched_version(None)
    }

    pub(super) fn touched_version(&self, version: Option<String>) -> Touched {
        Touched { arn: self.arn.clone(), name: self.name.clone(), version }
    }
}

impl VersionRecord {
    pub(super) fn has_value(&self) -> bool {
        !matches!(self.content, Content::Awaited)
    }
}
