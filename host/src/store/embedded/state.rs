//! What the store remembers, in memory and in its file.
//!
//! The shape carries the contract where it can: labels map to versions, so that a label cannot be
//! on two versions; a value is shared and immutable, so that a version cannot be rewritten and a
//! working copy of the state holds no second copy of a secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::requests::RotationRules;
use super::stored_value::StoredValue;
use super::{Identity, clear_text};

/// What a state file calls itself, so that no other JSON file is taken for one.
pub(super) const FORMAT: &str = "windlass-store";

/// The version of the file's format that is written and read here.
pub(super) const FORMAT_VERSION: u32 = 1;

/// Everything. Cloning shares the secret values.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) region: String,
    pub(super) account: String,
    /// By name.
    pub(super) secrets: BTreeMap<String, SecretRecord>,
}

/// One secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretRecord {
    pub(super) arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kms_key_id: Option<String>,
    /// `None`: never tagged. Secrets Manager tells that from having no tags left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tags: Option<BTreeMap<String, String>>,
    pub(super) created: Moment,
    pub(super) changed: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rotated: Option<Moment>,
    /// When it will be gone, if it is scheduled for deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deletion: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rotation: Option<RotationSetting>,
    /// Label to version: each label is on one version only.
    pub(super) labels: BTreeMap<String, String>,
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
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionRecord {
    pub(super) id: String,
    pub(super) created: Moment,
    /// `None`: registered by RotateSecret, waiting for createSecret to fill it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "clear_text")]
    pub(super) value: Option<Arc<StoredValue>>,
}

impl State {
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: FORMAT_VERSION,
            region: identity.region,
            account: identity.account,
            secrets: BTreeMap::new(),
        }
    }

    /// The first thing found that this store would never have written.
    pub(super) fn inconsistency(&self) -> Option<String> {
        for (name, secret) in &self.secrets {
            for (label, version) in &secret.labels {
                if secret.version(version).is_none() {
                    return Some(format!(
                        "label {label} of secret `{name}` is on version {version}, which is not there"
                    ));
                }
            }
            for (index, version) in secret.versions.iter().enumerate() {
                if secret.versions.iter().skip(index + 1).any(|other| other.id == version.id) {
                    return Some(format!("secret `{name}` has version {} twice", version.id));
                }
            }
        }
        None
    }
}

impl SecretRecord {
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
}
