//! What the store is asked, parsed: one type per action that takes more than a secret's id.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::stored_value::StoredValue;

/// `CreateSecret`.
pub struct CreateSecret {
    /// The name: letters, digits and `/_+=.@!-`.
    pub name: String,
    /// Becomes the first version's id. Required with a value.
    pub token: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Kept and reported; nothing is encrypted here. Some names stand for keys that can't be used.
    pub kms_key_id: Option<String>,
    /// The first version's content. `None` makes a secret without versions.
    pub value: Option<StoredValue>,
    /// Tags in the order they were given.
    pub tags: Option<Vec<Tag>>,
    /// `AddReplicaRegions`. Kept and reported as failed: no copy is made here.
    pub replicas: Vec<ReplicaRegion>,
}

/// A region to copy a secret to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaRegion {
    /// Such as `eu-west-1`.
    pub region: String,
    /// The key of the copy. `None`: AWS's own.
    pub kms_key_id: Option<String>,
}

impl CreateSecret {
    /// A secret with a text value and a version id made up here.
    pub fn with_text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            token: Some(uuid::Uuid::new_v4().to_string()),
            description: None,
            kms_key_id: None,
            value: Some(StoredValue::text(text)),
            tags: None,
            replicas: Vec::new(),
        }
    }
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Up to 128 characters, not starting with `aws:`.
    pub key: String,
    /// Up to 256 characters.
    pub value: String,
}

/// `UpdateSecret`. What is `None` stays as it is.
pub struct UpdateSecret {
    /// Name or ARN.
    pub secret_id: String,
    /// Becomes the new version's id. Required with a value.
    pub token: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Kept and reported.
    pub kms_key_id: Option<String>,
    /// The content of a new version, which becomes current.
    pub value: Option<StoredValue>,
}

/// `PutSecretValue`.
pub struct PutSecretValue {
    /// Name or ARN.
    pub secret_id: String,
    /// Becomes the version's id.
    pub token: Option<String>,
    /// The content.
    pub value: StoredValue,
    /// The labels to attach. `None`: `AWSCURRENT`.
    pub stages: Option<Vec<String>>,
    /// Its form is checked, its meaning is not: there is no identity to tell here.
    pub rotation_token: Option<SecretString>,
}

/// `UpdateSecretVersionStage`.
#[derive(Debug, Clone)]
pub struct UpdateVersionStage {
    /// Name or ARN.
    pub secret_id: String,
    /// The label.
    pub stage: String,
    /// The version that has it.
    pub remove_from: Option<String>,
    /// The version to have it.
    pub move_to: Option<String>,
}

/// `DeleteSecret`: how much time there is to regret it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// `RecoveryWindowInDays`, 7 to 30; 30 if it is not given.
    AfterDays(Option<i64>),
    /// `ForceDeleteWithoutRecovery`.
    AtOnce,
}

/// `RotateSecret`.
#[derive(Debug, Clone)]
pub struct RotateSecret {
    /// Name or ARN.
    pub secret_id: String,
    /// Becomes the new version's id.
    pub token: Option<String>,
    /// The function to call. `None` keeps the one configured before.
    pub lambda_arn: Option<String>,
    /// When to rotate. Kept and reported; nothing here acts on a schedule.
    pub rules: Option<RotationRules>,
    /// Which steps to run.
    pub mode: RotateMode,
    /// Whether a function's ARN must be known.
    pub target: RotationTarget,
}

impl RotateSecret {
    /// Rotate at once, as configured, calling whatever is in this process.
    pub fn at_once(secret_id: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            secret_id: secret_id.into(),
            token: Some(token.into()),
            lambda_arn: None,
            rules: None,
            mode: RotateMode::AtOnce,
            target: RotationTarget::Provided,
        }
    }
}

/// `RotateImmediately`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateMode {
    /// All four steps.
    AtOnce,
    /// `false`: `testSecret` alone, on a temporary pending version.
    TestOnly(TemporaryValue),
}

/// What the temporary pending version of a test holds, which AWS does not document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemporaryValue {
    /// The current value: the test passes where the current password works.
    CopyOfCurrent,
    /// Nothing: the harder case for a rotation function.
    Empty,
}

/// What runs the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationTarget {
    /// Something here does, whatever ARN is configured or none.
    Provided,
    /// Only a function named by its ARN could: one must be given, now or before.
    ByArn,
}

/// `RotationRules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationRules {
    /// 1 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatically_after_days: Option<i64>,
    /// Length of the window, such as `3h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// `rate(…)` or `cron(…)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_expression: Option<String>,
}

/// `GetRandomPassword`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomPassword {
    /// 1 to 4096.
    pub length: u32,
    /// Characters that do not occur.
    pub exclude_characters: String,
    /// No digits.
    pub exclude_numbers: bool,
    /// No punctuation.
    pub exclude_punctuation: bool,
    /// No upper-case letters.
    pub exclude_uppercase: bool,
    /// No lower-case letters.
    pub exclude_lowercase: bool,
    /// One character at least of each kind that is not excluded.
    pub require_each_included_type: bool,
    /// Whether spaces may occur.
    pub spaces: Spaces,
}

/// Which version of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSelector {
    /// The version with this label.
    Stage(String),
    /// The version with this id.
    Version(String),
    /// The version with this id, if it has this label.
    Both(String, String),
}

/// `IncludeSpace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spaces {
    /// The default.
    Excluded,
    /// A space is as likely as any other character.
    Included,
}

/// `ListSecrets`.
#[derive(Debug, Clone, Default)]
pub struct ListSecrets {
    /// All must match.
    pub filters: Vec<Filter>,
    /// What to sort by.
    pub sort_by: SortBy,
    /// Which end first.
    pub order: SortOrder,
    /// Whether to list secrets that are scheduled for deletion.
    pub planned_deletion: PlannedDeletion,
    /// Which part of the list.
    pub page: Page,
}

/// A part of a long list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// 1 to 100; 100 if it is not given.
    pub max_results: Option<i64>,
    /// Where the previous part ended.
    pub next_token: Option<String>,
}

/// `IncludePlannedDeletion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlannedDeletion {
    /// Leave them out.
    #[default]
    Omit,
    /// List them as well.
    List,
}

/// One of `Filters`: any of its values must match.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Where to look.
    pub key: FilterKey,
    /// Prefixes to look for; a leading `!` turns one around.
    pub values: Vec<String>,
}

/// Where a filter looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKey {
    /// The description, in any case.
    Description,
    /// The name.
    Name,
    /// Tags' keys.
    TagKey,
    /// Tags' values.
    TagValue,
    /// Matches nothing here: there are no replicas.
    PrimaryRegion,
    /// Matches nothing here: no service owns a secret.
    OwningService,
    /// Name, description and tags, word by word, in any case.
    All,
}

/// `SortBy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// The default.
    #[default]
    CreatedDate,
    /// Last change of value, labels or description.
    LastChangedDate,
    /// The name.
    Name,
}

/// `SortOrder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortOrder {
    /// The default here; AWS's is not documented.
    #[default]
    Ascending,
    /// Last first.
    Descending,
}

/// `ListSecretVersionIds`.
#[derive(Debug, Clone)]
pub struct ListVersionIds {
    /// Name or ARN.
    pub secret_id: String,
    /// Whether to list versions without labels.
    pub deprecated: DeprecatedVersions,
    /// Which part of the list.
    pub page: Page,
}

/// `IncludeDeprecated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeprecatedVersions {
    /// Leave them out.
    Omit,
    /// List them as well.
    List,
}

/// `BatchGetSecretValue`.
#[derive(Debug, Clone)]
pub struct BatchGet {
    /// Which secrets.
    pub selection: BatchSelection,
    /// Which part of what filters select; 20 if it is not given.
    pub page: Page,
}

/// How a batch names its secrets.
#[derive(Debug, Clone)]
pub enum BatchSelection {
    /// `SecretIdList`: 1 to 20 names or ARNs.
    Ids(Vec<String>),
    /// `Filters`: as of ListSecrets.
    Filters(Vec<Filter>),
}
