//! Who takes part in a rotation, and the checks that they belong together.
//!
//! All of this happens before any connection: a pending version that names another user or host, or
//! an administrator of another server, could make this function change a password on behalf of
//! somebody who only may write a secret.

use super::Rotation;
use super::admin::admin_id;
use super::document::{Origin, SecretDocument, SecretProblem};
use super::error::Error;
use super::mismatch::Mismatch;
use super::ports::{
    Catalog, Description, Failure, FailureKind, Login, Proof, SecretDescription, SecretRef,
    SecretStore, SecretValue, Service, Stage, VersionId,
};
use super::service_error::ServiceError;
use super::strategy::{Strategy, alternate};
use crate::inventory::Inventory;

/// The secret's two versions and what they are rotated with.
pub(super) struct Participants<'a, P> {
    pub(super) secret: &'a SecretDescription,
    pub(super) service: P,
    pub(super) strategy: Strategy,
    pub(super) current: Login,
    pub(super) pending: Login,
    /// The versions that these two are from.
    pub(super) versions: Versions,
    /// The admin secret's ARN or name, where the change is an administrator's.
    pub(super) admin_id: Option<String>,
    pub(super) engine: String,
}

/// The versions of a secret that a rotation is between.
pub(super) struct Versions {
    pub(super) current: VersionId,
    pub(super) pending: VersionId,
}

impl<'a, P: Service> Participants<'a, P> {
    /// Of one version alone, which also stands for the one that is to be set.
    pub(super) fn of_one(
        secret: &'a SecretDescription,
        document: &SecretDocument,
        version: &VersionId,
        service: P,
        strategy: Strategy,
    ) -> Result<Self, Error> {
        let current = document.login(service.description(), SecretRef::of(secret))?;
        Ok(Self {
            secret,
            service,
            strategy,
            pending: current.duplicate(),
            current,
            versions: Versions { current: version.clone(), pending: version.clone() },
            admin_id: admin_id(secret, document)?,
            engine: document.engine()?.to_owned(),
        })
    }
}

impl SecretRef {
    /// The secret that is being rotated.
    pub(super) fn of(secret: &SecretDescription) -> Self {
        Self { id: secret.arn.clone(), rotated: secret.last_rotated_at.is_some() }
    }

    /// An admin secret, as `masterarn` names it.
    pub(super) fn of_admin(admin_id: &str) -> Self {
        Self { id: admin_id.to_owned(), rotated: false }
    }
}

impl SecretDocument {
    /// The sign-in that this version describes.
    pub(super) fn login(
        &self,
        plugin: &Description,
        secret: SecretRef,
    ) -> Result<Login, SecretProblem> {
        Ok(Login {
            secret,
            place: self.place(plugin.default_port)?,
            username: self.username()?.to_owned(),
            password: self.password()?,
            database: self.database()?.map(str::to_owned),
            tls: self.tls(),
            proof: Proof::Accepted,
            fields: self.declared(&plugin.fields),
            named_places: self.named_places(),
        })
    }
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// Reads both versions' documents and checks that they belong together.
    pub(super) async fn participants<'a>(
        &self,
        secret: &'a SecretDescription,
        current: &SecretValue,
        pending: &SecretValue,
    ) -> Result<Participants<'a, C::Service>, Error> {
        let versions =
            Versions { current: current.version.clone(), pending: pending.version.clone() };
        let origin = |role| Origin { secret: secret.name.clone(), role };
        let current_document = SecretDocument::parse(current, origin(Stage::Current))?;
        let pending_document = SecretDocument::parse(pending, origin(Stage::Pending))?;
        let service = self.service(secret, &current_document).await?;
        let plugin = service.description();
        let strategy = self.strategy(secret, &current_document, plugin)?;
        let current = current_document.login(plugin, SecretRef::of(secret))?;
        let pending_login = pending_document.login(plugin, SecretRef::of(secret))?;

        let version = || pending.version.to_string();
        let expected = match strategy {
            Strategy::SingleUser | Strategy::DualPassword => current.username.clone(),
            Strategy::AlternatingUsers => alternate(&current.username, &plugin.username_rules)?,
        };
        if pending_login.username != expected {
            return Err(Mismatch::User {
                secret: secret.name.clone(),
                version: version(),
                pending: pending_login.username.clone(),
                expected,
            }
            .into());
        }
        same_but_for_the_credential(secret, &current_document, &pending_document, &version())?;
        let one_user = pending_login.username == current.username;
        if one_user && pending_login.password.same_as(&current.password) {
            return Err(
                Mismatch::SamePassword { secret: secret.name.clone(), version: version() }.into()
            );
        }
        let admin_id = admin_id(secret, &current_document)?;
        let engine = current_document.engine()?.to_owned();
        let pending = pending_login;
        Ok(Participants { secret, service, strategy, current, pending, versions, admin_id, engine })
    }
}

/// A pending version differs from the current one in its credential and in nothing else. One that
/// was made before an operator corrected the secret would be tested with, and bring back, what was
/// wrong.
pub(super) fn same_but_for_the_credential(
    secret: &SecretDescription,
    current: &SecretDocument,
    pending: &SecretDocument,
    version: &str,
) -> Result<(), Mismatch> {
    match current.difference(pending) {
        None => Ok(()),
        Some(key) => Err(Mismatch::Stale {
            secret: secret.name.clone(),
            version: version.to_owned(),
            key: key.to_owned(),
        }),
    }
}

/// How the service answered a credential.
pub(super) enum Answer<T> {
    /// It signs in, and this came of it.
    Accepted(T),
    /// It does not sign in; in the plugin's words.
    Refused(Failure),
}

/// The answer to a credential. A refusal is one; anything else that failed is an error.
pub(super) fn answered<T>(result: Result<T, Error>) -> Result<Answer<T>, Error> {
    match result {
        Ok(done) => Ok(Answer::Accepted(done)),
        Err(Error::Service(ServiceError::Failed { failure, .. }))
            if failure.kind == FailureKind::Refused =>
        {
            Ok(Answer::Refused(*failure))
        }
        Err(error) => Err(error),
    }
}

/// Whether the service said that this credential does not sign in, and nothing else.
pub(super) fn is_refusal(error: &Error) -> bool {
    is_failure(error, FailureKind::Refused)
}

/// Whether this is a plugin's failure of this kind.
pub(super) fn is_failure(error: &Error, kind: FailureKind) -> bool {
    matches!(error, Error::Service(ServiceError::Failed { failure, .. }) if failure.kind == kind)
}
