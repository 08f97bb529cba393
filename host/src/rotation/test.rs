//! testSecret: the pending password signs in.
//!
//! Secrets Manager also sends this step alone, when a schedule is set up without rotating at once,
//! for a temporary pending version; so nothing here relies on an earlier step.

use super::document::{Origin, SecretDocument};
use super::event::RotationEvent;
use super::plan::Invoker;
use super::service::{Catalog, Service};
use super::{Outcome, Rotation};
use crate::error::Error;
use crate::store::{SecretStore, Stage, VersionSelector};

impl<S: SecretStore, C: Catalog> Rotation<'_, S, C> {
    pub(super) async fn test(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        self.progress.note("reading the secret from Secrets Manager");
        let by_version = VersionSelector::Version(event.version.clone());
        let (secret, pending) = tokio::join!(
            self.store.describe(&event.secret_id),
            self.store.value(&event.secret_id, &by_version),
        );
        let Some(secret) = self.planned(event, invoker, secret).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let pending = self.pending_value(event, &secret, pending).await?;
        let origin = Origin { secret: secret.name.clone(), role: Stage::Pending };
        let pending = SecretDocument::parse(&pending, origin)?;
        let service = self.service(&secret, &pending)?;
        let login = pending.login(service.description())?;
        self.verify(&service, &login, "the AWSPENDING password").await?;
        Ok(Outcome::Tested { username: login.username })
    }
}
