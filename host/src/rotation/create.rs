//! createSecret: a new password, stored as `AWSPENDING`, once per version.
//!
//! A version that has a value keeps it: between the first attempt and this one the service may
//! already have taken that password. `RotateSecret` leaves `AWSPENDING` on a version without a
//! value, which is where an ordinary rotation begins.

use super::admin::admin_id;
use super::document::{Origin, SecretDocument};
use super::event::RotationEvent;
use super::parties::same_but_for_the_credential;
use super::plan::Invoker;
use super::service::{Catalog, SecretRef, Service};
use super::strategy::{Strategy, alternate};
use super::{Outcome, Rotation, password};
use crate::error::Error;
use crate::inventory::Inventory;
use crate::secret::Secret;
use crate::store::{PendingValue, SecretStore, Stage, StoreErrorKind, VersionSelector};

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    pub(super) async fn create(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        self.note_reading();
        let by_version = VersionSelector::Version(event.version.clone());
        let settings = &self.config.passwords;
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
        let current = SecretDocument::parse(&current, origin(Stage::Current))?;
        if let Some(pending) = pending {
            let document = SecretDocument::parse(&pending, origin(Stage::Pending))?;
            let version = event.version.as_str();
            same_but_for_the_credential(&secret, &current, &document, version)?;
            return Ok(Outcome::AlreadyCreated);
        }

        let service = self.service(&secret, &current)?;
        let plugin = service.description();
        let username = match self.strategy(&secret, &current, plugin)? {
            Strategy::SingleUser | Strategy::DualPassword => current.username()?.to_owned(),
            Strategy::AlternatingUsers => alternate(current.username()?, &plugin.username_rules)?,
        };
        // Nothing of these is needed yet; but a secret that a later step would refuse must not
        // get a pending version first.
        current.login(plugin, SecretRef::of(&secret))?;
        admin_id(&secret, &current)?;
        self.may_send_text(&secret)?;

        let request = password::request(settings, plugin)?;
        let password = match (password, ahead) {
            (Some(Ok(password)), Some(ahead)) if ahead == request => password,
            // Nothing was asked for ahead, or not exactly this, or it could not be had.
            _ => self.store.random_password(&request).await?,
        };
        self.requests.note(&event.secret_id, &request);
        self.store_pending(event, username, &current, &password).await
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
