//! One change of a password, by the credential that is taken for the one in force.
//!
//! With an administrator, a candidate must sign in before the administrator changes anything:
//! otherwise whoever may write the secret could have any account's password changed. That sign-in
//! is worth what the administrator's act needs: it is made with the stricter of both secrets' `ssl`,
//! and where both do without TLS, the server has to prove itself ([`Proof::Mutual`]). So is the
//! administrator's own: passwords of the other secret go through that session.

use std::sync::OnceLock;

use tokio::sync::OnceCell;

use super::admin::AdminSecrets;
use super::answer::{Answer, answered};
use super::credential::Credential;
use super::error::Error;
use super::outcome::Outcome;
use super::participants::Participants;
use super::ports::{
    Change, FailureKind, Inventory, Login, Proof, SecretDescription, SecretId, SecretStore,
    Service, TlsMode,
};
use super::service_error::ServiceError;
use super::sign_in::SignIn;
use super::strategy::Strategy;
use crate::text::quoted;

/// What the trials of one attempt find out for each other.
#[derive(Default)]
pub(super) struct Learnt {
    /// The administrator, read once.
    admin: OnceCell<Login>,
    /// The password that signed in before the service rejected the new one, and which one that is.
    pub(super) signed_in: OnceLock<(Login, Credential)>,
}

impl Learnt {
    /// The administrator, if it was read.
    pub(super) fn admin(&self) -> Option<&Login> {
        self.admin.get()
    }
}

/// What changes passwords: the accounts themselves, or their administrators.
pub(super) struct PasswordChanges<'a, S, I> {
    pub(super) sign_in: SignIn<'a>,
    pub(super) admins: AdminSecrets<'a, S, I>,
}

impl<S: SecretStore, I: Inventory> PasswordChanges<'_, S, I> {
    /// Remembers for the next attempt that the pending password is in force.
    pub(super) fn note_set<P>(&self, participants: &Participants<'_, P>) {
        let secret = &participants.current.secret.id;
        self.sign_in.traces().in_force(secret, &participants.versions.pending);
    }

    /// Makes the change with a candidate's credential: by the candidate itself, or by the
    /// administrator once the candidate has signed in.
    ///
    /// A refusal of the administrator is an error: no other candidate would help.
    pub(super) async fn change_with<P: Service>(
        &self,
        participants: &Participants<'_, P>,
        learnt: &Learnt,
        candidate: &Login,
        with: &Credential,
    ) -> Result<Answer<Outcome>, Error> {
        let by_admin = participants.admin_id.is_some();
        let outcome = Outcome::Set {
            username: participants.pending.username.clone(),
            with: with.clone(),
            by_admin,
        };
        let Some(admin_id) = &participants.admin_id else {
            let changed = self.change_as(participants, candidate, candidate, with).await;
            note_rejected(&changed, learnt, candidate, with);
            return answered(changed.map(|()| outcome));
        };
        let admin = learnt.admin.get_or_try_init(|| self.admins.login(participants, admin_id));
        let mut proven = Login { proof: Proof::Mutual, ..candidate.duplicate() };
        let (admin, known) = if self.sign_in.tls_in_force(candidate.tls) == TlsMode::Required {
            // Nothing is stricter, so the admin secret is read while the candidate signs in. What is
            // wrong with it is said first: the operator has to correct it, whatever the sign-in answers.
            let (admin, known) =
                tokio::join!(admin, self.sign_in.verify(&participants.service, &proven, with));
            (admin?, known)
        } else {
            let admin = admin.await?;
            proven.tls = candidate.tls.stricter(admin.tls);
            (admin, self.sign_in.verify(&participants.service, &proven, with).await)
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
            true => Credential::AdminOverTls,
            false => Credential::Admin,
        };
        let changed = self.change_as(participants, &acting, candidate, &by_admin).await;
        note_rejected(&changed, learnt, candidate, with);
        changed?;
        Ok(Answer::Accepted(outcome))
    }

    async fn change_as<P: Service>(
        &self,
        participants: &Participants<'_, P>,
        actor: &Login,
        candidate: &Login,
        with: &Credential,
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
            may_send_text: participants.may_send_text,
        };
        let changed = self.sign_in.change(&participants.service, &change, with).await;
        changed.map_err(|error| with_what_the_host_knows(error, participants.secret))?;
        self.note_set(participants);
        Ok(())
    }
}

/// Remembers which password had signed in when the service rejected the new one.
fn note_rejected(
    changed: &Result<(), Error>,
    learnt: &Learnt,
    candidate: &Login,
    with: &Credential,
) {
    if matches!(changed, Err(Error::Service(ServiceError::PasswordRejected { .. }))) {
        learnt.signed_in.get_or_init(|| (candidate.duplicate(), with.clone()));
    }
}

/// A failure of a change, with what the host alone knows about it.
fn with_what_the_host_knows(error: Error, secret: &SecretDescription) -> Error {
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
fn as_the_admin_has_it(error: Error, admin: &SecretId) -> Error {
    match error {
        Error::Service(ServiceError::Failed { attempt, place, failure })
            if failure.kind == FailureKind::NoTls =>
        {
            let admin = admin.to_string();
            ServiceError::AdminNeedsTls { attempt, place, failure, admin }.into()
        }
        other => other,
    }
}
