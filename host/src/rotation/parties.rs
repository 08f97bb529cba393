//! Who takes part in a rotation, and the checks that they belong together.
//!
//! All of this happens before any connection: a pending version that names another user or host, or
//! an administrator of another server, could make this function change a password on behalf of
//! somebody who only may write a secret.

use super::Rotation;
use super::document::{Origin, SecretDocument, SecretProblem};
use super::event::RotationEvent;
use super::service::{CallError, Catalog, Description, Login, Place, Service};
use super::strategy::{Strategy, alternate};
use crate::error::{Error, ServiceError};
use crate::store::{
    SecretDescription, SecretStore, SecretValue, Stage, StoreError, StoreErrorKind, VersionSelector,
};

/// Two versions or secrets that must belong together and do not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The pending version names a user that this rotation must not touch.
    #[error(
        "the AWSPENDING version of secret `{secret}` is for user `{pending}`, but this rotation is \
         of `{expected}`; remove AWSPENDING from version `{version}` and rotate again"
    )]
    User {
        /// The secret's name.
        secret: String,
        /// The pending version.
        version: String,
        /// Whom the pending version names.
        pending: String,
        /// Whom it has to name.
        expected: String,
    },
    /// The pending version is for another server.
    #[error(
        "the AWSPENDING version of secret `{secret}` is for host `{pending}`, but AWSCURRENT is for \
         `{current}`; remove AWSPENDING from version `{version}` and rotate again"
    )]
    Host {
        /// The secret's name.
        secret: String,
        /// The pending version.
        version: String,
        /// The pending version's host.
        pending: String,
        /// The current version's host.
        current: String,
    },
    /// There is nothing to change.
    #[error(
        "the AWSPENDING version of secret `{secret}` has the same password as AWSCURRENT, so there \
         is nothing to change; remove AWSPENDING from version `{version}` and rotate again"
    )]
    SamePassword {
        /// The secret's name.
        secret: String,
        /// The pending version.
        version: String,
    },
    /// The admin secret is the secret itself.
    #[error(
        "`masterarn` of secret `{secret}` names the secret itself; it must be the admin secret's ARN"
    )]
    AdminIsItself {
        /// The secret's name.
        secret: String,
    },
    /// The administrator's server is another one.
    #[error(
        "the admin secret is for host `{admin}`, but secret `{secret}` is for `{current}`; an \
         administrator may only change users of its own server"
    )]
    AdminHost {
        /// The secret's name.
        secret: String,
        /// The admin secret's host.
        admin: String,
        /// The secret's host.
        current: String,
    },
    /// The admin secret's engine is another one.
    #[error(
        "the admin secret is for engine `{admin}`, but secret `{secret}` is for `{current}`; \
         `masterarn` must name an administrator of the same service"
    )]
    AdminEngine {
        /// The secret's name.
        secret: String,
        /// The admin secret's engine.
        admin: String,
        /// The secret's engine.
        current: String,
    },
    /// The pending version was never filled.
    #[error(
        "version `{version}` of secret `{secret}` is AWSPENDING but has no value: createSecret has \
         not run for it; start the rotation again with RotateSecret"
    )]
    NoPendingValue {
        /// The secret's name.
        secret: String,
        /// The pending version.
        version: String,
    },
}

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

        let expected = match strategy {
            Strategy::SingleUser => current.username.clone(),
            Strategy::AlternatingUsers => alternate(&current.username, &plugin.username_rules)?,
        };
        if pending_login.username != expected {
            return Err(Mismatch::User {
                secret: secret.name.clone(),
                version: pending.version.to_string(),
                pending: pending_login.username.clone(),
                expected,
            }
            .into());
        }
        if pending_login.place.host != current.place.host {
            return Err(Mismatch::Host {
                secret: secret.name.clone(),
                version: pending.version.to_string(),
                pending: pending_login.place.host.clone(),
                current: current.place.host.clone(),
            }
            .into());
        }
        if strategy == Strategy::SingleUser && pending_login.password.same_as(&current.password) {
            return Err(Mismatch::SamePassword {
                secret: secret.name.clone(),
                version: pending.version.to_string(),
            }
            .into());
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
        // Case of a host name means nothing to DNS; everything else does to somebody.
        if !login.place.host.eq_ignore_ascii_case(&parties.current.place.host) {
            return Err(Mismatch::AdminHost {
                secret: secret(),
                admin: login.place.host,
                current: parties.current.place.host.clone(),
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

    /// The pending version's value, or what to do where there is none.
    pub(super) async fn pending_value(
        &self,
        event: &RotationEvent,
        secret: &SecretDescription,
        first: Result<SecretValue, StoreError>,
    ) -> Result<SecretValue, Error> {
        match self.settled_value(&event.secret_id, &event.version, first).await {
            Err(error) if error.kind == StoreErrorKind::NotFound => Err(Mismatch::NoPendingValue {
                secret: secret.name.clone(),
                version: event.version.to_string(),
            }
            .into()),
            answer => Ok(answer?),
        }
    }

    /// Signs in; a failure says as whom and where.
    pub(super) async fn verify(
        &self,
        service: &C::Service,
        login: &Login,
        with: &str,
    ) -> Result<(), Error> {
        let attempt = format!("signing in as `{}` with {with}", login.username);
        self.progress.note(format!("{attempt} at {}", login.place));
        service.verify(login).await.map_err(|error| call_failed(error, attempt, &login.place))
    }
}

/// The admin secret that a secret names, if it names one.
pub(super) fn admin_id(
    secret: &SecretDescription,
    current: &SecretDocument,
) -> Result<Option<String>, Error> {
    let admin_id = current.admin_secret()?.map(str::to_owned);
    if admin_id.as_deref().is_some_and(|id| id == secret.arn || id == secret.name) {
        return Err(Mismatch::AdminIsItself { secret: secret.name.clone() }.into());
    }
    Ok(admin_id)
}

/// Puts a failed call into its context.
pub(super) fn call_failed(error: CallError, attempt: String, place: &Place) -> Error {
    match error {
        CallError::Failed(failure) => {
            ServiceError::Failed { attempt, place: place.clone(), failure }.into()
        }
        CallError::Plugin(error) => error.into(),
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
