//! testSecret: the pending password signs in.
//!
//! Secrets Manager also sends this step alone, when a schedule is set up without rotating at once,
//! for a temporary pending version; so nothing here relies on an earlier step.

use super::event::RotationEvent;
use super::plan::Invoker;
use super::service::{Catalog, Service};
use super::{Outcome, Rotation};
use crate::error::Error;
use crate::store::SecretStore;

impl<S: SecretStore, C: Catalog> Rotation<'_, S, C> {
    pub(super) async fn test(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some((secret, pending)) = self.read_pending(event, invoker).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let service = self.service(&secret, &pending)?;
        let login = pending.login(service.description())?;
        self.verify(&service, &login, "the AWSPENDING password").await?;
        Ok(Outcome::Tested { username: login.username })
    }
}
