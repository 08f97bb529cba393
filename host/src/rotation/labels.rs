//! Moving staging labels: the one part of a rotation that can.

use super::ports::{SecretId, SecretStore, Stage, StageMove, StoreError, VersionId};
use super::progress::Progress;

/// The labels of the secrets in a store.
pub(super) struct Labels<'a, S> {
    store: &'a S,
    progress: &'a Progress,
}

impl<'a, S: SecretStore> Labels<'a, S> {
    /// Those of this store.
    pub(super) fn new(store: &'a S, progress: &'a Progress) -> Self {
        Self { store, progress }
    }

    /// Moves `AWSCURRENT`, from this version or from none.
    pub(super) async fn move_current(
        &self,
        secret: &SecretId,
        from: Option<VersionId>,
        to: VersionId,
    ) -> Result<(), StoreError> {
        self.progress.note("moving AWSCURRENT to the new version");
        let change = StageMove { stage: Stage::Current, remove_from: from, move_to: Some(to) };
        self.store.move_stage(secret, &change).await
    }

    /// Takes `AWSPENDING` off a version, which gives its rotation up.
    pub(super) async fn take_pending_off(
        &self,
        secret: &SecretId,
        version: VersionId,
    ) -> Result<(), StoreError> {
        self.progress.note("taking AWSPENDING off a version");
        self.store.move_stage(secret, &StageMove::pending_off(version)).await
    }
}
