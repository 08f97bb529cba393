//! The administrator: its credential, and the checks that it is one of this secret's own database.
//!
//! In this order, all of it before the administrator's password goes anywhere:
//! 1. the admin secret says where it is for, or, where AWS manages it, the database's service does
//!    (see [`managed`](super::managed));
//! 2. it is another account than those that the rotation changes;
//! 3. it is for an engine that the secret's plugin serves;
//! 4. it is for the secret's own host and port, or RDS says that both are one database (see
//!    [`replica`](super::replica)).

use super::Rotation;
use super::document::{Origin, SecretDocument};
use super::error::Error;
use super::managed::Managed;
use super::mismatch::Mismatch;
use super::participants::Participants;
use super::ports::{
    Catalog, Description, Login, Proof, SecretDescription, SecretRef, SecretStore, Service, Stage,
    VersionSelector,
};
use crate::host_port::HostPort;
use crate::inventory::Inventory;

/// An admin secret, read but not yet compared with the secret that names it.
pub(super) struct Admin {
    pub(super) login: Login,
    engine: String,
    /// What AWS said about its database, where it was asked.
    pub(super) managed: Option<Managed>,
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// The administrator's sign-in, for the same server and database as the secret.
    pub(super) async fn admin_login(
        &self,
        participants: &Participants<'_, C::Service>,
        admin_id: &str,
    ) -> Result<Login, Error> {
        let plugin = participants.service.description();
        let Admin { mut login, engine, managed } =
            self.admin(participants.secret, admin_id, plugin, &participants.current.place).await?;
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
    pub(super) async fn foresee_admin(
        &self,
        participants: &Participants<'_, C::Service>,
        admin_id: &str,
    ) -> Result<Option<Login>, Error> {
        let document = self.admin_document(participants.secret, admin_id).await?;
        fits(participants, admin_id, document.username()?)?;
        document.password()?;
        if !document.has_location() {
            return Ok(None);
        }
        let login =
            document.login(participants.service.description(), SecretRef::of_admin(admin_id))?;
        serves(participants, document.engine()?.to_owned())?;
        self.may_be_one_database(participants, &login.place, None)?;
        Ok(Some(login))
    }

    async fn admin_document(
        &self,
        secret: &SecretDescription,
        admin_id: &str,
    ) -> Result<SecretDocument, Error> {
        let value = self.store.value(admin_id, &VersionSelector::Stage(Stage::Current)).await;
        let value = value.map_err(|error| error.because(&named_by(secret)))?;
        let origin = Origin { secret: admin_id.to_owned(), role: Stage::Current };
        Ok(SecretDocument::parse(&value, origin)?)
    }

    /// Reads an admin secret and finds out where it is for. `own` is the place of the secret that
    /// names it.
    pub(super) async fn admin(
        &self,
        secret: &SecretDescription,
        admin_id: &str,
        plugin: &Description,
        own: &HostPort,
    ) -> Result<Admin, Error> {
        let document = self.admin_document(secret, admin_id).await?;
        let managed = if document.has_location() {
            None
        } else {
            self.managed(secret, admin_id, own, document.is_credential_alone()).await?
        };
        let Some(managed) = managed else {
            let engine = document.engine()?.to_owned();
            let login = document.login(plugin, SecretRef::of_admin(admin_id))?;
            return Ok(Admin { login, engine, managed: None });
        };
        let login = Login {
            secret: SecretRef::of_admin(admin_id),
            place: managed.place.clone(),
            username: document.username()?.to_owned(),
            password: document.password()?,
            database: None,
            tls: document.tls(),
            proof: Proof::Accepted,
            fields: document.declared(&plugin.fields),
            named_places: document.named_places(),
        };
        Ok(Admin { login, engine: managed.engine.clone(), managed: Some(managed) })
    }
}

/// Makes sure that the administrator is another account than those that the rotation changes.
fn fits<P: Service>(
    participants: &Participants<'_, P>,
    admin_id: &str,
    username: &str,
) -> Result<(), Mismatch> {
    if [&participants.current, &participants.pending].iter().any(|own| own.username == username) {
        return Err(Mismatch::AdminIsUser {
            secret: participants.secret.name.clone(),
            admin: admin_id.to_owned(),
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

/// The admin secret that a secret names, if it names one.
pub(super) fn admin_id(
    secret: &SecretDescription,
    current: &SecretDocument,
) -> Result<Option<String>, Error> {
    let admin_id = current.admin_secret()?.map(str::to_owned);
    // An ARN may be given without its random end.
    let partial_arn = secret.arn.rsplit_once('-').map_or("", |(arn, _)| arn);
    let own = [secret.arn.as_str(), secret.name.as_str(), partial_arn];
    if admin_id.as_deref().is_some_and(|id| own.contains(&id)) {
        return Err(Mismatch::AdminIsItself { secret: secret.name.clone() }.into());
    }
    Ok(admin_id)
}
