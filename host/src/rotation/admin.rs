//! The administrator: its credential, and the checks that it is one of this secret's own database.
//!
//! In this order, all of it before the administrator's password goes anywhere:
//! 1. the admin secret says where it is for, or, where AWS manages it, the database's service does
//!    (see [`managed`](super::managed));
//! 2. it is another account than those that the rotation changes;
//! 3. it is for an engine that the secret's plugin serves;
//! 4. it is for the secret's own host and port, or RDS says that both are one database (see
//!    [`replica`](super::replica)).

use super::document::SecretDocument;
use super::error::Error;
use super::managed::Managed;
use super::mismatch::Mismatch;
use super::participants::Participants;
use super::ports::{
    Description, Login, SecretDescription, SecretId, SecretRef, SecretStore, Service, Stage,
    VersionSelector,
};
use super::progress::Progress;
use super::reading::Reader;
use super::secret_problem::Origin;
use crate::host_port::HostPort;
use crate::inventory::Inventory;

/// An admin secret, read but not yet compared with the secret that names it.
pub(super) struct Admin {
    pub(super) login: Login,
    engine: String,
    /// What AWS said about its database, where it was asked.
    pub(super) managed: Option<Managed>,
}

/// The secrets of administrators, with what AWS reports about their databases.
pub(super) struct AdminSecrets<'a, S, I> {
    pub(super) reader: Reader<'a, S>,
    pub(super) inventory: &'a I,
    pub(super) progress: &'a Progress,
}

impl<S: SecretStore, I: Inventory> AdminSecrets<'_, S, I> {
    /// The administrator's sign-in, for the same server and database as the secret.
    pub(super) async fn login<P: Service>(
        &self,
        participants: &Participants<'_, P>,
        admin_id: &SecretId,
    ) -> Result<Login, Error> {
        let plugin = participants.service.description();
        let Admin { mut login, engine, managed } =
            self.read(participants.secret, admin_id, plugin, &participants.current.place).await?;
        fits(participants, admin_id, &login.username)?;
        serves(participants, engine)?;
        self.same_database(participants, &login.place, managed.as_ref()).await?;
        login.database = match managed.and_then(|managed| managed.database) {
            Some(fixed) => Some(fixed),
            None => participants.current.database.clone(),
        };
        Ok(login)
    }

    /// What is wrong with the admin secret, as far as reading it tells; nobody else is asked. Its sign-in,
    /// where it says itself where that is.
    pub(super) async fn foresee<P: Service>(
        &self,
        participants: &Participants<'_, P>,
        admin_id: &SecretId,
    ) -> Result<Option<Login>, Error> {
        let document = self.document(participants.secret, admin_id).await?;
        fits(participants, admin_id, document.username())?;
        if !document.has_location() {
            return Ok(None);
        }
        let login =
            document.login(participants.service.description(), SecretRef::admin(admin_id))?;
        serves(participants, document.location()?.engine.clone())?;
        self.may_be_one_database(participants, &login.place, None)?;
        Ok(Some(login))
    }

    async fn document(
        &self,
        secret: &SecretDescription,
        admin_id: &SecretId,
    ) -> Result<SecretDocument, Error> {
        let value = self.reader.value(admin_id, &VersionSelector::Stage(Stage::Current)).await;
        let value = value.map_err(|error| error.because(&named_by(secret)))?;
        let origin = Origin { secret: admin_id.to_string(), role: Stage::Current };
        Ok(SecretDocument::parse(&value, origin)?)
    }

    /// Reads an admin secret and finds out where it is for. `own` is the place of the secret that
    /// names it.
    pub(super) async fn read(
        &self,
        secret: &SecretDescription,
        admin_id: &SecretId,
        plugin: &Description,
        own: &HostPort,
    ) -> Result<Admin, Error> {
        let document = self.document(secret, admin_id).await?;
        let managed = if document.has_location() {
            None
        } else {
            self.managed(secret, admin_id, own, document.is_credential_alone()).await?
        };
        let Some(managed) = managed else {
            let engine = document.location()?.engine.clone();
            let login = document.login(plugin, SecretRef::admin(admin_id))?;
            return Ok(Admin { login, engine, managed: None });
        };
        let place = managed.place.clone();
        let login = document.login_at(plugin, SecretRef::admin(admin_id), place);
        Ok(Admin { login, engine: managed.engine.clone(), managed: Some(managed) })
    }
}

/// Makes sure that the administrator is another account than those that the rotation changes.
fn fits<P: Service>(
    participants: &Participants<'_, P>,
    admin_id: &SecretId,
    username: &str,
) -> Result<(), Mismatch> {
    if [&participants.current, &participants.pending].iter().any(|own| own.username == username) {
        return Err(Mismatch::AdminIsUser {
            secret: participants.secret.name.clone(),
            admin: admin_id.to_string(),
            username: username.to_owned(),
        });
    }
    Ok(())
}

/// Makes sure that the plugin serves the administrator's engine. An Aurora secret may say `postgres` and
/// its administrator `aurora-postgresql`: what counts is that the plugin, however it was chosen, serves
/// the administrator's. Which server that is, the place decides.
fn serves<P: Service>(participants: &Participants<'_, P>, engine: String) -> Result<(), Mismatch> {
    let plugin = participants.service.description();
    if plugin.engines.contains(&engine) {
        return Ok(());
    }
    Err(Mismatch::AdminEngine {
        secret: participants.secret.name.clone(),
        admin: engine,
        plugin: plugin.name.clone(),
        serves: plugin.engines.join(", "),
    })
}

/// For errors about an admin secret: who asks for it.
pub(super) fn named_by(secret: &SecretDescription) -> String {
    format!("`masterarn` of `{}` names it", secret.name)
}
