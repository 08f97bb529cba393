//! What the store answers. Only [`ValueAnswer`] holds a secret value.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Exception;
use super::moment::Moment;
use super::requests::{RotationRules, Tag};
use super::stored_value::StoredValue;

/// Which secret a change was made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The full ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// The version that was made, found or left; none where the action is not about one.
    pub version: Option<String>,
}

/// `PutSecretValue`'s answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutAnswer {
    /// Which secret and version.
    pub touched: Touched,
    /// The version's labels now.
    pub stages: Vec<String>,
}

/// `GetSecretValue`'s answer.
pub struct ValueAnswer {
    /// The full ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// Which version it is.
    pub version: String,
    /// The content.
    pub value: Arc<StoredValue>,
    /// The version's labels.
    pub stages: Vec<String>,
    /// When the version was made.
    pub created: Moment,
}

/// `BatchGetSecretValue`'s answer.
#[derive(Default)]
pub struct BatchAnswer {
    /// What could be read.
    pub values: Vec<ValueAnswer>,
    /// What could not.
    pub errors: Vec<BatchRefusal>,
    /// Given where there are more.
    pub next_token: Option<String>,
}

/// A secret of a batch that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRefusal {
    /// As it was asked for.
    pub secret_id: String,
    /// What GetSecretValue would raise.
    pub exception: Exception,
    /// Its message.
    pub message: String,
}

/// `GetResourcePolicy`'s answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyAnswer {
    /// Which secret.
    pub touched: Touched,
    /// As it was put. `None`: it has none.
    pub policy: Option<String>,
}

/// A secret, described. `None` is a field that Secrets Manager leaves out.
#[derive(Debug, Clone)]
pub struct Description {
    /// The full ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// As it was given.
    pub kms_key_id: Option<String>,
    /// Absent where rotation never was configured.
    pub rotation_enabled: Option<bool>,
    /// The function's ARN, if one was given.
    pub rotation_lambda_arn: Option<String>,
    /// As they were given.
    pub rotation_rules: Option<RotationRules>,
    /// When a rotation last moved `AWSCURRENT`.
    pub last_rotated: Option<Moment>,
    /// When anything changed.
    pub last_changed: Moment,
    /// When the secret will be deleted.
    pub deletion: Option<Moment>,
    /// When it was made.
    pub created: Moment,
    /// By key. `None`: never tagged.
    pub tags: Option<Vec<Tag>>,
    /// Every version that has a label. Empty: no version yet.
    pub stages: BTreeMap<String, Vec<String>>,
    /// Regions that a copy was asked for in, each with its KMS key. No copy is made here.
    pub replicas: BTreeMap<String, Option<String>>,
}

/// One version in a list.
#[derive(Debug, Clone)]
pub struct VersionEntry {
    /// The version's id.
    pub id: String,
    /// Its labels; none for a deprecated one.
    pub stages: Vec<String>,
    /// When it was made.
    pub created: Moment,
}

/// `ListSecretVersionIds`'s answer.
#[derive(Debug, Clone)]
pub struct VersionPage {
    /// The full ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// Newest first.
    pub versions: Vec<VersionEntry>,
    /// Given where there are more.
    pub next_token: Option<String>,
}

/// `ListSecrets`'s answer.
#[derive(Debug, Clone)]
pub struct SecretPage {
    /// In the order that was asked for.
    pub secrets: Vec<Description>,
    /// Given where there are more.
    pub next_token: Option<String>,
}

/// `DeleteSecret`'s answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The full ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// From when on it is gone.
    pub date: Moment,
}

/// A rotation that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationStart {
    /// The full ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// The client request token, now a version.
    pub version: String,
    /// What is to be done.
    pub work: RotationWork,
}

/// What an accepted rotation asks of whoever runs the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationWork {
    /// All four steps. Also for a repeated request: its steps are made to run twice.
    AllSteps,
    /// `testSecret`, then [`end_test`](super::EmbeddedStore::end_test).
    TestOnly,
    /// That token's version is current already.
    Nothing,
}
