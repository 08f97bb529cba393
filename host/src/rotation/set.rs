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
//! With an administrator, a candidate must sign in before the administrator changes anything:
//! otherwise whoever may write the secret could have any account's password changed. That sign-in
//! is worth what the administrator's act needs: it is made with the stricter of both secrets' `ssl`,
//! and where both do without TLS, the server has to prove itself ([`Proof::Mutual`]). So is the
//! administrator's own: passwords of the other secret go through that session. With
//! alternating users that is the account in force, which is not the one that changes: it is refused
//! after a restore from a backup, or where an abandoned attempt was still at work when the next had
//! ended. With dual passwords the current password signs in before and after the change, so a second
//! attempt makes it again: the plugin leaves alone what is in force already.

use tokio::sync::OnceCell;

use super::event::RotationEvent;
use super::parties::{Parties, is_refusal};
use super::plan::Invoker;
use super::reading::Both;
use super::service::{Catalog, Change, FailureKind, Login, Proof, TlsMode};
use super::strategy::Strategy;
use super::{Outcome, Rotation};
use crate::error::{Error, ServiceError};
use crate::inventory::Inventory;
use crate::store::SecretStore;

/// How the current version's password is called in messages.
pub(super) const CURRENT: &str = "the AWSCURRENT password";
/// How the pending version's password is called in messages.
pub(super) const PENDING: &str = "the AWSPENDING password";
/// How an administrator's password is called in messages.
const BY_ADMIN: &str = "the admin secret's password";
/// The same where the administrator's own secret would do without TLS.
const BY_ADMIN_OVER_TLS: &str = "the admin secret's password over TLS, which the secret asks for \
                                 although its admin secret says \"ssl\": false,";

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    pub(super) async fn set(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some(Both { secret, current, pending }) = self.read_both(event, invoker).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let parties = self.parties(&secret, &current, &pending)?;
        let admin = OnceCell::new();

        if let Some(outcome) = self.change_with(&parties, &admin, &parties.current, CURRENT).await?
        {
            return Ok(outcome);
        }
        if accepted(self.verify(&parties.service, &parties.pending, PENDING).await)? {
            return Ok(Outcome::AlreadySet);
        }
        let tried = ["AWSCURRENT", "AWSPENDING"];
        let mut candidates = self.older_passwords(&event.secret_id, &parties, &tried);
        while let Some(candidate) = candidates.next().await? {
            let with = format!("the {} password", candidate.label);
            let outcome = self.change_with(&parties, &admin, &candidate.login, &with).await;
            if let Some(outcome) = candidates.settle(&candidate, outcome)? {
                return Ok(outcome);
            }
        }
        let searched = candidates.tried() > tried.len();
        if searched && accepted(self.verify(&parties.service, &parties.pending, PENDING).await)? {
            return Ok(Outcome::AlreadySet);
        }
        Err(candidates.in_vain())
    }

    /// Makes the change with a candidate's credential: by the candidate itself, or by the
    /// administrator once the candidate has signed in. `None`: the candidate was refused.
    ///
    /// A refusal of the administrator is an error: no other candidate would help.
    pub(super) async fn change_with(
        &self,
        parties: &Parties<'_, C::Service>,
        admin: &OnceCell<Login>,
        candidate: &Login,
        with: &str,
    ) -> Result<Option<Outcome>, Error> {
        let by_admin = parties.admin_id.is_some();
        let outcome = Outcome::Set {
            username: parties.pending.username.clone(),
            with: with.to_owned(),
            by_admin,
        };
        let Some(admin_id) = &parties.admin_id else {
            let changed = self.change_as(parties, candidate, candidate, with).await;
            return Ok(accepted(changed)?.then_some(outcome));
        };
        let admin = admin.get_or_try_init(|| self.admin_login(parties, admin_id));
        let mut proven = Login { proof: Proof::Mutual, ..candidate.duplicate() };
        let (admin, known) = if self.tls_in_force(candidate.tls) == TlsMode::Required {
            // Nothing is stricter, so the admin secret is read while the candidate signs in. What is
            // wrong with it is said first: it is the operator's to mend, whatever the sign-in says.
            let (admin, known) = tokio::join!(admin, self.verify(&parties.service, &proven, with));
            (admin?, known)
        } else {
            let admin = admin.await?;
            proven.tls = candidate.tls.stricter(admin.tls);
            (admin, self.verify(&parties.service, &proven, with).await)
        };
        let stricter = proven.tls != candidate.tls;
        let known = known.map_err(|error| match stricter {
            true => as_the_admin_has_it(error, admin_id),
            false => error,
        });
        if !accepted(known)? {
            return Ok(None);
        }
        let acting = Login { tls: admin.tls.stricter(candidate.tls), ..admin.duplicate() };
        let with = match acting.tls != admin.tls && admin.tls == TlsMode::Disabled {
            true => BY_ADMIN_OVER_TLS,
            false => BY_ADMIN,
        };
        self.change_as(parties, &acting, candidate, with).await?;
        Ok(Some(outcome))
    }

    async fn change_as(
        &self,
        parties: &Parties<'_, C::Service>,
        actor: &Login,
        candidate: &Login,
        with: &str,
    ) -> Result<(), Error> {
        let alternating = parties.strategy == Strategy::AlternatingUsers;
        let change = Change {
            actor,
            username: &parties.pending.username,
            new_password: &parties.pending.password,
            // With alternating users the candidate is the other account.
            old_password: (!alternating).then_some(&candidate.password),
            clone_of: alternating.then_some(parties.current.username.as_str()),
            keep_old_valid: parties.strategy == Strategy::DualPassword,
            may_send_text: false,
        };
        self.change(&parties.service, &change, with).await
    }
}

/// Says of a server without TLS that it is the admin secret that asks for it.
fn as_the_admin_has_it(error: Error, admin: &str) -> Error {
    match error {
        Error::Service(ServiceError::Failed { attempt, place, failure })
            if failure.kind == FailureKind::NoTls =>
        {
            let (failure, admin) = (Box::new(failure), admin.to_owned());
            ServiceError::AdminNeedsTls { attempt, place, failure, admin }.into()
        }
        other => other,
    }
}

/// Whether the credential was accepted: a refusal is an answer here, anything else that failed is
/// an error.
pub(super) fn accepted(answer: Result<(), Error>) -> Result<bool, Error> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if is_refusal(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
