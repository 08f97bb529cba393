//! What the rotation needs of Secrets Manager: exactly the calls that the steps make, and the terms of
//! its contract as types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use super::store_error::StoreError;
use crate::secret::{Secret, mute};

/// The calls that a rotation makes of Secrets Manager.
///
/// Every method may be called again after an error or a lost answer; the store's own rules
/// (idempotence by client request token, labels on one version only) make that safe.
pub trait SecretStore: Send + Sync {
    /// Where it is, for messages.
    fn address(&self) -> &str;

    /// `DescribeSecret`: labels, tags, whether rotation is on. No secret value.
    ///
    /// # Errors
    /// See [`StoreErrorKind`](super::StoreErrorKind).
    fn describe(
        &self,
        secret_id: &SecretId,
    ) -> impl Future<Output = Result<SecretDescription, StoreError>> + Send;

    /// `GetSecretValue` of one version.
    ///
    /// # Errors
    /// `NotFound` if there is no such version or it has no value.
    fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> impl Future<Output = Result<SecretValue, StoreError>> + Send;

    /// `PutSecretValue` with `VersionStages=[AWSPENDING]`. Never moves `AWSCURRENT`.
    ///
    /// # Errors
    /// `AlreadyExists` if that version has another value.
    fn put_pending(
        &self,
        secret_id: &SecretId,
        pending: &PendingValue,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// `UpdateSecretVersionStage`.
    ///
    /// # Errors
    /// `Invalid` if the label is not where `remove_from` says.
    fn move_stage(
        &self,
        secret_id: &SecretId,
        change: &StageMove,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// `GetRandomPassword`.
    ///
    /// # Errors
    /// See [`StoreErrorKind`](super::StoreErrorKind).
    fn random_password(
        &self,
        request: &PasswordRequest,
    ) -> impl Future<Output = Result<Secret, StoreError>> + Send;

    /// `ListSecretVersionIds` with deprecated versions, newest first.
    ///
    /// # Errors
    /// See [`StoreErrorKind`](super::StoreErrorKind).
    fn versions(
        &self,
        secret_id: &SecretId,
    ) -> impl Future<Output = Result<Vec<VersionListing>, StoreError>> + Send;
}

/// What a store holds, for people who look at all of it. No rotation does.
#[cfg(feature = "cli")]
pub trait SecretList: Send + Sync {
    /// `ListSecrets`: the names, without those that are scheduled for deletion.
    ///
    /// # Errors
    /// See [`StoreErrorKind`](super::StoreErrorKind).
    fn names(&self) -> impl Future<Output = Result<Vec<SecretId>, StoreError>> + Send;
}

/// A store that several parts of a process share.
impl<S: SecretStore> SecretStore for Arc<S> {
    fn address(&self) -> &str {
        (**self).address()
    }

    async fn describe(&self, secret_id: &SecretId) -> Result<SecretDescription, StoreError> {
        (**self).describe(secret_id).await
    }

    async fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        (**self).value(secret_id, version).await
    }

    async fn put_pending(
        &self,
        secret_id: &SecretId,
        pending: &PendingValue,
    ) -> Result<(), StoreError> {
        (**self).put_pending(secret_id, pending).await
    }

    async fn move_stage(&self, secret_id: &SecretId, change: &StageMove) -> Result<(), StoreError> {
        (**self).move_stage(secret_id, change).await
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        (**self).random_password(request).await
    }

    async fn versions(&self, secret_id: &SecretId) -> Result<Vec<VersionListing>, StoreError> {
        (**self).versions(secret_id).await
    }
}

/// A secret's ARN or name, as whoever names the secret spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId(String);

impl SecretId {
    /// Any text; the event parser and the service check its form.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as it is sent to Secrets Manager.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl From<String> for SecretId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version of a secret: the client request token that made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(String);

impl VersionId {
    /// Any text; the event parser and the service check its form.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as Secrets Manager writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A staging label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// `AWSCURRENT`: what applications read.
    Current,
    /// `AWSPENDING`: what a rotation is about to make current.
    Pending,
    /// `AWSPREVIOUS`: what was current before.
    Previous,
    /// A label of the operator's own.
    Custom(String),
}

impl Stage {
    /// The label as Secrets Manager writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Pending => "AWSPENDING",
            Self::Previous => "AWSPREVIOUS",
            Self::Custom(label) => label,
        }
    }
}

impl From<&str> for Stage {
    fn from(label: &str) -> Self {
        match label {
            "AWSCURRENT" => Self::Current,
            "AWSPENDING" => Self::Pending,
            "AWSPREVIOUS" => Self::Previous,
            other => Self::Custom(other.to_owned()),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `DescribeSecret` says. Holds no secret value.
#[derive(Debug, Clone)]
pub struct SecretDescription {
    /// The full ARN.
    pub arn: SecretId,
    /// The name.
    pub name: String,
    /// Whether rotation is on. Absent where it never was configured.
    pub rotation_enabled: Option<bool>,
    /// Every version that carries a label, with its labels.
    pub stages: BTreeMap<VersionId, BTreeSet<Stage>>,
    /// Its key in KMS, as whoever chose it spelled that; absent for AWS's own.
    pub key: Option<String>,
    /// Tags, as they are spelled.
    pub tags: BTreeMap<String, String>,
    /// When the secret will be deleted, if it is scheduled for that.
    pub deleted_at: Option<SystemTime>,
    /// When it was last rotated.
    pub last_rotated_at: Option<SystemTime>,
    /// When anything about it last changed.
    pub last_changed_at: Option<SystemTime>,
}

impl SecretDescription {
    /// The version that a rotation is under way to, or stopped at: `AWSPENDING` and not current.
    pub fn unfinished(&self) -> Option<&VersionId> {
        let pending = self.version_with(&Stage::Pending)?;
        (self.version_with(&Stage::Current) != Some(pending)).then_some(pending)
    }

    /// The version that carries a label.
    pub fn version_with(&self, stage: &Stage) -> Option<&VersionId> {
        self.stages.iter().find(|(_, stages)| stages.contains(stage)).map(|(version, _)| version)
    }
}

/// Which version to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSelector {
    /// Whichever carries this label.
    Stage(Stage),
    /// This one, whatever its labels.
    Version(VersionId),
    /// This one, and only if it carries this label.
    Both(VersionId, Stage),
}

mute!(SecretValue, PendingValue);

/// One version's value.
pub struct SecretValue {
    /// Which version it is.
    pub version: VersionId,
    /// When it was made.
    pub created_at: Option<SystemTime>,
    /// The `SecretString`. `None`: the version holds `SecretBinary`, which no rotation uses.
    pub text: Option<Secret>,
}

/// A new version to be stored as pending.
pub struct PendingValue {
    /// The client request token, which becomes the version.
    pub version: VersionId,
    /// The whole secret value.
    pub text: Secret,
    /// The event's RotationToken, passed on so that cross-account rotations are allowed.
    pub rotation_token: Option<Secret>,
}

/// A label to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageMove {
    /// Which label.
    pub stage: Stage,
    /// The version that carries it now.
    pub remove_from: Option<VersionId>,
    /// The version that is to carry it. `None` takes it off.
    pub move_to: Option<VersionId>,
}

impl StageMove {
    /// `AWSPENDING` is taken off this version, which gives its rotation up.
    pub fn pending_off(version: VersionId) -> Self {
        Self { stage: Stage::Pending, remove_from: Some(version), move_to: None }
    }
}

/// What `GetRandomPassword` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordRequest {
    /// In characters; 1 to 4096.
    pub length: u32,
    /// Characters that may not occur.
    pub exclude_characters: String,
    /// Leave out digits.
    pub exclude_numbers: bool,
    /// Leave out punctuation.
    pub exclude_punctuation: bool,
    /// Leave out upper-case letters.
    pub exclude_uppercase: bool,
    /// Leave out lower-case letters.
    pub exclude_lowercase: bool,
    /// At least one of every kind that is not left out.
    pub require_each_included_type: bool,
}

/// One line of `ListSecretVersionIds`.
#[derive(Debug, Clone)]
pub struct VersionListing {
    /// Which version.
    pub version: VersionId,
    /// Its labels; none for a deprecated one.
    pub stages: BTreeSet<Stage>,
    /// When it was made.
    pub created_at: Option<SystemTime>,
}
