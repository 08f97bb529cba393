//! Repair: `AWSCURRENT` signs in again, and nothing stands in the way of the next rotation.
//!
//! It never makes a new password. It looks which of the known passwords the service has
//! ([`diagnosis`]), and then does the least that makes the secret true, in this order:
//! 1. the current one: nothing but `AWSPENDING` has to go, where a rotation left it;
//! 2. the pending one, for the same account: a rotation got through setSecret, so that version
//!    becomes current;
//! 3. an older one of the same account: the service was restored from a backup, or took the password
//!    of an abandoned rotation, and is given the current one again;
//! 4. with alternating users, the one of `AWSPREVIOUS`, for the other account: that version becomes
//!    current again.
//!
//! As in a rotation, each password is tried at most once, and nobody's password is changed unless
//! one that the secret knows signed in. Nothing is done beside a rotation that may be running (see
//! [`under_way`](super::under_way)), unless whoever repairs says that none is.

mod diagnosis;
mod named;

use super::answer::Answer;
use super::change::Learnt;
use super::credential::Credential;
use super::document::SecretDocument;
use super::error::Error;
use super::participants::Participants;
use super::ports::{
    Catalog, Inventory, Login, SecretDescription, SecretId, SecretStore, SecretValue, Service,
    Stage, VersionId, VersionSelector,
};
use super::runner::Rotation;
use super::secret_problem::Origin;
use super::service_error::ServiceError;
use super::strategy::{Strategy, check_abilities};
use super::tried::Tried;
use crate::host_port::HostPort;

/// What is to be repaired, and how.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The secret's name or ARN.
    pub secret_id: &'a SecretId,
    /// Try the password of this version and no other: a label, a version id, or how one begins.
    pub password_of: Option<&'a str>,
    /// Whether a rotation may be running.
    pub beside: Beside,
}

/// What a repair takes an unfinished rotation for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Beside {
    /// A young one may be running: nothing is repaired beside it.
    #[default]
    Young,
    /// Whoever repairs knows that none is running.
    NothingThatRuns,
}

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairAction {
    /// The account gets the password of `AWSCURRENT` again.
    SetPassword {
        /// Whose.
        username: String,
        /// Where.
        place: HostPort,
        /// The password that signs in now.
        with: Credential,
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

impl std::fmt::Display for RepairAction {
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
                write!(f, "remove AWSPENDING from version {version}, which abandons that rotation")
            }
        }
    }
}

/// What was found, and what to do about it.
pub struct Diagnosis {
    secret: SecretDescription,
    /// What there is to do, in this order. Empty: all is well.
    pub actions: Vec<RepairAction>,
    /// What was found, for people.
    pub found: String,
    /// The password that signs in, where it is an older one.
    older: Option<Login>,
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// Does what was decided.
    ///
    /// # Errors
    /// The first thing that did not work. Diagnosing and repairing again is always safe.
    pub async fn repair(&self, diagnosis: &Diagnosis, action: &RepairAction) -> Result<(), Error> {
        let secret = &diagnosis.secret;
        match action {
            RepairAction::SetPassword { with, .. } => {
                let Some(login) = &diagnosis.older else { return Ok(()) };
                self.set_current_password(secret, login, with).await
            }
            RepairAction::MoveCurrent { from, to, .. } => {
                let labels = self.labels();
                Ok(labels.move_current(&secret.arn, Some(from.clone()), to.clone()).await?)
            }
            RepairAction::TakePendingOff { version } => {
                Ok(self.labels().take_pending_off(&secret.arn, version.clone()).await?)
            }
        }
    }

    /// Gives the account the password of `AWSCURRENT`, by the login that signs in now.
    async fn set_current_password(
        &self,
        secret: &SecretDescription,
        login: &Login,
        with: &Credential,
    ) -> Result<(), Error> {
        let by_label = VersionSelector::Stage(Stage::Current);
        let current = self.reader().value(&secret.arn, &by_label).await?;
        let participants = self.standing(secret, &current).await?;
        let by_admin = participants.admin_id.is_some();
        let plugin = participants.service.description();
        check_abilities(Strategy::SingleUser, by_admin, plugin, &participants.engine)?;
        let learnt = Learnt::default();
        match self.changes().change_with(&participants, &learnt, login, with).await? {
            Answer::Accepted(_) => Ok(()),
            // It signed in a moment ago.
            Answer::Refused(failure) => Err(ServiceError::NoCandidate {
                username: login.username.clone(),
                place: login.place.clone(),
                tried: vec![Tried { credential: with.clone(), failure }],
                unsearched: None,
            }
            .into()),
        }
    }

    /// Signs in with `AWSCURRENT` as it is now, and says as whom and where.
    ///
    /// # Errors
    /// If it is refused or can't be tried.
    pub async fn prove(&self, secret_id: &SecretId) -> Result<(String, HostPort), Error> {
        let (secret, current) = self.read_current(secret_id).await?;
        let participants = self.standing(&secret, &current).await?;
        let login = &participants.current;
        self.sign_in().verify(&participants.service, login, &Credential::Current).await?;
        Ok((participants.current.username, participants.current.place))
    }

    async fn read_current(
        &self,
        secret_id: &SecretId,
    ) -> Result<(SecretDescription, SecretValue), Error> {
        let (reader, by_label) = (self.reader(), VersionSelector::Stage(Stage::Current));
        let (secret, current) =
            tokio::join!(reader.describe(secret_id), reader.value(secret_id, &by_label));
        Ok((secret?, current?))
    }

    /// The current version alone, as the one that is also to be set.
    async fn standing<'a>(
        &self,
        secret: &'a SecretDescription,
        current: &SecretValue,
    ) -> Result<Participants<'a, C::Service>, Error> {
        let origin = Origin { secret: secret.name.clone(), role: Stage::Current };
        let document = SecretDocument::parse(current, origin)?;
        let (selection, strategy) = (self.selection(), Some(Strategy::SingleUser));
        Participants::from_one(&selection, secret, &document, &current.version, strategy).await
    }
}
