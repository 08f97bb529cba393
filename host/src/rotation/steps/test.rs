//! testSecret: the pending password signs in.
//!
//! Secrets Manager also sends this step alone, when a schedule is set up without rotating at once,
//! for a temporary pending version; so nothing here relies on an earlier step.
//!
//! Where the administrator changed the password on the writer and the secret names a replica, the
//! replica may refuse it for a moment. Only then, after a refusal, it is found out whether there is
//! such a writer, and the sign-in is tried once more.

use std::time::Duration;

use crate::host_port::HostPort;
use crate::rotation::admin::AdminSecrets;
use crate::rotation::answer::is_refusal;
use crate::rotation::credential::Credential;
use crate::rotation::document::SecretDocument;
use crate::rotation::error::Error;
use crate::rotation::event::RotationEvent;
use crate::rotation::outcome::Outcome;
use crate::rotation::participants::admin_id;
use crate::rotation::plan::Invoker;
use crate::rotation::ports::{
    Catalog, Description, FailureKind, Inventory, SecretDescription, SecretRef, SecretStore,
    Service,
};
use crate::rotation::progress::Progress;
use crate::rotation::reading::Reader;
use crate::rotation::selection::Selection;
use crate::rotation::service_error::ServiceError;
use crate::rotation::sign_in::SignIn;

/// What a replica gets to catch up: Aurora's lag by a tenth of a second, RDS's usually by less than
/// this. Longer is not worth a function's time, since a failed rotation is tried again. One further
/// attempt, because services count refused sign-ins. The replicas of unit tests catch up at once.
const REPLICATION_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 2000 });

/// The step, with all that it may use: nothing that writes.
pub(in crate::rotation) struct TestStep<'a, S, C, I> {
    pub(in crate::rotation) reader: Reader<'a, S>,
    pub(in crate::rotation) selection: Selection<'a, C>,
    pub(in crate::rotation) admins: AdminSecrets<'a, S, I>,
    pub(in crate::rotation) sign_in: SignIn<'a>,
    pub(in crate::rotation) progress: &'a Progress,
}

impl<S: SecretStore, C: Catalog, I: Inventory> TestStep<'_, S, C, I> {
    pub(in crate::rotation) async fn run(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        let Some((secret, pending)) = self.reader.read_pending(event, invoker).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let service = self.selection.service(&secret, &pending).await?;
        let login = pending.login(service.description(), SecretRef::rotated(&secret))?;
        let tested = self.sign_in.verify(&service, &login, &Credential::Pending).await;
        match tested {
            Ok(()) => {}
            Err(refusal) if is_refusal(&refusal) => {
                let plugin = service.description();
                let Some(writer) = self.writer_elsewhere(&secret, &pending, plugin).await else {
                    return Err(refusal);
                };
                self.progress.note(format!("waiting for {} to follow {writer}", login.place));
                tokio::time::sleep(REPLICATION_PAUSE).await;
                let tested = self.sign_in.verify(&service, &login, &Credential::Pending).await;
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
        let own = pending.location().ok()?.place(plugin.default_port);
        let admin = self.admins.read(secret, &admin_id, plugin, &own).await.ok()?.login.place;
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
