//! What the rotation needs to know about databases beside what secrets contain: for which one an admin
//! secret is that AWS manages, and whether two places are of one database.
//!
//! Asked in these two cases only, so that an ordinary rotation never pays for it. An inventory answers;
//! what the answer means for the rotation is decided in `rotation`.

use std::future::Future;

use super::store::SecretDescription;
use crate::host_port::HostPort;

/// The questions about databases. They change nothing.
pub trait Inventory: Send + Sync {
    /// What the inventory knows of a database beyond its place, handed back with further questions about
    /// it, so that nothing is asked twice.
    type Record: Send + Sync;

    /// For which database an admin secret is that AWS manages. `None`: nothing shows that AWS manages
    /// it.
    ///
    /// # Errors
    /// If AWS manages it and it does not lead to its database, or a call failed.
    fn managed(
        &self,
        question: &ManagedQuestion<'_>,
    ) -> impl Future<Output = Result<Option<ManagedDatabase<Self::Record>>, ManagedError>> + Send;

    /// Whether the two places of a pair, which differ, could be of one database, before anybody is
    /// asked.
    ///
    /// # Errors
    /// Why they can't be.
    fn could_be_one(
        &self,
        pair: &Places<'_>,
        admin: Option<&Self::Record>,
    ) -> Result<(), Unrelated>;

    /// Whether the two places of a pair are of one database.
    ///
    /// # Errors
    /// Why they are not, or which call failed.
    fn are_one(
        &self,
        pair: &Places<'_>,
        admin: Option<&Self::Record>,
    ) -> impl Future<Output = Result<(), RelationError>> + Send;
}

/// An admin secret that does not name its database.
pub struct ManagedQuestion<'a> {
    /// The admin secret, with its tags.
    pub admin: &'a SecretDescription,
    /// Whether it contains a credential and nothing else.
    pub credential_alone: bool,
    /// The secret whose `masterarn` names it.
    pub named_by: &'a str,
    /// That secret's place.
    pub own: &'a HostPort,
}

/// The database of an admin secret that AWS manages.
pub struct ManagedDatabase<R> {
    /// Where it listens.
    pub place: HostPort,
    /// The engine, as secrets spell it.
    pub engine: String,
    /// The database that the administrator signs in to, where it is always the same one.
    pub database: Option<String>,
    /// What else the inventory knows of it.
    pub record: R,
}

/// The places of a secret and of its administrator, which differ.
pub struct Places<'a> {
    /// The secret's place.
    pub secret: &'a HostPort,
    /// The administrator's.
    pub admin: &'a HostPort,
    /// The secret's engine.
    pub engine: &'a str,
}

/// Why the database of an admin secret is not known.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// The admin secret does not lead to its database. The operator has to act.
    #[error(transparent)]
    Problem(#[from] ManagedProblem),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] InventoryError),
}

/// An admin secret that AWS manages and that does not lead to its database, in the inventory's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ManagedProblem(pub String);

/// Why two places are not known to be of one database.
#[derive(Debug, thiserror::Error)]
pub enum RelationError {
    /// They are not.
    #[error(transparent)]
    Unrelated(#[from] Unrelated),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] InventoryError),
}

/// Why two places are not of one database: a clause, in the inventory's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unrelated(pub String);

/// What kind of answer a failed call got: all that a rotation decides from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InventoryErrorKind {
    /// This account and region have no such database.
    NotFound,
    /// The function's role lacks a permission.
    AccessDenied,
    /// Throttling, a 5xx or no answer: the same call may work later.
    Transient,
    /// Anything else, such as credentials that don't resolve.
    Other,
}

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{action} of `{resource}`: {}{remedy}", .message.trim_end_matches('.'))]
pub struct InventoryError {
    /// What the rotation may act on.
    pub kind: InventoryErrorKind,
    /// The API's action.
    pub action: &'static str,
    /// The identifier or ARN that was asked for.
    pub resource: String,
    /// The service's code and message.
    pub message: String,
    /// What helps, behind `; `, or empty.
    pub remedy: String,
}

impl InventoryError {
    /// The same error, saying why the call was made.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.message = format!("{}; {reason}", self.message.trim_end_matches('.'));
        self
    }
}
