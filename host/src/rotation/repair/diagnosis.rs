//! Which of the known passwords the service has, and what follows from it. Changes nothing.
//!
//! In this order, each password once:
//! 1. whether a rotation may be running: then nothing is tried at all;
//! 2. where a version was named, its password and no other: an account may be locked at the first
//!    refusal;
//! 3. else the current one, the pending one, older ones, the one of the other account of a pair.

use super::{Beside, Diagnosis, RepairAction, Wish};
use crate::rotation::answer::{Answer, answered};
use crate::rotation::credential::Credential;
use crate::rotation::error::Error;
use crate::rotation::leftover::{Unfinished, nothing_runs};
use crate::rotation::older_passwords::{Candidate, OlderPasswords, Which};
use crate::rotation::participants::{OlderVersion, Participants};
use crate::rotation::plan::Refusal;
use crate::rotation::ports::{
    Catalog, Inventory, Login, SecretDescription, SecretStore, SecretValue, Service, Stage,
    VersionId, VersionSelector,
};
use crate::rotation::runner::Rotation;

/// The secret, looked at.
struct Look<'a, P> {
    secret: &'a SecretDescription,
    current: &'a SecretValue,
    participants: &'a Participants<'a, P>,
    pending: Option<Pending>,
}

/// The version of a rotation that did not end.
struct Pending {
    version: VersionId,
    value: Option<SecretValue>,
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// Looks which of the known passwords signs in, and decides what to do. Changes nothing.
    ///
    /// # Errors
    /// If a rotation may be running, the secret or the service can't be read, or no known password
    /// signs in.
    pub async fn diagnose(&self, wish: &Wish<'_>) -> Result<Diagnosis, Error> {
        let (secret, current) = self.read_current(wish.secret_id).await?;
        let participants = self.standing(&secret, &current).await?;
        let pending = match secret.unfinished() {
            None => None,
            Some(version) => {
                let by_version = VersionSelector::Version(version.clone());
                let value = self.reader().value_if_there(&secret.arn, &by_version).await?;
                Some(Pending { version: version.clone(), value })
            }
        };
        let look =
            Look { secret: &secret, current: &current, participants: &participants, pending };
        if wish.beside == Beside::Young && !look.is_spoiled() {
            nothing_runs(&self.reader(), &secret).await?;
        }
        let mut candidates =
            OlderPasswords::new(self.reader(), self.sign_in().traces(), &participants);
        let found = match wish.password_of {
            None => self.look_at_all(&look, &mut candidates).await?,
            Some(named) => {
                let version = self.version_named(&secret, named).await?;
                self.look_at(&look, &version, &mut candidates).await?
            }
        };
        found.ok_or_else(|| candidates.in_vain())
    }

    async fn look_at_all(
        &self,
        look: &Look<'_, C::Service>,
        candidates: &mut OlderPasswords<'_, S, C::Service>,
    ) -> Result<Option<Diagnosis>, Error> {
        if let Some(found) = self.look_at_current(look, candidates).await? {
            return Ok(Some(found));
        }
        if let Some(found) = self.look_at_pending(look, candidates).await? {
            return Ok(Some(found));
        }
        while let Some(candidate) = candidates.next(Which::All).await? {
            if let Some(found) = self.look_at_older(look, &candidate, candidates).await? {
                return Ok(Some(found));
            }
        }
        self.look_at_other_of_the_pair(look, candidates).await
    }

    /// Tries the password of this version and no other.
    async fn look_at(
        &self,
        look: &Look<'_, C::Service>,
        version: &VersionId,
        candidates: &mut OlderPasswords<'_, S, C::Service>,
    ) -> Result<Option<Diagnosis>, Error> {
        if *version == look.current.version {
            return self.look_at_current(look, candidates).await;
        }
        let found = match &look.pending {
            Some(pending) if pending.version == *version => {
                self.look_at_pending(look, candidates).await?
            }
            _ => self.look_at_older_version(look, version, candidates).await?,
        };
        if found.is_none() && candidates.nothing_to_try() {
            let (secret, version) = (look.secret.name.clone(), version.clone());
            return Err(Refusal::UnfitVersion { secret, version }.into());
        }
        Ok(found)
    }

    async fn look_at_older_version(
        &self,
        look: &Look<'_, C::Service>,
        version: &VersionId,
        candidates: &mut OlderPasswords<'_, S, C::Service>,
    ) -> Result<Option<Diagnosis>, Error> {
        let by_version = VersionSelector::Version(version.clone());
        let value = self.reader().value_if_there(&look.secret.arn, &by_version).await?;
        let previous = look.secret.version_with(&Stage::Previous) == Some(version);
        let credential = match previous {
            true => Credential::Previous,
            false => Credential::Unlabelled(version.clone()),
        };
        match candidates.candidate(value, credential) {
            Some(candidate) => self.look_at_older(look, &candidate, candidates).await,
            None if previous => self.look_at_other_of_the_pair(look, candidates).await,
            None => Ok(None),
        }
    }

    async fn look_at_current(
        &self,
        look: &Look<'_, C::Service>,
        candidates: &mut OlderPasswords<'_, S, C::Service>,
    ) -> Result<Option<Diagnosis>, Error> {
        let login = &look.participants.current;
        let service = &look.participants.service;
        match answered(self.sign_in().verify(service, login, &Credential::Current).await)? {
            Answer::Accepted(()) => {
                let found = format!("`{}` signs in with {}", login.username, Credential::Current);
                Ok(Some(look.diagnosis(found, look.give_up().collect())))
            }
            Answer::Refused(failure) => {
                candidates.note(Credential::Current, failure);
                Ok(None)
            }
        }
    }

    /// The password of the unfinished rotation, where it is for the current one's account.
    async fn look_at_pending(
        &self,
        look: &Look<'_, C::Service>,
        candidates: &mut OlderPasswords<'_, S, C::Service>,
    ) -> Result<Option<Diagnosis>, Error> {
        let Some(Pending { version, value: Some(value) }) = &look.pending else {
            return Ok(None);
        };
        let with = Credential::Pending;
        let Some(candidate) = candidates.candidate_of(value, with.clone()) else {
            return Ok(None);
        };
        let service = &look.participants.service;
        let signs_in = self.sign_in().verify(service, &candidate.login, &with).await;
        if candidates.settle(&candidate, answered(signs_in))?.is_none() {
            return Ok(None);
        }
        let found = look.found(candidates, &format!("signs in with {with}"));
        if look.is_spoiled() {
            return Ok(Some(look.set_password(found, with, candidate.login)));
        }
        let actions = vec![RepairAction::MoveCurrent {
            from: look.current.version.clone(),
            to: version.clone(),
            username: candidate.login.username,
        }];
        Ok(Some(look.diagnosis(found, actions)))
    }

    async fn look_at_older(
        &self,
        look: &Look<'_, C::Service>,
        candidate: &Candidate,
        candidates: &mut OlderPasswords<'_, S, C::Service>,
    ) -> Result<Option<Diagnosis>, Error> {
        let (service, with) = (&look.participants.service, candidate.credential.clone());
        let signs_in = self.sign_in().verify(service, &candidate.login, &with).await;
        if candidates.settle(candidate, answered(signs_in))?.is_none() {
            return Ok(None);
        }
        let found = look.found(candidates, &format!("signs in with {with}"));
        Ok(Some(look.set_password(found, with, candidate.login.duplicate())))
    }

    /// The previous version, where it is for another account, which signs in.
    async fn look_at_other_of_the_pair(
        &self,
        look: &Look<'_, C::Service>,
        candidates: &mut OlderPasswords<'_, S, C::Service>,
    ) -> Result<Option<Diagnosis>, Error> {
        let previous = VersionSelector::Stage(Stage::Previous);
        let Some(value) = self.reader().value_if_there(&look.secret.arn, &previous).await? else {
            return Ok(None);
        };
        let Some(OlderVersion { login, same_place: true }) =
            look.participants.older_version(&value)
        else {
            return Ok(None);
        };
        if login.username == look.participants.current.username {
            return Ok(None);
        }
        let service = &look.participants.service;
        let answer = self.sign_in().verify(service, &login, &Credential::Previous).await;
        if let Answer::Refused(failure) = answered(answer)? {
            candidates.note(Credential::PreviousOf { username: login.username }, failure);
            return Ok(None);
        }
        let from = look.current.version.clone();
        let signs_in = format!("`{}` signs in with {}", login.username, Credential::Previous);
        let found = match candidates.has_tried(&Credential::Current) {
            true => {
                let current = &look.participants.current.username;
                format!("`{current}` is refused with {}, and {signs_in}", Credential::Current)
            }
            false => signs_in,
        };
        let (to, username) = (value.version, login.username);
        let mut actions = vec![RepairAction::MoveCurrent { from: from.clone(), to, username }];
        // A finished rotation leaves this label beside AWSCURRENT, where it is in nobody's way
        // until the other one moves.
        let left_behind = look.secret.version_with(&Stage::Pending).filter(|with| **with == from);
        let taken_off =
            left_behind.cloned().map(|version| RepairAction::TakePendingOff { version });
        actions.extend(taken_off.into_iter().chain(look.give_up()));
        Ok(Some(look.diagnosis(found, actions)))
    }
}

impl<P: Service> Look<'_, P> {
    /// Whether no step would go on with the unfinished version: it differs from the current one in
    /// more than the credential.
    fn is_spoiled(&self) -> bool {
        let value = self.pending.as_ref().and_then(|pending| pending.value.as_ref());
        value.is_some_and(|pending| {
            let judged = Unfinished::from_values(self.secret, self.current, pending);
            matches!(judged, Unfinished::Spoiled(_))
        })
    }

    fn give_up(&self) -> impl Iterator<Item = RepairAction> + use<'_, P> {
        let version = self.pending.as_ref().map(|pending| pending.version.clone());
        version.map(|version| RepairAction::TakePendingOff { version }).into_iter()
    }

    /// What was found of the current one's account, where the current password was tried as well as
    /// where it was not.
    fn found<S: SecretStore>(
        &self,
        candidates: &OlderPasswords<'_, S, P>,
        signs_in: &str,
    ) -> String {
        let username = &self.participants.current.username;
        match candidates.has_tried(&Credential::Current) {
            true => format!("`{username}` is refused with {} and {signs_in}", Credential::Current),
            false => format!("`{username}` {signs_in}"),
        }
    }

    /// An older password signs in: the service is given the current one again.
    fn set_password(&self, found: String, with: Credential, login: Login) -> Diagnosis {
        let mut actions = vec![RepairAction::SetPassword {
            username: login.username.clone(),
            place: login.place.clone(),
            with,
            by_admin: self.participants.admin_id.is_some(),
        }];
        actions.extend(self.give_up());
        Diagnosis { older: Some(login), ..self.diagnosis(found, actions) }
    }

    fn diagnosis(&self, found: String, actions: Vec<RepairAction>) -> Diagnosis {
        Diagnosis { secret: self.secret.clone(), actions, found, older: None }
    }
}
