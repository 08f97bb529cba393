//! The administrator: its credential, and the checks that it is one of this secret's own database.
//!
//! In this order, all of it before the administrator's password goes anywhere:
//! 1. the admin secret contains its place, or, where AWS manages it, the inventory knows it;
//! 2. it is another account than those that the rotation changes;
//! 3. it is for an engine that the secret's plugin serves;
//! 4. it is for the secret's own host and port, or the inventory confirms that both are one database.

use super::document::SecretDocument;
use super::error::Error;
use super::mismatch::Mismatch;
use super::participants::Participants;
use super::ports::{
    Description, Inventory, Login, ManagedDatabase, ManagedQuestion, Places, RelationError,
    SecretDescription, SecretId, SecretRef, SecretStore, Service, Stage, Unrelated,
    VersionSelector,
};
use super::progress::Progress;
use super::reading::Reader;
use super::secret_problem::Origin;
use crate::host_port::HostPort;

/// An admin secret, read but not yet compared with the secret that names it.
pub(super) struct Admin<R> {
    pub(super) login: Login,
    engine: String,
    /// What AWS said about its database, where it was asked.
    pub(super) managed: Option<ManagedDatabase<R>>,
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
        self.could_be_one(participants, &login.place, None)?;
        Ok(Some(login))
    }

    pub(super) async fn document(
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
    ) -> Result<Admin<I::Record>, Error> {
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

    /// The database of an admin secret that does not name it, as the inventory knows it.
    async fn managed(
        &self,
        secret: &SecretDescription,
        admin_id: &SecretId,
        own: &HostPort,
        credential_alone: bool,
    ) -> Result<Option<ManagedDatabase<I::Record>>, Error> {
        self.progress.note(format!("reading the tags of the admin secret `{admin_id}`"));
        let admin = self.reader.describe(admin_id).await.map_err(|error| {
            error.because(&format!("{}, and it does not contain its database", named_by(secret)))
        })?;
        self.progress.note(format!("asking AWS for the database of the admin secret `{admin_id}`"));
        let question =
            ManagedQuestion { admin: &admin, credential_alone, named_by: &secret.name, own };
        Ok(self.inventory.managed(&question).await?)
    }

    /// Whether the administrator's place is the secret's own, or could be of the same database.
    fn could_be_one<P>(
        &self,
        participants: &Participants<'_, P>,
        admin: &HostPort,
        record: Option<&I::Record>,
    ) -> Result<Relation, Mismatch> {
        let current = &participants.current.place;
        if admin.is(current) {
            return Ok(Relation::SamePlace);
        }
        if admin.host.eq_ignore_ascii_case(&current.host) {
            let why = Unrelated("another port is another server".to_owned());
            return Err(other_place(participants, admin, why));
        }
        let could_be = self.inventory.could_be_one(&places(participants, admin), record);
        could_be.map_err(|why| other_place(participants, admin, why))?;
        Ok(Relation::ForTheInventory)
    }

    /// Makes sure that the administrator's place is the secret's own, or of the same database.
    async fn same_database<P: Service>(
        &self,
        participants: &Participants<'_, P>,
        admin: &HostPort,
        managed: Option<&ManagedDatabase<I::Record>>,
    ) -> Result<(), Error> {
        let record = managed.map(|managed| &managed.record);
        if self.could_be_one(participants, admin, record)? == Relation::SamePlace {
            return Ok(());
        }
        let current = &participants.current.place;
        self.progress.note(format!("asking AWS whether {current} and {admin} are one database"));
        match self.inventory.are_one(&places(participants, admin), record).await {
            Ok(()) => Ok(()),
            Err(RelationError::Unrelated(why)) => Err(other_place(participants, admin, why).into()),
            Err(RelationError::Call(error)) => {
                let reason = format!(
                    "the call was made because the admin secret is for `{admin}` and secret `{}` for \
                     `{current}`, which must be a read replica or reader endpoint of it",
                    participants.secret.name
                );
                Err(error.because(&reason).into())
            }
        }
    }
}

/// How an administrator's place is related to the secret's, as far as the two show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// It is the same.
    SamePlace,
    /// Both may be of one database.
    ForTheInventory,
}

fn places<'a, P>(participants: &'a Participants<'_, P>, admin: &'a HostPort) -> Places<'a> {
    Places { secret: &participants.current.place, admin, engine: &participants.engine }
}

fn other_place<P>(
    participants: &Participants<'_, P>,
    admin: &HostPort,
    why: Unrelated,
) -> Mismatch {
    Mismatch::AdminPlace {
        secret: participants.secret.name.clone(),
        admin: admin.clone(),
        current: participants.current.place.clone(),
        why,
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
