//! finishSecret: `AWSCURRENT` moves to the new version, in one call.
//!
//! Only if the new version still is the current one but for the credential: an operator who edits
//! the secret after setSecret (another host, another user, a key more) would find the edit undone,
//! and get no report. An edit that comes later still makes the call itself fail: it names the
//! version that was read as the one to take the label from. And where somebody stored another
//! password by hand since this rotation began, they may have set it at the service too: then the
//! new one has to prove itself once more.
//!
//! Secrets Manager moves `AWSPREVIOUS` by itself. `AWSPENDING` stays on the version that is now
//! current, which is how Secrets Manager recognises a finished rotation: the next one starts. No
//! value is ever written here, and a version without a password never becomes current.

use crate::rotation::credential::Credential;
use crate::rotation::error::Error;
use crate::rotation::event::RotationEvent;
use crate::rotation::labels::Labels;
use crate::rotation::outcome::Outcome;
use crate::rotation::participants::Participants;
use crate::rotation::plan::{Invoker, Plan, plan};
use crate::rotation::ports::{Catalog, SecretStore, Stage, StoreErrorKind};
use crate::rotation::reading::{Both, Reader};
use crate::rotation::selection::Selection;
use crate::rotation::sign_in::SignIn;

/// The step, with all that it may use.
pub(in crate::rotation) struct FinishStep<'a, S, C> {
    pub(in crate::rotation) reader: Reader<'a, S>,
    pub(in crate::rotation) selection: Selection<'a, C>,
    pub(in crate::rotation) sign_in: SignIn<'a>,
    pub(in crate::rotation) labels: Labels<'a, S>,
}

impl<S: SecretStore, C: Catalog> FinishStep<'_, S, C> {
    pub(in crate::rotation) async fn run(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some(Both { secret, current, pending }) = self.reader.read_both(event, invoker).await?
        else {
            return Ok(Outcome::AlreadyCurrent);
        };
        // The last thing that anybody checks before applications get this version.
        let participants =
            Participants::from_both(&self.selection, &secret, &current, &pending).await?;
        let edited = current.created_at.zip(pending.created_at).is_some_and(|(c, p)| c > p);
        if edited {
            let login = &participants.pending;
            self.sign_in.verify(&participants.service, login, &Credential::Pending).await?;
        }
        let replaced = secret.version_with(&Stage::Current).cloned();
        let moved =
            self.labels.move_current(&event.secret_id, replaced.clone(), event.version.clone());
        match moved.await {
            Ok(()) => Ok(Outcome::Finished { replaced }),
            // The label moved since it was read, or the first answer was lost. If it moved here,
            // this is what was wanted.
            Err(error) if error.kind == StoreErrorKind::Invalid => {
                let secret = self.reader.describe(&event.secret_id).await?;
                match plan(event.step, invoker, &secret, &event.version)? {
                    Plan::AlreadyCurrent => Ok(Outcome::AlreadyCurrent),
                    Plan::Run => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }
}
