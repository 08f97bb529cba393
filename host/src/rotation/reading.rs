//! Reading secrets: all that a part of a rotation can do with a [`Reader`].
//!
//! Secrets Manager's answers may lag behind its own writes by a moment: a label that was just set
//! is not shown yet, a version that was just stored is not found, `AWSCURRENT` is still the replaced
//! version. None of that may be taken for the truth, so what contradicts the event or itself is read
//! again, a few times, before it counts.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::document::SecretDocument;
use super::error::Error;
use super::event::RotationEvent;
use super::mismatch::Mismatch;
use super::plan::{Invoker, Plan, Refusal, plan};
use super::ports::{
    SecretDescription, SecretId, SecretStore, SecretValue, Stage, StoreError, StoreErrorKind,
    VersionListing, VersionSelector,
};
use super::progress::Progress;
use super::secret_problem::Origin;

/// The pauses before reading again. The stores of unit tests don't lag.
fn pauses() -> impl Iterator<Item = Duration> {
    let milliseconds = if cfg!(test) { [1, 1, 1] } else { [100, 300, 900] };
    milliseconds.into_iter().map(Duration::from_millis).map(jittered)
}

/// Between three quarters and five quarters of a pause: rotations that began together, as schedules
/// have them, should not read again together.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness the pause is as good as any other.
    let _ = SystemRandom::new().fill(&mut byte);
    let [random] = byte;
    pause.mul_f64(0.75 + f64::from(random) / 510.0)
}

/// What setSecret and finishSecret look at, settled.
pub(super) struct Both {
    pub(super) secret: SecretDescription,
    pub(super) current: SecretValue,
    pub(super) pending: SecretValue,
}

/// A store that is only read.
pub(super) struct Reader<'a, S> {
    store: &'a S,
    progress: &'a Progress,
}

impl<S> Clone for Reader<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Reader<'_, S> {}

impl<'a, S: SecretStore> Reader<'a, S> {
    /// Reads from this store.
    pub(super) fn new(store: &'a S, progress: &'a Progress) -> Self {
        Self { store, progress }
    }

    /// What is known of a secret beside its values.
    pub(super) async fn describe(
        &self,
        secret_id: &SecretId,
    ) -> Result<SecretDescription, StoreError> {
        self.store.describe(secret_id).await
    }

    /// The value of one version.
    pub(super) async fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        self.store.value(secret_id, version).await
    }

    /// All versions, newest first.
    pub(super) async fn versions(
        &self,
        secret_id: &SecretId,
    ) -> Result<Vec<VersionListing>, StoreError> {
        self.store.versions(secret_id).await
    }

    /// The secret, its current version and the pending one. `None`: the version is current already.
    pub(super) async fn read_both(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Option<Both>, Error> {
        self.note_reading();
        let by_version = VersionSelector::Version(event.version.clone());
        let (secret, current, pending) = tokio::join!(
            self.store.describe(&event.secret_id),
            self.store.value(&event.secret_id, &VersionSelector::Stage(Stage::Current)),
            self.store.value(&event.secret_id, &by_version),
        );
        let Some(secret) = self.planned(event, invoker, secret).await? else { return Ok(None) };
        let pending = self.pending_value(event, &secret, pending).await?;
        let settled = self.with_current(event, invoker, secret, current).await?;
        Ok(settled.map(|(secret, current)| Both { secret, current, pending }))
    }

    /// The secret and its pending version, for the step that looks at no other. `None`: the version
    /// is current already.
    pub(super) async fn read_pending(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Option<(SecretDescription, SecretDocument)>, Error> {
        self.note_reading();
        let by_version = VersionSelector::Version(event.version.clone());
        let (secret, pending) = tokio::join!(
            self.store.describe(&event.secret_id),
            self.store.value(&event.secret_id, &by_version),
        );
        let Some(secret) = self.planned(event, invoker, secret).await? else {
            return Ok(None);
        };
        let pending = self.pending_value(event, &secret, pending).await?;
        let origin = Origin { secret: secret.name.clone(), role: Stage::Pending };
        let pending = SecretDocument::parse(&pending, origin)?;
        Ok(Some((secret, pending)))
    }

    /// A version that may not be there, or have no value.
    pub(super) async fn value_if_there(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<Option<SecretValue>, StoreError> {
        match self.store.value(secret_id, version).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind == StoreErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says what is under way.
    pub(super) fn note_reading(&self) {
        self.progress.note(format!("reading the secret from {}", self.store.address()));
    }

    /// The secret, once its labels allow the step. `None`: the version is current already.
    pub(super) async fn planned(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
        first: Result<SecretDescription, StoreError>,
    ) -> Result<Option<SecretDescription>, Error> {
        let mut secret = first?;
        let mut pauses = pauses();
        loop {
            let refusal = match plan(event.step, invoker, &secret, &event.version) {
                Ok(Plan::Run) => return Ok(Some(secret)),
                Ok(Plan::AlreadyCurrent) => return Ok(None),
                Err(refusal) => refusal,
            };
            // Secrets Manager has just set the label; a person may have mistyped the token.
            let may_lag = invoker == Invoker::SecretsManager
                && matches!(refusal, Refusal::UnknownVersion { .. } | Refusal::NotPending { .. });
            let Some(pause) = pauses.next().filter(|_| may_lag) else {
                return Err(refusal.into());
            };
            tokio::time::sleep(pause).await;
            secret = self.store.describe(&event.secret_id).await?;
        }
    }

    /// The secret and its current version, once that is the one that carries the label. `None`: the
    /// event's version has become current meanwhile, by the same event sent twice.
    pub(super) async fn with_current(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
        mut secret: SecretDescription,
        first: Result<SecretValue, StoreError>,
    ) -> Result<Option<(SecretDescription, SecretValue)>, Error> {
        let mut value = first?;
        let mut pauses = pauses();
        loop {
            let labelled = secret.version_with(&Stage::Current);
            if labelled.is_none_or(|labelled| *labelled == value.version) {
                return Ok(Some((secret, value)));
            }
            if value.version == event.version {
                return Ok(None);
            }
            let Some(pause) = pauses.next() else {
                return Err(StoreError {
                    kind: StoreErrorKind::Transient,
                    action: "GetSecretValue",
                    resource: event.secret_id.to_string(),
                    message: "DescribeSecret and GetSecretValue disagree about which version is \
                              AWSCURRENT: a change has not reached both yet; try again"
                        .to_owned(),
                    source: None,
                }
                .into());
            };
            tokio::time::sleep(pause).await;
            // Either may be the one that was behind.
            let current = VersionSelector::Stage(Stage::Current);
            let (described, read) = tokio::join!(
                self.store.describe(&event.secret_id),
                self.store.value(&event.secret_id, &current),
            );
            match self.planned(event, invoker, described).await? {
                Some(again) => secret = again,
                None => return Ok(None),
            }
            value = read?;
        }
    }

    /// The pending version's value, or what to do where there is none.
    pub(super) async fn pending_value(
        &self,
        event: &RotationEvent,
        secret: &SecretDescription,
        first: Result<SecretValue, StoreError>,
    ) -> Result<SecretValue, Error> {
        let mut answer = first;
        for pause in pauses() {
            match answer {
                Err(error) if error.kind == StoreErrorKind::NotFound => {}
                settled => return Ok(settled?),
            }
            tokio::time::sleep(pause).await;
            let by_version = VersionSelector::Version(event.version.clone());
            answer = self.store.value(&event.secret_id, &by_version).await;
        }
        match answer {
            Err(error) if error.kind == StoreErrorKind::NotFound => Err(Mismatch::NoPendingValue {
                secret: secret.name.clone(),
                version: event.version.to_string(),
            }
            .into()),
            answer => Ok(answer?),
        }
    }
}
