//! testSecret: the pending password signs in.
//!
//! Secrets Manager also sends this step alone, when a schedule is set up without rotating at once,
//! for a temporary pending version; so nothing here relies on an earlier step.
//!
//! Where the administrator changed the password on the writer and the secret names a replica, the
//! replica may refuse it for a moment. Only then, after a refusal, it is found out whether there is
//! such a writer, and the sign-in is tried once more.

use std::time::Duration;

use super::admin::admin_id;
use super::document::SecretDocument;
use super::error::Error;
use super::event::RotationEvent;
use super::participants::is_refusal;
use super::plan::Invoker;
use super::ports::{
    Catalog, Description, FailureKind, SecretDescription, SecretRef, SecretStore, Service,
};
use super::service_error::ServiceError;
use super::set::PENDING;
use super::{Outcome, Rotation};
use crate::host_port::HostPort;
use crate::inventory::Inventory;

/// What a replica gets to catch up: Aurora's lag by a tenth of a second, RDS's usually by less than
/// this. Longer is not worth a function's time, since a failed rotation is tried again. One further
/// attempt, because services count refused sign-ins. The replicas of unit tests catch up at once.
const REPLICATION_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 2000 });

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    pub(super) async fn test(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some((secret, pending)) = self.read_pending(event, invoker).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let service = self.service(&secret, &pending).await?;
        let login = pending.login(service.description(), SecretRef::of(&secret))?;
        let tested = self.verify(&service, &login, PENDING).await;
        match tested {
            Ok(()) => {}
            Err(refusal) if is_refusal(&refusal) => {
                let plugin = service.description();
                let Some(writer) = self.writer_elsewhere(&secret, &pending, plugin).await else {
                    return Err(refusal);
                };
                self.progress.note(format!("waiting for {} to follow {writer}", login.place));
                tokio::time::sleep(REPLICATION_PAUSE).await;
                let tested = self.verify(&service, &login, PENDING).await;
                tested.map_err(|error| not_replicated(error, writer))?;
            }
            Err(error) => return Err(error),
        }
        Ok(Outcome::Tested { username: login.username })
    }

    /// The administrator's place, if it is another one than the secret's. Whatever stands in the way
    /// of knowing, setSecret has said it; here the refusal matters.
    async fn writer_elsewhere(
        &self,
        secret: &SecretDescription,
        pending: &SecretDocument,
        plugin: &Description,
    ) -> Option<HostPort> {
        let admin_id = admin_id(secret, pending).ok()??;
        let own = pending.place(plugin.default_port).ok()?;
        let admin = self.admin(secret, &admin_id, plugin, &own).await.ok()?.login.place;
        (!admin.is(&own)).then_some(admin)
    }
}

/// Says of a refusal that it may be the replica's lag.
fn not_replicated(error: Error, writer: HostPort) -> Error {
    match error {
        Error::Service(ServiceError::Failed { attempt, place, failure })
            if failure.kind == FailureKind::Refused =>
        {
            let writer = Box::new(writer);
            ServiceError::NotReplicated { attempt, place, failure, writer }.into()
        }
        other => other,
    }
}
