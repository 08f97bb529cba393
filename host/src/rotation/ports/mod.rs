//! What the rotation needs of the world, as traits and types in its own terms. The step machine is
//! written against these and never sees the AWS SDK or the sandbox behind them.

mod description;
mod service;
mod store;

pub use description::{
    CharacterClasses, Description, Features, NameLength, PasswordRules, UsernameRules,
};
#[cfg(feature = "cli")]
pub use service::{Assessment, Finding, PairState, Planned};
pub use service::{
    CallError, Catalog, Change, Failure, FailureKind, Login, PluginFault, Proof, SecretRef,
    Service, TlsMode,
};
#[cfg(feature = "cli")]
pub use store::SecretList;
pub use store::{
    PasswordRequest, PendingValue, SecretDescription, SecretId, SecretStore, SecretValue, Stage,
    StageMove, StoreError, StoreErrorKind, VersionId, VersionListing, VersionSelector,
};
