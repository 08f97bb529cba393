//! The secret stores behind the rotation's port: [`aws`] is Secrets Manager over its API,
//! [`embedded`] adapts the one of `windlass-secrets-manager`. A store reports what happened; what it means for the
//! rotation is decided in `rotation`.

pub mod aws;
mod aws_failure;
#[cfg(feature = "cli")]
pub mod embedded;
mod guarded;

pub(crate) use guarded::GuardedStore;
