//! setSecret: the service takes the new password.
//!
//! Candidates, in this order, each tried only if its predecessor was *refused* (not if the service
//! could not be reached, or said no for another reason):
//! 1. the current password: the ordinary case, so an ordinary rotation has no failed sign-in;
//! 2. the pending password: an earlier attempt got this far, nothing is left to do;
//! 3. the previous password, and those of orphaned versions (see [`older_passwords`](crate::rotation::older_passwords)):
//!    an earlier attempt was abandoned, or the service was restored from a backup;
//! 4. where 3 had any, the pending password once more: the same event may have come twice, and the
//!    other attempt found the password in force first.
//!
//! With a single user, what an earlier attempt of this process saw changes the order: see
//! [`traces`](crate::rotation::traces).
//!
//! With an administrator, a candidate must sign in before the administrator changes anything (see
//! [`change`](crate::rotation::change)). With alternating users that is the account in force, which is not the one that changes: it is refused
//! after a restore from a backup, or where an abandoned attempt was still at work when the next had
//! ended. With dual passwords the current password signs in before and after the change, so a second
//! attempt makes it again: the plugin leaves alone what is in force already.

use crate::rotation::answer::{Answer, answered};
use crate::rotation::change::{Learnt, PasswordChanges};
use crate::rotation::credential::Credential;
use crate::rotation::error::Error;
use crate::rotation::event::RotationEvent;
use crate::rotation::give_up::give_up_if_rejected;
use crate::rotation::labels::Labels;
use crate::rotation::older_passwords::{OlderPasswords, Which};
use crate::rotation::outcome::Outcome;
use crate::rotation::participants::{Participants, Versions};
use crate::rotation::plan::Invoker;
use crate::rotation::ports::{Catalog, Inventory, SecretStore};
use crate::rotation::reading::{Both, Reader};
use crate::rotation::selection::Selection;
use crate::rotation::sign_in::SignIn;
use crate::rotation::strategy::Strategy;
use crate::rotation::traces::Likelihood;

/// The step, with all that it may use.
pub(in crate::rotation) struct SetStep<'a, S, C, I> {
    pub(in crate::rotation) reader: Reader<'a, S>,
    pub(in crate::rotation) selection: Selection<'a, C>,
    pub(in crate::rotation) sign_in: SignIn<'a>,
    pub(in crate::rotation) changes: PasswordChanges<'a, S, I>,
    pub(in crate::rotation) labels: Labels<'a, S>,
}

impl<S: SecretStore, C: Catalog, I: Inventory> SetStep<'_, S, C, I> {
    pub(in crate::rotation) async fn run(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some(Both { secret, current, pending }) = self.reader.read_both(event, invoker).await?
        else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let participants =
            Participants::from_both(&self.selection, &secret, &current, &pending).await?;
        let learnt = Learnt::default();
        match self.set_with_any(&participants, &learnt).await {
            Err(error) => {
                let parts = (&self.sign_in, &self.labels);
                Err(give_up_if_rejected(parts, event, &participants, &learnt, error).await)
            }
            outcome => outcome,
        }
    }

    /// Tries the known passwords, the likeliest first, until one leads to an outcome.
    async fn set_with_any(
        &self,
        participants: &Participants<'_, C::Service>,
        learnt: &Learnt,
    ) -> Result<Outcome, Error> {
        let mut candidates = OlderPasswords::new(self.reader, self.sign_in.traces(), participants);
        let known = self.likeliest_first(participants);
        if known.iter().all(|(likelihood, _)| matches!(likelihood, Likelihood::Refused(_)))
            && let Some(outcome) =
                self.change_with_older(participants, learnt, &mut candidates, Which::Fresh).await?
        {
            return Ok(outcome);
        }
        let Versions { current, pending } = &participants.versions;
        for (_, credential) in known {
            let (version, answer) = match credential {
                Credential::Pending => (pending, self.already_set(participants).await?),
                _ => {
                    let with = &participants.current;
                    let changed = self.changes.change_with(participants, learnt, with, &credential);
                    (current, changed.await?)
                }
            };
            match answer {
                Answer::Accepted(outcome) => return Ok(outcome),
                Answer::Refused(failure) => {
                    self.sign_in.traces().refused(&participants.current.secret.id, version);
                    candidates.note(credential, failure);
                }
            }
        }
        if let Some(outcome) =
            self.change_with_older(participants, learnt, &mut candidates, Which::All).await?
        {
            return Ok(outcome);
        }
        if candidates.searched()
            && let Answer::Accepted(outcome) = self.already_set(participants).await?
        {
            return Ok(outcome);
        }
        Err(candidates.in_vain())
    }

    /// The current and the pending version in the order in which they are tried. With two passwords
    /// or two accounts the current one signs in whatever became of the change, and has the change
    /// made again, of which an earlier attempt may have made a part.
    fn likeliest_first(
        &self,
        participants: &Participants<'_, C::Service>,
    ) -> [(Likelihood, Credential); 2] {
        let (traces, secret) = (self.sign_in.traces(), &participants.current.secret.id);
        let Versions { current, pending } = &participants.versions;
        let of = |version, credential| (traces.of(secret, version), credential);
        let mut known = [of(current, Credential::Current), of(pending, Credential::Pending)];
        if participants.strategy == Strategy::SingleUser {
            known.sort_by_key(|(likelihood, _)| *likelihood);
        }
        known
    }

    /// Whether the pending password signs in: an earlier attempt set it.
    async fn already_set(
        &self,
        participants: &Participants<'_, C::Service>,
    ) -> Result<Answer<Outcome>, Error> {
        let login = &participants.pending;
        let verified =
            self.sign_in.verify(&participants.service, login, &Credential::Pending).await;
        let answer = answered(verified.map(|()| Outcome::AlreadySet))?;
        if matches!(answer, Answer::Accepted(_)) {
            self.changes.note_set(participants);
        }
        Ok(answer)
    }

    /// Tries the older passwords that are left, until one leads to an outcome.
    async fn change_with_older(
        &self,
        participants: &Participants<'_, C::Service>,
        learnt: &Learnt,
        candidates: &mut OlderPasswords<'_, S, C::Service>,
        which: Which,
    ) -> Result<Option<Outcome>, Error> {
        while let Some(candidate) = candidates.next(which).await? {
            let (login, with) = (&candidate.login, &candidate.credential);
            let outcome = self.changes.change_with(participants, learnt, login, with).await;
            if let Some(outcome) = candidates.settle(&candidate, outcome)? {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }
}
