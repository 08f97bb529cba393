//! Who takes part in a rotation, and the checks that they belong together.
//!
//! All of this happens before any connection: a pending version that names another user or host, or
//! an administrator of another server, could make this function change a password on behalf of
//! somebody who only may write a secret.

use super::Rotation;
use super::document::{Origin, SecretDocument, SecretProblem};
use super::mismatch::Mismatch;
use super::service::{Catalog, Description, Login, Service};
use super::strategy::{Strategy, alternate};
use crate::error::{Error, ServiceError};
use crate::store::{SecretDescription, SecretStore, SecretValue, Stage, VersionSelector};

/// The secret's two versions and what they are rotated with.
pub(super) struct Parties<'a, P> {
    pub(super) secret: &'a SecretDescription,
    pub(super) service: P,
    pub(super) strategy: Strategy,
    pub(super) current: Login,
    pub(super) pending: Login,
    /// The admin secret's ARN or name, where the change is an administrator's.
    pub(super) admin_id: Option<String>,
    pub(super) engine: String,
}

impl SecretDocument {
    /// The sign-in that this version describes.
    pub(super) fn login(&self, plugin: &Description) -> Result<Login, SecretProblem> {
        Ok(Login {
            place: self.place(plugin.default_port)?,
            username: self.username()?.to_owned(),
            password: self.password()?,
            database: self.database()?.map(str::to_owned),
            tls: self.tls(),
            fields: self.further_fields(),
        })
    }
}

impl<S: SecretStore, C: Catalog> Rotation<'_, S, C> {
    /// Reads both versions' documents and checks that they belong together.
    pub(super) fn parties<'a>(
        &self,
        secret: &'a SecretDescription,
        current: &SecretValue,
        pending: &SecretValue,
    ) -> Result<Parties<'a, C::Service>, Error> {
        let origin = |role| Origin { secret: secret.name.clone(), role };
        let current_document = SecretDocument::parse(current, origin(Stage::Current))?;
        let pending_document = SecretDocument::parse(pending, origin(Stage::Pending))?;
        let service = self.service(secret, &current_document)?;
        let plugin = service.description();
        let strategy = self.strategy(secret, &current_document, plugin)?;
        let current = current_document.login(plugin)?;
        let pending_login = pending_document.login(plugin)?;

        let version = || pending.version.to_string();
        let expected = match strategy {
            Strategy::SingleUser => current.username.clone(),
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
        if strategy == Strategy::SingleUser && pending_login.password.same_as(&current.password) {
            return Err(
                Mismatch::SamePassword { secret: secret.name.clone(), version: version() }.into()
            );
        }
        let admin_id = admin_id(secret, &current_document)?;
        let engine = current_document.engine()?.to_owned();
        Ok(Parties { secret, service, strategy, current, pending: pending_login, admin_id, engine })
    }

    /// The administrator's sign-in, for the same server and database as the secret.
    pub(super) async fn admin_login(
        &self,
        parties: &Parties<'_, C::Service>,
        admin_id: &str,
    ) -> Result<Login, Error> {
        let value = self.store.value(admin_id, &VersionSelector::Stage(Stage::Current)).await;
        let value = value.map_err(|mut error| {
            let said = error.message.trim_end_matches('.');
            error.message = format!("{said}; `masterarn` of `{}` names it", parties.secret.name);
            error
        })?;
        let origin = Origin { secret: admin_id.to_owned(), role: Stage::Current };
        let document = SecretDocument::parse(&value, origin)?;
        let mut login = document.login(parties.service.description())?;
        let secret = || parties.secret.name.clone();
        if !login.place.is(&parties.current.place) {
            return Err(Mismatch::AdminPlace {
                secret: secret(),
                admin: login.place,
                current: parties.current.place.clone(),
            }
            .into());
        }
        if [&parties.current, &parties.pending].iter().any(|own| own.username == login.username) {
            return Err(Mismatch::AdminIsUser {
                secret: secret(),
                admin: admin_id.to_owned(),
                username: login.username,
            }
            .into());
        }
        if document.engine()? != parties.engine {
            return Err(Mismatch::AdminEngine {
                secret: secret(),
                admin: document.engine()?.to_owned(),
                current: parties.engine.clone(),
            }
            .into());
        }
        login.database.clone_from(&parties.current.database);
        Ok(login)
    }
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

/// Whether the service said that this credential does not sign in, and nothing else.
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Service(ServiceError::Failed { failure, .. })
            if failure.kind == super::FailureKind::Refused
    )
}
