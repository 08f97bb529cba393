//! Repair: `AWSCURRENT` signs in again, and nothing stands in the way of the next rotation.
//!
//! It never makes a new password. It looks which of the known passwords the service has, and then
//! does the least that makes the secret true, in this order:
//! 1. the current one: nothing but `AWSPENDING` has to go, where a rotation left it;
//! 2. the pending one, for the same account: a rotation got through setSecret, so that version
//!    becomes current;
//! 3. an older one of the same account: the service was restored from a backup, or took the password
//!    of an abandoned rotation, and is given the current one again;
//! 4. with alternating users, the one of `AWSPREVIOUS`, for the other account: that version becomes
//!    current again.
//!
//! As in a rotation, each password is tried at most once, and nobody's password is changed unless
//! one that the secret knows signed in.

use tokio::sync::OnceCell;

use super::Rotation;
use super::admin::admin_id;
use super::candidates::{Older, OlderPasswords};
use super::document::{Origin, SecretDocument};
use super::parties::Parties;
use super::service::{Catalog, Login, Place, SecretRef, Service};
use super::set::{CURRENT, PENDING, accepted};
use super::strategy::{Strategy, check_abilities};
use crate::error::{Error, ServiceError};
use crate::inventory::Inventory;
use crate::store::{
    SecretDescription, SecretStore, SecretValue, Stage, StageMove, VersionId, VersionSelector,
};

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mending {
    /// The account gets the password of `AWSCURRENT` again.
    SetPassword {
        /// Whose.
        username: String,
        /// Where.
        place: Place,
        /// The password that signs in now.
        with: String,
        /// Whether an administrator makes the change.
        by_admin: bool,
    },
    /// `AWSCURRENT` moves.
    MoveCurrent {
        /// From this version.
        from: VersionId,
        /// To this one.
        to: VersionId,
        /// Whose password signs in there.
        username: String,
    },
    /// `AWSPENDING` is taken off.
    TakePendingOff {
        /// This version.
        version: VersionId,
    },
}

impl std::fmt::Display for Mending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SetPassword { username, place, with, by_admin } => {
                let who = if *by_admin { "the administrator sets" } else { "set" };
                write!(
                    f,
                    "{who} the password of `{username}` at {place} to the one in AWSCURRENT again; \
                     {with} signs in there now"
                )
            }
            Self::MoveCurrent { from, to, username } => write!(
                f,
                "move AWSCURRENT from version {from} to {to}, with whose password `{username}` \
                 signs in"
            ),
            Self::TakePendingOff { version } => {
                write!(f, "take AWSPENDING off version {version}, which gives that rotation up")
            }
        }
    }
}

/// What was found, and what to do about it.
pub struct Diagnosis {
    secret: SecretDescription,
    /// What there is to do, in this order. Empty: all is well.
    pub mendings: Vec<Mending>,
    /// What was found, for people.
    pub found: String,
    /// The password that signs in, where it is an older one.
    older: Option<Login>,
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// Looks which of the known passwords signs in, and decides what to do. Changes nothing.
    ///
    /// # Errors
    /// If the secret or the service can't be read, or no known password signs in.
    pub async fn diagnose(&self, secret_id: &str) -> Result<Diagnosis, Error> {
        let (secret, current) = self.read_current(secret_id).await?;
        let parties = self.standing(&secret, &current)?;
        let username = parties.current.username.clone();
        let unfinished = secret.unfinished().cloned();
        let give_up =
            || unfinished.iter().cloned().map(|version| Mending::TakePendingOff { version });

        if accepted(self.verify(&parties.service, &parties.current, CURRENT).await)? {
            return Ok(Diagnosis {
                found: format!("`{username}` signs in with {CURRENT}"),
                mendings: give_up().collect(),
                older: None,
                secret: secret.clone(),
            });
        }
        let refused = format!("`{username}` is refused with {CURRENT}");
        let mut candidates = self.older_passwords(&secret.arn, &parties, &["AWSCURRENT"]);
        if let Some(pending) = &unfinished {
            let (sound, signs_in) =
                self.try_pending(&secret, &current, pending, &parties, &mut candidates).await?;
            if let Some(login) = signs_in {
                let found = format!("{refused} and signs in with {PENDING}");
                if !sound {
                    let with = PENDING.to_owned();
                    return Ok(older(&parties, found, with, login, give_up().collect()));
                }
                let (from, to) = (current.version.clone(), pending.clone());
                let mendings = vec![Mending::MoveCurrent { from, to, username }];
                return Ok(Diagnosis { secret: secret.clone(), mendings, found, older: None });
            }
        }
        while let Some(candidate) = candidates.next().await? {
            let with = format!("the {} password", candidate.label);
            let signs_in = self.verify(&parties.service, &candidate.login, &with).await;
            if candidates.settle(&candidate, known(signs_in))?.is_some() {
                let found = format!("{refused} and signs in with {with}");
                return Ok(older(&parties, found, with, candidate.login, give_up().collect()));
            }
        }
        if let Some((version, login)) = self.other_of_the_pair(&secret, &parties).await? {
            let (from, username) = (current.version.clone(), login.username);
            let found =
                format!("{refused}, and `{username}` signs in with the AWSPREVIOUS password");
            let mut mendings =
                vec![Mending::MoveCurrent { from: from.clone(), to: version, username }];
            // A finished rotation leaves this label beside AWSCURRENT, where it is in nobody's way
            // until the other one moves.
            let left_behind = secret.version_with(&Stage::Pending).filter(|with| **with == from);
            let taken_off = left_behind.cloned().map(|version| Mending::TakePendingOff { version });
            mendings.extend(taken_off.into_iter().chain(give_up()));
            return Ok(Diagnosis { secret: secret.clone(), mendings, found, older: None });
        }
        Err(candidates.in_vain())
    }

    /// Whether the pending version differs from the current one in the credential alone, and its
    /// sign-in, if it works for the current one's account.
    async fn try_pending(
        &self,
        secret: &SecretDescription,
        current: &SecretValue,
        pending: &VersionId,
        parties: &Parties<'_, C::Service>,
        candidates: &mut OlderPasswords<'_, S, C, I>,
    ) -> Result<(bool, Option<Login>), Error> {
        let by_version = VersionSelector::Version(pending.clone());
        let value = self.value_if_there(&secret.arn, &by_version).await?;
        let sound = value.as_ref().is_some_and(|value| is_sound(secret, current, value));
        let Some(candidate) = candidates.candidate(value, "AWSPENDING".to_owned()) else {
            return Ok((sound, None));
        };
        let signs_in = self.verify(&parties.service, &candidate.login, PENDING).await;
        let signs_in = candidates.settle(&candidate, known(signs_in))?;
        Ok((sound, signs_in.map(|()| candidate.login)))
    }

    /// Does what was decided.
    ///
    /// # Errors
    /// The first thing that did not work. Diagnosing and mending again is always safe.
    pub async fn mend(&self, diagnosis: &Diagnosis, mending: &Mending) -> Result<(), Error> {
        let secret = &diagnosis.secret;
        let change = match mending {
            Mending::SetPassword { with, .. } => {
                let Some(login) = &diagnosis.older else { return Ok(()) };
                let by_label = VersionSelector::Stage(Stage::Current);
                let current = self.store.value(&secret.arn, &by_label).await?;
                let parties = self.standing(secret, &current)?;
                let by_admin = parties.admin_id.is_some();
                let plugin = parties.service.description();
                check_abilities(Strategy::SingleUser, by_admin, plugin, &parties.engine)?;
                let changed = self.change_with(&parties, &OnceCell::new(), login, with).await?;
                // It signed in a moment ago.
                return changed.map(drop).ok_or_else(|| {
                    ServiceError::NoCandidate {
                        username: login.username.clone(),
                        place: login.place.clone(),
                        tried: vec![with.clone()],
                        unsearched: None,
                    }
                    .into()
                });
            }
            Mending::MoveCurrent { from, to, .. } => StageMove {
                stage: Stage::Current,
                remove_from: Some(from.clone()),
                move_to: Some(to.clone()),
            },
            Mending::TakePendingOff { version } => StageMove {
                stage: Stage::Pending,
                remove_from: Some(version.clone()),
                move_to: None,
            },
        };
        Ok(self.store.move_stage(&secret.arn, &change).await?)
    }

    /// Signs in with `AWSCURRENT` as it is now, and says as whom and where.
    ///
    /// # Errors
    /// If it is refused or can't be tried.
    pub async fn prove(&self, secret_id: &str) -> Result<(String, Place), Error> {
        let (secret, current) = self.read_current(secret_id).await?;
        let parties = self.standing(&secret, &current)?;
        self.verify(&parties.service, &parties.current, CURRENT).await?;
        Ok((parties.current.username, parties.current.place))
    }

    async fn read_current(
        &self,
        secret_id: &str,
    ) -> Result<(SecretDescription, SecretValue), Error> {
        let by_label = VersionSelector::Stage(Stage::Current);
        let (secret, current) =
            tokio::join!(self.store.describe(secret_id), self.store.value(secret_id, &by_label));
        Ok((secret?, current?))
    }

    /// The current version alone, as the one that is also to be set.
    fn standing<'a>(
        &self,
        secret: &'a SecretDescription,
        current: &SecretValue,
    ) -> Result<Parties<'a, C::Service>, Error> {
        let origin = Origin { secret: secret.name.clone(), role: Stage::Current };
        let document = SecretDocument::parse(current, origin)?;
        let service = self.service(secret, &document)?;
        let current = document.login(service.description(), SecretRef::of(secret))?;
        Ok(Parties {
            secret,
            service,
            strategy: Strategy::SingleUser,
            pending: current.duplicate(),
            current,
            admin_id: admin_id(secret, &document)?,
            engine: document.engine()?.to_owned(),
        })
    }

    /// The version before, where it is for another account, which signs in.
    async fn other_of_the_pair(
        &self,
        secret: &SecretDescription,
        parties: &Parties<'_, C::Service>,
    ) -> Result<Option<(VersionId, Login)>, Error> {
        let previous = VersionSelector::Stage(Stage::Previous);
        let Some(value) = self.value_if_there(&secret.arn, &previous).await? else {
            return Ok(None);
        };
        let Some(Older { login, same_place: true }) = parties.older(&value) else {
            return Ok(None);
        };
        if login.username == parties.current.username {
            return Ok(None);
        }
        let signs_in = self.verify(&parties.service, &login, "the AWSPREVIOUS password").await;
        Ok(accepted(signs_in)?.then_some((value.version, login)))
    }
}

/// The answer to a sign-in as a search takes it.
fn known(answer: Result<(), Error>) -> Result<Option<()>, Error> {
    Ok(accepted(answer)?.then_some(()))
}

/// An older password signs in: the service is given the current one again.
fn older<P>(
    parties: &Parties<'_, P>,
    found: String,
    with: String,
    login: Login,
    then: Vec<Mending>,
) -> Diagnosis {
    let mut mendings = vec![Mending::SetPassword {
        username: login.username.clone(),
        place: login.place.clone(),
        with,
        by_admin: parties.admin_id.is_some(),
    }];
    mendings.extend(then);
    Diagnosis { secret: parties.secret.clone(), mendings, found, older: Some(login) }
}

/// Whether a pending version differs from the current one in the credential alone.
fn is_sound(secret: &SecretDescription, current: &SecretValue, pending: &SecretValue) -> bool {
    let parse = |value: &SecretValue, role| {
        SecretDocument::parse(value, Origin { secret: secret.name.clone(), role })
    };
    match (parse(current, Stage::Current), parse(pending, Stage::Pending)) {
        (Ok(current), Ok(pending)) => current.difference(&pending).is_none(),
        _ => false,
    }
}
