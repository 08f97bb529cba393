//! createSecret: a new password, stored as `AWSPENDING`, once per version.
//!
//! A version that has a value keeps it: between the first attempt and this one the service may
//! already have taken that password. `RotateSecret` leaves `AWSPENDING` on a version without a
//! value, which is where an ordinary rotation begins.
//!
//! What can be known before the first write is checked before it, in this order: the secret's fields,
//! the plugin, the strategy and its abilities, the names of the accounts, the rules for passwords, the
//! way to the service (grants and roots, without a connection), the administrator's secret. That one
//! is read while the password is made, and again in setSecret: it may have been rotated meanwhile.

use super::document::{Origin, SecretDocument};
use super::error::Error;
use super::event::RotationEvent;
use super::participants::{Participants, same_but_for_the_credential};
use super::plan::Invoker;
use super::ports::{
    Catalog, Login, PendingValue, SecretDescription, SecretStore, Service, Stage, StoreErrorKind,
    VersionId, VersionSelector,
};
use super::sign_in::call_failed;
use super::strategy::{Strategy, alternate, check_name, check_setting};
use super::{Outcome, Rotation, password};
use crate::inventory::Inventory;
use crate::secret::Secret;

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    pub(super) async fn create(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        self.note_reading();
        let by_version = VersionSelector::Version(event.version.clone());
        let settings = &self.settings.passwords;
        let plugins = self.catalog.descriptions();
        let ahead = self.requests.ahead(&event.secret_id, settings, plugins);
        let (secret, current, pending, password) = tokio::join!(
            self.store.describe(&event.secret_id),
            self.store.value(&event.secret_id, &VersionSelector::Stage(Stage::Current)),
            self.value_if_there(&event.secret_id, &by_version),
            async {
                match &ahead {
                    Some(request) => Some(self.store.random_password(request).await),
                    None => None,
                }
            },
        );
        let Some(secret) = self.planned(event, invoker, secret).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let pending = pending?;
        let Some((secret, current)) = self.with_current(event, invoker, secret, current).await?
        else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let origin = |role| Origin { secret: secret.name.clone(), role };
        let version = current.version.clone();
        let current = SecretDocument::parse(&current, origin(Stage::Current))?;
        if let Some(pending) = pending {
            let document = SecretDocument::parse(&pending, origin(Stage::Pending))?;
            same_but_for_the_credential(&secret, &current, &document, event.version.as_str())?;
            return Ok(Outcome::AlreadyCreated);
        }

        let participants = self.coming_parties(&secret, &current, &version).await?;
        let request = password::request(settings, participants.service.description())?;
        let (checked, password) = tokio::join!(self.foresee(&participants), async {
            match (password, ahead) {
                (Some(Ok(password)), Some(ahead)) if ahead == request => Ok(password),
                // Nothing was asked for ahead, or not exactly this, or it could not be had.
                _ => self.store.random_password(&request).await,
            }
        });
        checked?;
        let (username, password) = (participants.pending.username.clone(), password?);
        self.requests.note(&event.secret_id, &request);
        self.store_pending(event, username, &current, &password).await
    }

    /// Who would take part in the steps to come. What they would refuse is refused here: a secret that
    /// a later step can't use must not get a pending version first.
    async fn coming_parties<'a>(
        &self,
        secret: &'a SecretDescription,
        document: &SecretDocument,
        version: &VersionId,
    ) -> Result<Participants<'a, C::Service>, Error> {
        let service = self.service(secret, document).await?;
        let strategy = self.strategy(secret, document, service.description())?;
        let mut participants = Participants::of_one(secret, document, version, service, strategy)?;
        let plugin = participants.service.description();
        check_name(&participants.current.username, plugin)?;
        if strategy == Strategy::AlternatingUsers {
            let other = alternate(&participants.current.username, &plugin.username_rules)?;
            check_name(&other, plugin)?;
            check_setting(&other, self.settings.username_limit)?;
            participants.pending.username = other;
        }
        self.may_send_text(secret)?;
        Ok(participants)
    }

    /// Finds out what would stop the next steps, without a connection to the service: the way to it,
    /// and the administrator's secret.
    async fn foresee(&self, participants: &Participants<'_, C::Service>) -> Result<(), Error> {
        self.way_to(participants, &participants.current)?;
        let Some(admin_id) = &participants.admin_id else { return Ok(()) };
        match self.foresee_admin(participants, admin_id).await? {
            Some(admin) => self.way_to(participants, &admin),
            None => Ok(()),
        }
    }

    fn way_to(
        &self,
        participants: &Participants<'_, C::Service>,
        login: &Login,
    ) -> Result<(), Error> {
        let login = Login { tls: self.tls_in_force(login.tls), ..login.duplicate() };
        let attempt = format!(
            "checking, before a new password is stored, whether `{}` can sign in",
            login.username
        );
        let ahead = participants.service.foresee(&login);
        ahead.map_err(|error| call_failed(error, attempt, &login.place))
    }

    async fn store_pending(
        &self,
        event: &RotationEvent,
        username: String,
        current: &SecretDocument,
        password: &Secret,
    ) -> Result<Outcome, Error> {
        self.progress.note(format!("storing the new password in {}", self.store.address()));
        let pending = PendingValue {
            version: event.version.clone(),
            text: current.with_credential(&username, password),
            rotation_token: event.rotation_token.as_ref().map(Secret::duplicate),
        };
        match self.store.put_pending(&event.secret_id, &pending).await {
            Ok(()) => Ok(Outcome::Created { username }),
            // Another attempt was faster, and its password is the one that counts.
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => {
                Ok(Outcome::AlreadyCreated)
            }
            Err(error) => Err(error.into()),
        }
    }
}
