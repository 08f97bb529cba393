//! The secret store, as the rotation sees it: exactly the calls that the steps make.
//!
//! [`aws`] is Secrets Manager over its API, [`embedded`] the one in this process. A store reports
//! what happened; what it means for the rotation is decided in `rotation`.

pub mod aws;
mod aws_failure;
#[cfg(feature = "cli")]
pub mod embedded;
mod punctual;
mod types;

use std::future::Future;
use std::sync::Arc;

pub(crate) use punctual::Punctual;
pub use types::{
    PasswordRequest, PendingValue, SecretDescription, SecretValue, Stage, StageMove, StoreError,
    StoreErrorKind, VersionId, VersionListing, VersionSelector,
};

use crate::secret::Secret;

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
    /// See [`StoreErrorKind`].
    fn describe(
        &self,
        secret_id: &str,
    ) -> impl Future<Output = Result<SecretDescription, StoreError>> + Send;

    /// `GetSecretValue` of one version.
    ///
    /// # Errors
    /// `NotFound` if there is no such version or it has no value.
    fn value(
        &self,
        secret_id: &str,
        version: &VersionSelector,
    ) -> impl Future<Output = Result<SecretValue, StoreError>> + Send;

    /// `PutSecretValue` with `VersionStages=[AWSPENDING]`. Never moves `AWSCURRENT`.
    ///
    /// # Errors
    /// `AlreadyExists` if that version has another value.
    fn put_pending(
        &self,
        secret_id: &str,
        pending: &PendingValue,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// `UpdateSecretVersionStage`.
    ///
    /// # Errors
    /// `Invalid` if the label is not where `remove_from` says.
    fn move_stage(
        &self,
        secret_id: &str,
        change: &StageMove,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// `GetRandomPassword`.
    ///
    /// # Errors
    /// See [`StoreErrorKind`].
    fn random_password(
        &self,
        request: &PasswordRequest,
    ) -> impl Future<Output = Result<Secret, StoreError>> + Send;

    /// `ListSecretVersionIds` with deprecated versions, newest first.
    ///
    /// # Errors
    /// See [`StoreErrorKind`].
    fn versions(
        &self,
        secret_id: &str,
    ) -> impl Future<Output = Result<Vec<VersionListing>, StoreError>> + Send;
}

/// What a store holds, for people who look at all of it. No rotation does.
#[cfg(feature = "cli")]
pub trait SecretList: Send + Sync {
    /// `ListSecrets`: the names, without those that are scheduled for deletion.
    ///
    /// # Errors
    /// See [`StoreErrorKind`].
    fn names(&self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;
}

/// A store that several parts of a process share.
impl<S: SecretStore> SecretStore for Arc<S> {
    fn address(&self) -> &str {
        (**self).address()
    }

    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        (**self).describe(secret_id).await
    }

    async fn value(
        &self,
        secret_id: &str,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        (**self).value(secret_id, version).await
    }

    async fn put_pending(&self, secret_id: &str, pending: &PendingValue) -> Result<(), StoreError> {
        (**self).put_pending(secret_id, pending).await
    }

    async fn move_stage(&self, secret_id: &str, change: &StageMove) -> Result<(), StoreError> {
        (**self).move_stage(secret_id, change).await
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        (**self).random_password(request).await
    }

    async fn versions(&self, secret_id: &str) -> Result<Vec<VersionListing>, StoreError> {
        (**self).versions(secret_id).await
    }
}
