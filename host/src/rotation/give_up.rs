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

use super::change::Learnt;
use super::error::Error;
use super::event::RotationEvent;
use super::labels::Labels;
use super::participants::Participants;
use super::ports::{SecretStore, Service, StoreErrorKind};
use super::service_error::{GivenUp, ServiceError};
use super::sign_in::SignIn;
use super::strategy::Strategy;

/// Gives the rotation up, if its password was not taken; passes on any other error.
pub(super) async fn give_up_if_rejected<S: SecretStore, P: Service>(
    parts: (&SignIn<'_>, &Labels<'_, S>),
    event: &RotationEvent,
    participants: &Participants<'_, P>,
    learnt: &Learnt,
    error: Error,
) -> Error {
    let Error::Service(ServiceError::PasswordRejected { attempt, place, failure, .. }) = error
    else {
        return error;
    };
    let given_up = Some(Box::new(give_up(parts, event, participants, learnt).await));
    ServiceError::PasswordRejected { attempt, place, failure, given_up }.into()
}

async fn give_up<S: SecretStore, P: Service>(
    (sign_in, labels): (&SignIn<'_>, &Labels<'_, S>),
    event: &RotationEvent,
    participants: &Participants<'_, P>,
    learnt: &Learnt,
) -> GivenUp {
    let version = event.version.to_string();
    let not = |why: String| GivenUp::Not {
        secret: participants.secret.name.clone(),
        version: version.clone(),
        why,
    };
    let Some((login, with)) = learnt.signed_in.get().filter(|(_, with)| with.is_labelled()) else {
        return not(
            "AWSPENDING was not removed, because the password in force is of a version without a \
             label, which further versions would hide"
                .to_owned(),
        );
    };
    let elsewhere = learnt.admin().is_some_and(|admin| !admin.place.is(&login.place));
    if participants.strategy == Strategy::SingleUser && elsewhere {
        return not(
            "AWSPENDING was not removed, because the password is changed at another host than \
             the one where it signs in, which may lag behind"
                .to_owned(),
        );
    }
    if participants.strategy == Strategy::SingleUser
        && let Err(error) = sign_in.verify(&participants.service, login, with).await
    {
        return not(format!(
            "AWSPENDING was not removed, because another attempt may have set that password: \
             {error}"
        ));
    }
    match labels.take_pending_off(&event.secret_id, event.version.clone()).await {
        Ok(()) => GivenUp::Done { version },
        // It is not there any more: another attempt was faster, or the first answer was lost.
        Err(error) if error.kind == StoreErrorKind::Invalid => GivenUp::Done { version },
        Err(error) => not(error.to_string()),
    }
}
