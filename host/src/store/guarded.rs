//! A step's store: its calls end when the step does, and every secret that it hands in or out is
//! known to the step's [`Redactor`] before anybody else sees it.
//!
//! The SDK retries within a call, for longer than a short Lambda timeout allows. A call that is cut
//! off here says which one it was and at which address, and leaves the step the time to report it.

use std::time::{Duration, Instant};

use crate::aws::connect_error::AwsService;
use crate::network::seconds;
use crate::redact::Redactor;
use crate::rotation::ports::{
    PasswordRequest, PendingValue, SecretDescription, SecretId, SecretStore, SecretValue,
    StageMove, StoreError, StoreErrorKind, VersionListing, VersionSelector,
};
use crate::secret::Secret;

/// A store, until a moment.
pub(crate) struct GuardedStore<'a, S> {
    store: &'a S,
    until: Option<Instant>,
    redactor: &'a Redactor,
}

impl<'a, S: SecretStore> GuardedStore<'a, S> {
    /// The store's calls, none of which lasts beyond `until`. Their secrets go to `redactor`, too.
    pub(crate) fn new(store: &'a S, until: Option<Instant>, redactor: &'a Redactor) -> Self {
        Self { store, until, redactor }
    }

    async fn bounded<T>(
        &self,
        (action, resource): (&'static str, &str),
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(until) = self.until else { return call.await };
        let begun = Instant::now();
        let answer = tokio::time::timeout_at(until.into(), call).await;
        answer.unwrap_or_else(|_| Err(self.out_of_time(action, resource, begun.elapsed())))
    }

    fn out_of_time(&self, action: &'static str, resource: &str, waited: Duration) -> StoreError {
        // To a tenth of a second: what was waited for beyond that is scheduling.
        let waited =
            Duration::from_millis(u64::try_from(waited.as_millis()).unwrap_or(0) / 100 * 100);
        StoreError {
            kind: StoreErrorKind::Transient,
            action,
            resource: resource.to_owned(),
            message: format!(
                "no answer from {} within {}, the time that the function's timeout, or --timeout, leaves; {}",
                self.store.address(),
                seconds(waited),
                AwsService::secrets_manager(self.store.address()).advice()
            ),
            source: None,
        }
    }
}

impl<S: SecretStore> SecretStore for GuardedStore<'_, S> {
    fn address(&self) -> &str {
        self.store.address()
    }

    async fn describe(&self, secret_id: &SecretId) -> Result<SecretDescription, StoreError> {
        self.bounded(("DescribeSecret", secret_id.as_str()), self.store.describe(secret_id)).await
    }

    async fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        let call = self.store.value(secret_id, version);
        let value = self.bounded(("GetSecretValue", secret_id.as_str()), call).await?;
        if let Some(text) = &value.text {
            self.redactor.learn_version(text);
        }
        Ok(value)
    }

    async fn put_pending(
        &self,
        secret_id: &SecretId,
        pending: &PendingValue,
    ) -> Result<(), StoreError> {
        self.redactor.learn_version(&pending.text);
        pending.rotation_token.iter().for_each(|token| self.redactor.learn(token));
        let call = self.store.put_pending(secret_id, pending);
        self.bounded(("PutSecretValue", secret_id.as_str()), call).await
    }

    async fn move_stage(&self, secret_id: &SecretId, change: &StageMove) -> Result<(), StoreError> {
        let call = self.store.move_stage(secret_id, change);
        self.bounded(("UpdateSecretVersionStage", secret_id.as_str()), call).await
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        let call = self.store.random_password(request);
        let password = self.bounded(("GetRandomPassword", ""), call).await?;
        self.redactor.learn(&password);
        Ok(password)
    }

    async fn versions(&self, secret_id: &SecretId) -> Result<Vec<VersionListing>, StoreError> {
        self.bounded(("ListSecretVersionIds", secret_id.as_str()), self.store.versions(secret_id))
            .await
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;
    use crate::rotation::ports::{Stage, VersionId};
    use crate::secret::Secret;
    use windlass_secrets_manager::{CreateSecret, EmbeddedStore};

    #[tokio::test]
    async fn whatever_passes_here_is_known_to_the_redactor() {
        let store = EmbeddedStore::in_memory();
        let text = |password: &str| format!(r#"{{"password":"{password}"}}"#);
        store.create_secret(CreateSecret::with_text("s", text("correct horse"))).unwrap();
        let redactor = Redactor::default();
        let store = GuardedStore::new(&store, None, &redactor);

        let sanitized = |text: &str| redactor.scrub(text, 200);
        assert_eq!(sanitized("correct horse"), "correct horse", "nobody has read it");
        store.value(&SecretId::new("s"), &VersionSelector::Stage(Stage::Current)).await.unwrap();
        assert_eq!(sanitized("correct horse"), "[redacted]");

        let request = PasswordRequest {
            length: 32,
            exclude_characters: String::new(),
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            require_each_included_type: true,
        };
        let password = store.random_password(&request).await.unwrap();
        assert_eq!(sanitized(password.reveal()), "[redacted]");

        let pending = crate::rotation::ports::PendingValue {
            version: VersionId::new("00000000-0000-4000-8000-000000000000"),
            text: Secret::new(text("battery staple")),
            rotation_token: Some(Secret::new("a token of rotation".to_owned())),
        };
        // Known whether or not the store takes it: its refusal may quote it.
        let _ = store.put_pending(&SecretId::new("s"), &pending).await;
        assert_eq!(sanitized("battery staple, a token of rotation"), "[redacted], [redacted]");
    }
}
