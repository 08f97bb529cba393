//! Versions and secrets that must belong together and do not.
//!
//! Each message ends with what to do. Where that is taking `AWSPENDING` off a version, the message
//! has the command: RotateSecret refuses to begin while the label is in its way, and cancelling a
//! rotation leaves it where it is.

use super::ports::Unrelated;
use crate::host_port::HostPort;
use crate::text::quoted;

/// Two versions or secrets that must belong together and do not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The pending version names a user that this rotation must not touch.
    #[error(
        "the AWSPENDING version of secret `{secret}` is for user `{pending}`, but this rotation \
         changes the password of `{expected}`; {}",
        drop_pending(secret, version)
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
    /// The pending version was made from another current one: for another server, say.
    #[error(
        "`{key}` is not the same in the AWSPENDING version of secret `{secret}` as in AWSCURRENT, \
         so the secret was edited since this rotation began; {}",
        drop_pending(secret, version)
    )]
    Stale {
        /// The secret's name.
        secret: String,
        /// The pending version.
        version: String,
        /// The key that differs.
        key: String,
    },
    /// There is nothing to change.
    #[error(
        "the AWSPENDING version of secret `{secret}` has the same password as AWSCURRENT, so there \
         is nothing to change; {}",
        drop_pending(secret, version)
    )]
    SamePassword {
        /// The secret's name.
        secret: String,
        /// The pending version.
        version: String,
    },
    /// The admin secret is the secret itself.
    #[error(
        "`masterarn` of secret `{secret}` names the secret itself; it must be the admin secret's \
         ARN"
    )]
    AdminIsItself {
        /// The secret's name.
        secret: String,
    },
    /// The administrator is the user itself.
    #[error(
        "the admin secret `{admin}` is for user `{username}`, whose password this rotation \
         changes: \
         every secret that uses that administrator would stop working; name another administrator \
         in `masterarn` of secret `{secret}`, or rotate `{admin}` itself"
    )]
    AdminIsUser {
        /// The secret's name.
        secret: String,
        /// The admin secret's ARN or name.
        admin: String,
        /// The user.
        username: String,
    },
    /// The administrator's server is another one.
    #[error(
        "secret `{secret}` is for `{current}`, but its admin secret is for `{admin}`, which is \
         not the same database ({why}); set \
         `masterarn` to an administrator of that host and port, or of a database of which Amazon RDS \
         lists it as a read replica or reader endpoint"
    )]
    AdminPlace {
        /// The secret's name.
        secret: String,
        /// The admin secret's host and port.
        admin: HostPort,
        /// The secret's host and port.
        current: HostPort,
        /// Why they are not one database.
        why: Unrelated,
    },
    /// The admin secret's engine is another one.
    #[error(
        "the admin secret of secret `{secret}` is for engine `{admin}`, which plugin `{plugin}` \
         does \
         not serve (it serves {serves}), so the plugin does not get its password; `masterarn` must \
         name an administrator of the same service"
    )]
    AdminEngine {
        /// The secret's name.
        secret: String,
        /// The admin secret's engine.
        admin: String,
        /// The plugin that serves the secret.
        plugin: String,
        /// The plugin's engines.
        serves: String,
    },
    /// The accounts of the secret are others than those that were looked at.
    #[error(
        "secret `{secret}` changed meanwhile: its accounts were {seen} and are now {now}; \
         nothing was marked; run windlass adopt again"
    )]
    OtherPair {
        /// The secret's name.
        secret: String,
        /// The two that were looked at.
        seen: String,
        /// Those that the secret is for.
        now: String,
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

/// The command that takes `AWSPENDING` off a version, so that a rotation can begin anew.
pub(super) fn drop_pending(secret: &str, version: &str) -> String {
    format!(
        "abandon this rotation and start another: aws secretsmanager update-secret-version-stage \
         --secret-id {} --version-stage AWSPENDING --remove-from-version-id {}",
        quoted(secret),
        quoted(version)
    )
}
