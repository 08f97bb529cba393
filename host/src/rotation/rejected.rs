//! A new password that the service does not take: the rotation is given up.
//!
//! A version's value never changes, and RotateSecret refuses to begin while `AWSPENDING` is on a
//! version that is not current: so the same password would be tried for ever, whatever the operator
//! sets. setSecret takes the label off its own version and fails with the setting to change; the next
//! RotateSecret brings another token, and so another password.
//!
//! Only where nobody loses a password that is in force. A candidate signed in before the change was
//! tried (the plugin says so by this kind of failure), and then:
//! - with a single user, the account has that password and so not the pending one. It signs in once
//!   more before the label goes: another invocation of the step may have set the pending password
//!   meanwhile, and a policy against repetitions then rejects it. No other password is tried: it would
//!   be one more failed sign-in. Where the change is made elsewhere than the sign-in, which may lag
//!   behind, the label stays;
//! - with alternating users, the pending password is of the account that nobody uses;
//! - with dual passwords, that of `AWSCURRENT` signs in beside it, and the next rotation ends it.
//!
//! The label stays, too, where the password in force is of a version without a label: each rotation
//! that is given up leaves one more of those, and few of them are tried.
//!
//! If the function dies before the label is off, the next attempt finds the same; after that, an
//! attempt with the same token fails, because its version has no label.

use super::Rotation;
use super::error::Error;
use super::event::RotationEvent;
use super::mismatch::drop_pending;
use super::participants::Participants;
use super::ports::{Catalog, SecretStore, StageMove, StoreErrorKind};
use super::service_error::ServiceError;
use super::set::{CURRENT, Learnt, PREVIOUS};
use super::strategy::Strategy;
use crate::inventory::Inventory;

/// What became of the rotation whose password was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GivenUp {
    /// `AWSPENDING` is off its version.
    #[error(
        "this rotation was given up, AWSPENDING is off version {version}: rotate again with \
         RotateSecret or `windlass rotate`, which makes a new password"
    )]
    Done {
        /// The version.
        version: String,
    },
    /// The label is still there.
    #[error("{why}; {}", drop_pending(secret, version))]
    Not {
        /// The secret's name.
        secret: String,
        /// The version.
        version: String,
        /// Why.
        why: String,
    },
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// Gives the rotation up, if its password was not taken; passes on any other error.
    pub(super) async fn give_up_if_rejected(
        &self,
        event: &RotationEvent,
        participants: &Participants<'_, C::Service>,
        learnt: &Learnt,
        error: Error,
    ) -> Error {
        let Error::Service(ServiceError::PasswordRejected { attempt, place, failure, .. }) = error
        else {
            return error;
        };
        let given_up = Some(Box::new(self.give_up(event, participants, learnt).await));
        ServiceError::PasswordRejected { attempt, place, failure, given_up }.into()
    }

    async fn give_up(
        &self,
        event: &RotationEvent,
        participants: &Participants<'_, C::Service>,
        learnt: &Learnt,
    ) -> GivenUp {
        let version = event.version.to_string();
        let not = |why: String| GivenUp::Not {
            secret: participants.secret.name.clone(),
            version: version.clone(),
            why,
        };
        let Some((login, with)) =
            learnt.signed_in.get().filter(|(_, with)| [CURRENT, PREVIOUS].contains(&with.as_str()))
        else {
            return not(
                "the password in force is of a version without a label, which further versions would \
                 hide, so AWSPENDING stays where it is"
                    .to_owned(),
            );
        };
        let elsewhere = learnt.admin().is_some_and(|admin| !admin.place.is(&login.place));
        if participants.strategy == Strategy::SingleUser && elsewhere {
            return not(
                "the password is changed at another place than it signs in, which may lag behind, so \
                 AWSPENDING stays where it is"
                    .to_owned(),
            );
        }
        if participants.strategy == Strategy::SingleUser
            && let Err(error) = self.verify(&participants.service, login, with).await
        {
            return not(format!(
                "AWSPENDING stays where it is, since another attempt may have set that password: {error}"
            ));
        }
        self.progress.note("taking AWSPENDING off a version whose password was rejected");
        let change = StageMove::pending_off(event.version.clone());
        match self.store.move_stage(&event.secret_id, &change).await {
            Ok(()) => GivenUp::Done { version },
            // It is not there any more: another attempt was faster, or the first answer was lost.
            Err(error) if error.kind == StoreErrorKind::Invalid => GivenUp::Done { version },
            Err(error) => not(error.to_string()),
        }
    }
}
