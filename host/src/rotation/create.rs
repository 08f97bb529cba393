//! createSecret: a new password, stored as `AWSPENDING`, once per version.
//!
//! A version that has a value keeps it: between the first attempt and this one the service may
//! already have taken that password. `RotateSecret` leaves `AWSPENDING` on a version without a
//! value, which is where an ordinary rotation begins.

use super::document::{Origin, SecretDocument};
use super::event::RotationEvent;
use super::parties::admin_id;
use super::plan::{Invoker, Plan, plan};
use super::service::{Catalog, Service};
use super::strategy::{Strategy, alternate};
use super::{Outcome, Rotation, password};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::{
    PendingValue, SecretStore, SecretValue, Stage, StoreErrorKind, VersionSelector,
};

impl<S: SecretStore, C: Catalog> Rotation<'_, S, C> {
    pub(super) async fn create(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        self.progress.note("reading the secret from Secrets Manager");
        let by_version = VersionSelector::Version(event.version.clone());
        let ahead = password::request_ahead(&self.config.passwords, self.catalog.descriptions());
        let (secret, current, pending, password) = tokio::join!(
            self.store.describe(&event.secret_id),
            self.store.value(&event.secret_id, &VersionSelector::Stage(Stage::Current)),
            self.store.value(&event.secret_id, &by_version),
            async {
                match &ahead {
                    Some(request) => Some(self.store.random_password(request).await),
                    None => None,
                }
            },
        );
        let secret = secret?;
        if plan(event.step, invoker, &secret, &event.version)? == Plan::AlreadyCurrent {
            return Ok(Outcome::AlreadyCurrent);
        }
        match pending {
            Ok(_) => return Ok(Outcome::AlreadyCreated),
            Err(error) if error.kind == StoreErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }

        let origin = Origin { secret: secret.name.clone(), role: Stage::Current };
        let current = SecretDocument::parse(&current?, origin)?;
        let service = self.service(&secret, &current)?;
        let plugin = service.description();
        let username = match self.strategy(&secret, &current, plugin)? {
            Strategy::SingleUser => current.username()?.to_owned(),
            Strategy::AlternatingUsers => alternate(current.username()?, &plugin.username_rules)?,
        };
        // Nothing of these is needed yet; but a secret that a later step would refuse must not
        // get a pending version first.
        current.login(plugin)?;
        admin_id(&secret, &current)?;

        let request = password::request(&self.config.passwords, plugin);
        let password = match (password, ahead) {
            (Some(password), Some(ahead)) if password::suits(&ahead, &request) => password?,
            _ => self.store.random_password(&request).await?,
        };
        self.store_pending(event, current.with_credential(&username, &password)).await?;
        Ok(Outcome::Created { username })
    }

    async fn store_pending(&self, event: &RotationEvent, text: Secret) -> Result<(), Error> {
        self.progress.note("storing the new password in Secrets Manager");
        let pending = PendingValue {
            version: event.version.clone(),
            text,
            rotation_token: event.rotation_token.as_ref().map(Secret::duplicate),
        };
        match self.store.put_pending(&event.secret_id, &pending).await {
            // Another attempt was faster. Its password is the one that counts, if it is there.
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => {
                let by_version = VersionSelector::Version(event.version.clone());
                let _theirs: SecretValue = self.store.value(&event.secret_id, &by_version).await?;
                Ok(())
            }
            answer => Ok(answer?),
        }
    }
}
