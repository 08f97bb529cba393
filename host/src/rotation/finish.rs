//! finishSecret: `AWSCURRENT` moves to the new version, in one call.
//!
//! Secrets Manager moves `AWSPREVIOUS` by itself. `AWSPENDING` stays on the version that is now
//! current, which is how Secrets Manager recognises a finished rotation: the next one starts. No
//! value is ever written here, and a version without a password never becomes current.

use super::event::RotationEvent;
use super::plan::{Invoker, Plan, plan};
use super::service::Catalog;
use super::{Outcome, Rotation};
use crate::error::Error;
use crate::rds::Rds;
use crate::store::{SecretStore, Stage, StageMove, StoreErrorKind};

impl<S: SecretStore, C: Catalog, R: Rds> Rotation<'_, S, C, R> {
    pub(super) async fn finish(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some((secret, pending)) = self.read_pending(event, invoker).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        // The last thing that anybody checks before applications get this version.
        pending.password()?;
        let replaced = secret.version_with(&Stage::Current).cloned();
        let change = StageMove {
            stage: Stage::Current,
            remove_from: replaced.clone(),
            move_to: Some(event.version.clone()),
        };
        self.progress.note("moving AWSCURRENT to the new version");
        match self.store.move_stage(&event.secret_id, &change).await {
            Ok(()) => Ok(Outcome::Finished { replaced }),
            // The label moved since it was read, or the first answer was lost. If it moved here,
            // this is what was wanted.
            Err(error) if error.kind == StoreErrorKind::Invalid => {
                let secret = self.store.describe(&event.secret_id).await?;
                match plan(event.step, invoker, &secret, &event.version)? {
                    Plan::AlreadyCurrent => Ok(Outcome::AlreadyCurrent),
                    Plan::Run => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }
}
