//! What the rotation needs of the world, as traits and types in its own terms. The step machine is
//! written against these and never sees the AWS SDK or the sandbox behind them.

mod description;
mod inventory;
mod service;
mod store;
mod store_error;
pub(crate) mod strength;

pub use description::{
    CharacterClasses, Description, Features, NameLength, OWN_KEYS, PasswordRules, UsernameRules,
};
pub use inventory::{
    Inventory, InventoryError, InventoryErrorKind, ManagedDatabase, ManagedError, ManagedProblem,
    ManagedQuestion, Places, RelationError, Unrelated,
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
    StageMove, VersionId, VersionListing, VersionSelector,
};
pub use store_error::{StoreError, StoreErrorKind};
