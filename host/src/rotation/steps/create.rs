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

use crate::rotation::admin::AdminSecrets;
use crate::rotation::document::SecretDocument;
use crate::rotation::error::Error;
use crate::rotation::event::RotationEvent;
use crate::rotation::outcome::Outcome;
use crate::rotation::participants::{Participants, same_but_for_the_credential};
use crate::rotation::password::{PasswordRequests, request};
use crate::rotation::plan::Invoker;
use crate::rotation::ports::{
    Catalog, Inventory, Login, PasswordRequest, PendingValue, SecretDescription, SecretStore,
    Service, Stage, StoreError, StoreErrorKind, VersionId, VersionSelector,
};
use crate::rotation::progress::Progress;
use crate::rotation::reading::Reader;
use crate::rotation::secret_problem::Origin;
use crate::rotation::selection::Selection;
use crate::rotation::settings::Settings;
use crate::rotation::sign_in::{SignIn, call_failed};
use crate::rotation::strategy::{Strategy, alternate, check_name, check_setting};
use crate::secret::Secret;

/// The step, with all that it may use.
pub(in crate::rotation) struct CreateStep<'a, S, C, I> {
    pub(in crate::rotation) reader: Reader<'a, S>,
    pub(in crate::rotation) catalog: &'a C,
    pub(in crate::rotation) settings: &'a Settings,
    pub(in crate::rotation) selection: Selection<'a, C>,
    pub(in crate::rotation) admins: AdminSecrets<'a, S, I>,
    pub(in crate::rotation) sign_in: SignIn<'a>,
    pub(in crate::rotation) versions: NewVersions<'a, S>,
    pub(in crate::rotation) requests: &'a PasswordRequests,
}

/// What makes passwords and stores them as pending.
pub(in crate::rotation) struct NewVersions<'a, S> {
    pub(in crate::rotation) store: &'a S,
    pub(in crate::rotation) progress: &'a Progress,
}

impl<S: SecretStore> NewVersions<'_, S> {
    async fn password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        self.store.random_password(request).await
    }

    async fn store(
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

impl<S: SecretStore, C: Catalog, I: Inventory> CreateStep<'_, S, C, I> {
    pub(in crate::rotation) async fn run(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
    ) -> Result<Outcome, Error> {
        self.reader.note_reading();
        let by_version = VersionSelector::Version(event.version.clone());
        let settings = &self.settings.passwords;
        let plugins = self.catalog.descriptions();
        let ahead = self.requests.ahead(&event.secret_id, settings, plugins);
        let (secret, current, pending, password) = tokio::join!(
            self.reader.describe(&event.secret_id),
            self.reader.value(&event.secret_id, &VersionSelector::Stage(Stage::Current)),
            self.reader.value_if_there(&event.secret_id, &by_version),
            async {
                match &ahead {
                    Some(request) => Some(self.versions.password(request).await),
                    None => None,
                }
            },
        );
        let Some(secret) = self.reader.planned(event, invoker, secret).await? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let pending = pending?;
        let Some((secret, current)) =
            self.reader.with_current(event, invoker, secret, current).await?
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

        let participants = self.coming_participants(&secret, &current, &version).await?;
        let request = request(settings, participants.service.description())?;
        let (checked, password) = tokio::join!(self.foresee(&participants), async {
            match (password, ahead) {
                (Some(Ok(password)), Some(ahead)) if ahead == request => Ok(password),
                // Nothing was asked for ahead, or not exactly this, or it could not be had.
                _ => self.versions.password(&request).await,
            }
        });
        checked?;
        let (username, password) = (participants.pending.username.clone(), password?);
        self.requests.note(&event.secret_id, &request);
        self.versions.store(event, username, &current, &password).await
    }

    /// Who would take part in the steps to come. What they would refuse is refused here: a secret that
    /// a later step can't use must not get a pending version first.
    async fn coming_participants<'a>(
        &self,
        secret: &'a SecretDescription,
        document: &SecretDocument,
        version: &VersionId,
    ) -> Result<Participants<'a, C::Service>, Error> {
        let mut participants =
            Participants::from_one(&self.selection, secret, document, version, None).await?;
        let plugin = participants.service.description();
        check_name(&participants.current.username, plugin)?;
        if participants.strategy == Strategy::AlternatingUsers {
            let other = alternate(&participants.current.username, &plugin.username_rules)?;
            check_name(&other, plugin)?;
            check_setting(&other, self.settings.username_limit)?;
            participants.pending.username = other;
        }
        Ok(participants)
    }

    /// Finds out what would stop the next steps, without a connection to the service: the way to it,
    /// and the administrator's secret.
    async fn foresee(&self, participants: &Participants<'_, C::Service>) -> Result<(), Error> {
        self.way_to(participants, &participants.current)?;
        let Some(admin_id) = &participants.admin_id else { return Ok(()) };
        match self.admins.foresee(participants, admin_id).await? {
            Some(admin) => self.way_to(participants, &admin),
            None => Ok(()),
        }
    }

    fn way_to(
        &self,
        participants: &Participants<'_, C::Service>,
        login: &Login,
    ) -> Result<(), Error> {
        let login = Login { tls: self.sign_in.tls_in_force(login.tls), ..login.duplicate() };
        let attempt = format!(
            "checking, before a new password is stored, whether `{}` can sign in",
            login.username
        );
        let ahead = participants.service.foresee(&login);
        ahead.map_err(|error| call_failed(error, attempt, &login.place))
    }
}
