//! Who takes part in a rotation, and the checks that they belong together.
//!
//! All of this happens before any connection: a pending version that names another user or host, or
//! an administrator of another server, could make this function change a password on behalf of
//! somebody who only may write a secret.

use super::document::SecretDocument;
use super::error::Error;
use super::mismatch::Mismatch;
use super::ports::{
    Catalog, Login, SecretDescription, SecretId, SecretRef, SecretValue, Service, Stage, VersionId,
};
use super::secret_problem::Origin;
use super::selection::Selection;
use super::strategy::{Strategy, alternate};
use crate::secret::mute;

/// The secret's two versions and what they are rotated with.
pub(super) struct Participants<'a, P> {
    pub(super) secret: &'a SecretDescription,
    pub(super) service: P,
    pub(super) strategy: Strategy,
    pub(super) current: Login,
    pub(super) pending: Login,
    /// The versions that these two are from.
    pub(super) versions: Versions,
    /// The admin secret, where the change is an administrator's.
    pub(super) admin_id: Option<SecretId>,
    pub(super) engine: String,
    /// Whether the new password may be sent as text, inside TLS.
    pub(super) may_send_text: bool,
}

/// The versions of a secret that a rotation is between.
pub(super) struct Versions {
    pub(super) current: VersionId,
    pub(super) pending: VersionId,
}

mute!(OlderVersion);

/// The sign-in of an older version of the secret.
pub(super) struct OlderVersion {
    /// With the stricter TLS of that version and the current one.
    pub(super) login: Login,
    /// Whether it is for the current version's host, port and engine; if not, it must not be used.
    pub(super) same_place: bool,
}

impl<'a, P: Service> Participants<'a, P> {
    /// Of one version alone, which also stands for the one that is to be set. `strategy` is what it is
    /// set by; where `None`, the secret's own.
    pub(super) async fn from_one<C: Catalog<Service = P>>(
        selection: &Selection<'_, C>,
        secret: &'a SecretDescription,
        document: &SecretDocument,
        version: &VersionId,
        strategy: Option<Strategy>,
    ) -> Result<Self, Error> {
        let service = selection.service(secret, document).await?;
        let strategy = match strategy {
            Some(strategy) => strategy,
            None => selection.strategy(secret, document, service.description())?,
        };
        let current = document.login(service.description(), SecretRef::rotated(secret))?;
        Ok(Self {
            secret,
            service,
            strategy,
            pending: current.duplicate(),
            current,
            versions: Versions { current: version.clone(), pending: version.clone() },
            admin_id: admin_id(secret, document)?,
            engine: document.location()?.engine.clone(),
            may_send_text: selection.may_send_text(secret)?,
        })
    }

    /// Reads both versions' documents and checks that they belong together.
    pub(super) async fn from_both<C: Catalog<Service = P>>(
        selection: &Selection<'_, C>,
        secret: &'a SecretDescription,
        current: &SecretValue,
        pending: &SecretValue,
    ) -> Result<Self, Error> {
        let origin = |role| Origin { secret: secret.name.clone(), role };
        let current_document = SecretDocument::parse(current, origin(Stage::Current))?;
        let pending_document = SecretDocument::parse(pending, origin(Stage::Pending))?;
        let mut both =
            Self::from_one(selection, secret, &current_document, &current.version, None).await?;
        let plugin = both.service.description();
        both.pending = pending_document.login(plugin, SecretRef::rotated(secret))?;
        both.versions.pending = pending.version.clone();

        let version = || pending.version.to_string();
        let username = &both.current.username;
        let expected = match both.strategy {
            Strategy::SingleUser | Strategy::DualPassword => username.clone(),
            Strategy::AlternatingUsers => alternate(username, &plugin.username_rules)?,
        };
        if both.pending.username != expected {
            return Err(Mismatch::User {
                secret: secret.name.clone(),
                version: version(),
                pending: both.pending.username,
                expected,
            }
            .into());
        }
        same_but_for_the_credential(secret, &current_document, &pending_document, &version())?;
        let one_user = both.pending.username == both.current.username;
        if one_user && both.pending.password.same_as(&both.current.password) {
            return Err(
                Mismatch::SamePassword { secret: secret.name.clone(), version: version() }.into()
            );
        }
        Ok(both)
    }

    /// The sign-in of an older version, if it can be used at all: one that can't is no error.
    pub(super) fn older_version(&self, value: &SecretValue) -> Option<OlderVersion> {
        let origin = Origin { secret: self.secret.name.clone(), role: Stage::Previous };
        let document = SecretDocument::parse(value, origin).ok()?;
        let mut login =
            document.login(self.service.description(), self.current.secret.clone()).ok()?;
        login.tls = login.tls.stricter(self.current.tls);
        let same_engine = document.location().is_ok_and(|location| location.engine == self.engine);
        let same_place = login.place.is(&self.current.place) && same_engine;
        Some(OlderVersion { login, same_place })
    }
}

/// The admin secret that a secret names, if it names one.
pub(super) fn admin_id(
    secret: &SecretDescription,
    current: &SecretDocument,
) -> Result<Option<SecretId>, Mismatch> {
    let admin_id = current.admin_secret().cloned();
    // An ARN may be given without its random end.
    let arn = secret.arn.as_str();
    let partial_arn = arn.rsplit_once('-').map_or("", |(arn, _)| arn);
    let own = [arn, secret.name.as_str(), partial_arn];
    if admin_id.as_ref().is_some_and(|id| own.contains(&id.as_str())) {
        return Err(Mismatch::AdminIsItself { secret: secret.name.clone() });
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
