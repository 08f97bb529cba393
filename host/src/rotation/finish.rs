//! finishSecret: `AWSCURRENT` moves to the new version, in one call.
//!
//! Only if the new version still is the current one but for the credential: an operator who edits
//! the secret after setSecret (another host, another user, a key more) would find the edit undone,
//! and be told nothing. An edit that comes later still makes the call itself fail: it names the
//! version that was read as the one to take the label from. And where somebody stored another
//! password by hand since this rotation began, they may have set it at the service too: then the
//! new one has to prove itself once more.
//!
//! Secrets Manager moves `AWSPREVIOUS` by itself. `AWSPENDING` stays on the version that is now
//! current, which is how Secrets Manager recognises a finished rotation: the next one starts. No
//! value is ever written here, and a version without a password never becomes current.

use super::error::Error;
use super::event::RotationEvent;
use super::plan::{Invoker, Plan, plan};
use super::ports::{Catalog, SecretStore, Stage, StageMove, StoreErrorKind};
use super::reading::Both;
use super::set::PENDING;
use super::{Outcome, Rotation};
use crate::inventory::Inventory;

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    pub(super) async fn finish(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some(Both { secret, current, pending }) = self.read_both(event, invoker).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        // The last thing that anybody checks before applications get this version.
        let participants = self.participants(&secret, &current, &pending).await?;
        let edited = current.created_at.zip(pending.created_at).is_some_and(|(c, p)| c > p);
        if edited {
            self.verify(&participants.service, &participants.pending, PENDING).await?;
        }
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
