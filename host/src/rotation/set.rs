//! setSecret: the service takes the new password.
//!
//! Candidates, in this order, each tried only if the one before was *refused* (not if the service
//! could not be reached, or said no for another reason):
//! 1. the current password: the ordinary case, so an ordinary rotation has no failed sign-in;
//! 2. the pending password: an earlier attempt got this far, nothing is left to do;
//! 3. the previous password, and those of orphaned versions (see [`candidates`](super::candidates)):
//!    an earlier attempt was abandoned, or the service was restored from a backup;
//! 4. where 3 had any, the pending password once more: the same event may have come twice, and the
//!    other attempt found the password in force first.
//!
//! With a single user, what an earlier attempt of this process saw changes the order: see
//! [`traces`](super::traces).
//!
//! With an administrator, a candidate must sign in before the administrator changes anything:
//! otherwise whoever may write the secret could have any account's password changed. That sign-in
//! is worth what the administrator's act needs: it is made with the stricter of both secrets' `ssl`,
//! and where both do without TLS, the server has to prove itself ([`Proof::Mutual`]). So is the
//! administrator's own: passwords of the other secret go through that session. With
//! alternating users that is the account in force, which is not the one that changes: it is refused
//! after a restore from a backup, or where an abandoned attempt was still at work when the next had
//! ended. With dual passwords the current password signs in before and after the change, so a second
//! attempt makes it again: the plugin leaves alone what is in force already.

use std::sync::OnceLock;

use tokio::sync::OnceCell;

use super::candidates::{OlderPasswords, Which};
use super::error::Error;
use super::event::RotationEvent;
use super::participants::{Answer, Participants, Versions, answered};
use super::plan::Invoker;
use super::ports::{
    Catalog, Change, FailureKind, Login, Proof, SecretDescription, SecretStore, Stage, TlsMode,
};
use super::reading::Both;
use super::service_error::ServiceError;
use super::strategy::Strategy;
use super::traces::Likelihood;
use super::{Outcome, Rotation};
use crate::inventory::Inventory;
use crate::text::quoted;

/// How the current version's password is called in messages.
pub(super) const CURRENT: &str = "the AWSCURRENT password";
/// How the pending version's password is called in messages.
pub(super) const PENDING: &str = "the AWSPENDING password";
/// How the version before's password is called in messages.
pub(super) const PREVIOUS: &str = "the AWSPREVIOUS password";
/// How an administrator's password is called in messages.
pub(super) const BY_ADMIN: &str = "the admin secret's password";
/// The same where the administrator's own secret would do without TLS.
const BY_ADMIN_OVER_TLS: &str = "the admin secret's password over TLS, which the secret asks for \
                                 although its admin secret says \"ssl\": false,";

/// What the trials of one attempt find out for each other.
#[derive(Default)]
pub(super) struct Learnt {
    /// The administrator, read once.
    admin: OnceCell<Login>,
    /// The password that signed in before the service rejected the new one, and what it is called.
    pub(super) signed_in: OnceLock<(Login, String)>,
}

impl Learnt {
    /// The administrator, if it was read.
    pub(super) fn admin(&self) -> Option<&Login> {
        self.admin.get()
    }
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    pub(super) async fn set(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some(Both { secret, current, pending }) = self.read_both(event, invoker).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let participants = self.participants(&secret, &current, &pending).await?;
        let learnt = Learnt::default();
        match self.set_with_any(event, &participants, &learnt).await {
            Err(error) => Err(self.give_up_if_rejected(event, &participants, &learnt, error).await),
            outcome => outcome,
        }
    }

    /// Tries the known passwords, the likeliest first, until one leads to an outcome.
    async fn set_with_any(
        &self,
        event: &RotationEvent,
        participants: &Participants<'_, C::Service>,
        learnt: &Learnt,
    ) -> Result<Outcome, Error> {
        let mut candidates = self.older_passwords(&event.secret_id, participants);
        let known = self.likeliest_first(participants);
        if known.iter().all(|(likelihood, _)| matches!(likelihood, Likelihood::Refused(_)))
            && let Some(outcome) =
                self.change_with_older(participants, learnt, &mut candidates, Which::Fresh).await?
        {
            return Ok(outcome);
        }
        let Versions { current, pending } = &participants.versions;
        for (_, stage) in known {
            let (version, answer) = match stage {
                Stage::Pending => (pending, self.already_set(participants).await?),
                _ => {
                    let with = &participants.current;
                    (current, self.change_with(participants, learnt, with, CURRENT).await?)
                }
            };
            match answer {
                Answer::Accepted(outcome) => return Ok(outcome),
                Answer::Refused(failure) => {
                    self.sign_ins.traces.refused(&participants.current.secret.id, version);
                    candidates.note(stage.as_str(), failure);
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
    ) -> [(Likelihood, Stage); 2] {
        let (traces, secret) = (&self.sign_ins.traces, &participants.current.secret.id);
        let Versions { current, pending } = &participants.versions;
        let of = |version, stage| (traces.of(secret, version), stage);
        let mut known = [of(current, Stage::Current), of(pending, Stage::Pending)];
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
        let verified = self.verify(&participants.service, &participants.pending, PENDING).await;
        let answer = answered(verified.map(|()| Outcome::AlreadySet))?;
        if matches!(answer, Answer::Accepted(_)) {
            self.trace_set(participants);
        }
        Ok(answer)
    }

    /// Tries the older passwords that are left, until one leads to an outcome.
    async fn change_with_older(
        &self,
        participants: &Participants<'_, C::Service>,
        learnt: &Learnt,
        candidates: &mut OlderPasswords<'_, S, C, I>,
        which: Which,
    ) -> Result<Option<Outcome>, Error> {
        while let Some(candidate) = candidates.next(which).await? {
            let with = format!("the {} password", candidate.label);
            let outcome = self.change_with(participants, learnt, &candidate.login, &with).await;
            if let Some(outcome) = candidates.settle(&candidate, outcome)? {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }

    /// Remembers for the next attempt that the pending password is in force.
    fn trace_set(&self, participants: &Participants<'_, C::Service>) {
        self.sign_ins
            .traces
            .in_force(&participants.current.secret.id, &participants.versions.pending);
    }

    /// Makes the change with a candidate's credential: by the candidate itself, or by the
    /// administrator once the candidate has signed in.
    ///
    /// A refusal of the administrator is an error: no other candidate would help.
    pub(super) async fn change_with(
        &self,
        participants: &Participants<'_, C::Service>,
        learnt: &Learnt,
        candidate: &Login,
        with: &str,
    ) -> Result<Answer<Outcome>, Error> {
        let by_admin = participants.admin_id.is_some();
        let outcome = Outcome::Set {
            username: participants.pending.username.clone(),
            with: with.to_owned(),
            by_admin,
        };
        let Some(admin_id) = &participants.admin_id else {
            let changed = self.change_as(participants, candidate, candidate, with).await;
            note_rejected(&changed, learnt, candidate, with);
            return answered(changed.map(|()| outcome));
        };
        let admin = learnt.admin.get_or_try_init(|| self.admin_login(participants, admin_id));
        let mut proven = Login { proof: Proof::Mutual, ..candidate.duplicate() };
        let (admin, known) = if self.tls_in_force(candidate.tls) == TlsMode::Required {
            // Nothing is stricter, so the admin secret is read while the candidate signs in. What is
            // wrong with it is said first: it is the operator's to mend, whatever the sign-in says.
            let (admin, known) =
                tokio::join!(admin, self.verify(&participants.service, &proven, with));
            (admin?, known)
        } else {
            let admin = admin.await?;
            proven.tls = candidate.tls.stricter(admin.tls);
            (admin, self.verify(&participants.service, &proven, with).await)
        };
        let stricter = proven.tls != candidate.tls;
        let known = known.map_err(|error| match stricter {
            true => as_the_admin_has_it(error, admin_id),
            false => error,
        });
        if let Answer::Refused(failure) = answered(known)? {
            return Ok(Answer::Refused(failure));
        }
        let acting = Login { tls: admin.tls.stricter(candidate.tls), ..admin.duplicate() };
        let by_admin = match acting.tls != admin.tls && admin.tls == TlsMode::Disabled {
            true => BY_ADMIN_OVER_TLS,
            false => BY_ADMIN,
        };
        let changed = self.change_as(participants, &acting, candidate, by_admin).await;
        note_rejected(&changed, learnt, candidate, with);
        changed?;
        Ok(Answer::Accepted(outcome))
    }

    async fn change_as(
        &self,
        participants: &Participants<'_, C::Service>,
        actor: &Login,
        candidate: &Login,
        with: &str,
    ) -> Result<(), Error> {
        let alternating = participants.strategy == Strategy::AlternatingUsers;
        let change = Change {
            actor,
            username: &participants.pending.username,
            new_password: &participants.pending.password,
            // With alternating users the candidate is the other account.
            old_password: (!alternating).then_some(&candidate.password),
            clone_of: alternating.then_some(participants.current.username.as_str()),
            keep_old_valid: participants.strategy == Strategy::DualPassword,
            may_send_text: self.may_send_text(participants.secret)?,
        };
        let changed = self.change(&participants.service, &change, with).await;
        changed.map_err(|error| in_the_host_s_words(error, participants.secret))?;
        self.trace_set(participants);
        Ok(())
    }
}

/// Remembers which password had signed in when the service rejected the new one.
fn note_rejected(changed: &Result<(), Error>, learnt: &Learnt, candidate: &Login, with: &str) {
    if matches!(changed, Err(Error::Service(ServiceError::PasswordRejected { .. }))) {
        learnt.signed_in.get_or_init(|| (candidate.duplicate(), with.to_owned()));
    }
}

/// A failure of a change, with what the host alone knows about it.
fn in_the_host_s_words(error: Error, secret: &SecretDescription) -> Error {
    match error {
        Error::Service(ServiceError::Failed { attempt, place, failure })
            if failure.kind == FailureKind::PasswordRejected =>
        {
            ServiceError::PasswordRejected { attempt, place, failure, given_up: None }.into()
        }
        Error::Service(ServiceError::Failed { attempt, place, mut failure })
            if failure.kind == FailureKind::NotAPair =>
        {
            let id = quoted(&secret.name);
            let adopt = format!(
                "look at both accounts, and declare them a pair: windlass adopt --secret-id {id} \
                 --plugins DIR (with --yes it marks them)"
            );
            failure.or_remedy(&adopt);
            ServiceError::Failed { attempt, place, failure }.into()
        }
        other => other,
    }
}

/// Says of a server without TLS that it is the admin secret that asks for it.
fn as_the_admin_has_it(error: Error, admin: &str) -> Error {
    match error {
        Error::Service(ServiceError::Failed { attempt, place, failure })
            if failure.kind == FailureKind::NoTls =>
        {
            let admin = admin.to_owned();
            ServiceError::AdminNeedsTls { attempt, place, failure, admin }.into()
        }
        other => other,
    }
}
