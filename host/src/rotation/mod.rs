//! The rotation: four steps, each safe to run twice, late, or after a crash of any earlier one.
//!
//! A step reads what it needs (independent reads at once), asks [`plan`](plan::plan) whether it
//! may act, checks everything that can be checked without a connection, and only then talks to the
//! service. It is written against [`SecretStore`], [`Catalog`] and [`Inventory`] and names neither the
//! AWS SDK nor the sandbox.

mod admin;
#[cfg(feature = "cli")]
mod adopt;
mod candidates;
mod choice;
mod create;
mod document;
mod error;
mod event;
mod finish;
mod managed;
mod mismatch;
mod participants;
mod password;
mod plan;
pub mod ports;
mod progress;
mod reading;
mod rejected;
#[cfg(feature = "cli")]
mod repair;
mod replica;
mod secret_problem;
mod send_text;
mod service_error;
mod set;
mod settings;
mod sign_in;
mod sign_ins;
mod strategy;
mod test;
#[cfg(test)]
mod tests;
mod traces;
#[cfg(feature = "cli")]
mod under_way;

#[cfg(feature = "cli")]
pub use adopt::Pairing;
pub use candidates::{Tried, Unsearched};
pub use choice::ChoiceError;
pub use document::{OWN_KEYS, Origin, SecretDocument, SecretProblem};
pub use error::Error;
pub use event::{EventError, RotationEvent, Step};
pub use managed::ManagedProblem;
pub use mismatch::Mismatch;
pub(crate) use password::{LEAST_BITS, bits};
pub use password::{PasswordProblem, PasswordRequests};
#[cfg(feature = "cli")]
pub use plan::YOUNG;
pub use plan::{Invoker, Plan, Refusal, plan};
pub use progress::Progress;
pub use rejected::GivenUp;
#[cfg(feature = "cli")]
pub use repair::{Beside, Diagnosis, RepairAction, Wish};
pub use replica::Unrelated;
pub use send_text::SEND_TEXT_TAG;
pub use service_error::ServiceError;
pub use settings::{HonoredTags, PasswordSettings, Settings, TlsPolicy, UnknownTag};
pub use sign_ins::{Exhausted, REFUSED_LIMIT, SignIns, WINDOW};
pub use strategy::{STRATEGY_TAG, Strategy, StrategyProblem, UnknownStrategy};
#[cfg(feature = "cli")]
pub use under_way::running;

use self::choice::{Choice, choose};
use self::ports::{Catalog, Description, SecretDescription, SecretStore, VersionId};
use crate::inventory::Inventory;

/// The tag that chooses a plugin.
pub const PLUGIN_TAG: &str = "windlass:plugin";

/// What rotations are run with.
pub struct Rotation<'a, S, C, I> {
    /// Where the secrets are.
    pub store: &'a S,
    /// The installed plugins.
    pub catalog: &'a C,
    /// What AWS says about its databases.
    pub inventory: &'a I,
    /// What the operator configured.
    pub settings: &'a Settings,
    /// What is being done right now, for whoever gives up waiting.
    pub progress: &'a Progress,
    /// The failed sign-ins of this process.
    pub sign_ins: &'a SignIns,
    /// What passwords this process asked for, by secret.
    pub requests: &'a PasswordRequests,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The version is current already; nothing to do.
    AlreadyCurrent,
    /// A new password was stored as pending.
    Created {
        /// For which account.
        username: String,
    },
    /// The version had its value from an earlier attempt.
    AlreadyCreated,
    /// The service has the new password.
    Set {
        /// Whose password was changed.
        username: String,
        /// Which credential signed in to make or to justify the change.
        with: String,
        /// Whether an administrator made it.
        by_admin: bool,
    },
    /// The service had the new password from an earlier attempt.
    AlreadySet,
    /// The new password signs in.
    Tested {
        /// As whom.
        username: String,
    },
    /// The version is current now.
    Finished {
        /// What was current before.
        replaced: Option<VersionId>,
    },
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AlreadyCurrent => f.write_str("the version is AWSCURRENT already, nothing to do"),
            Self::Created { username } => {
                write!(f, "stored a new password for `{username}` as AWSPENDING")
            }
            Self::AlreadyCreated => {
                f.write_str("the version has its value from an earlier attempt")
            }
            Self::Set { username, with, by_admin: false } => {
                write!(f, "`{username}` changed its password, signed in with {with}")
            }
            Self::Set { username, with, by_admin: true } => {
                write!(
                    f,
                    "the administrator changed the password of `{username}`, after {with} had signed in"
                )
            }
            Self::AlreadySet => f.write_str("the new password signs in, an earlier attempt set it"),
            Self::Tested { username } => write!(f, "`{username}` signs in with the new password"),
            Self::Finished { replaced: Some(old) } => write!(f, "moved AWSCURRENT here from {old}"),
            Self::Finished { replaced: None } => f.write_str("labelled the version AWSCURRENT"),
        }
    }
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// Runs one step.
    ///
    /// # Errors
    /// What stopped it. Running the step again, with the same event, is always safe.
    pub async fn run(&self, event: &RotationEvent, invoker: Invoker) -> Result<Outcome, Error> {
        match event.step {
            Step::Create => self.create(event, invoker).await,
            Step::Set => self.set(event, invoker).await,
            Step::Test => self.test(event, invoker).await,
            Step::Finish => self.finish(event, invoker).await,
        }
    }

    /// The plugin for a secret: the configured one, else the tag's, else the engine's. A tag
    /// against the configuration is a mistake of one of the two.
    async fn service(
        &self,
        secret: &SecretDescription,
        document: &SecretDocument,
    ) -> Result<C::Service, Error> {
        let plugins = self.catalog.plugins();
        if plugins.is_empty() {
            return Err(ChoiceError::NoneInstalled { location: self.catalog.location() }.into());
        }
        let tag = secret.tags.get(PLUGIN_TAG).filter(|_| self.settings.tags.plugin);
        let configured = self.settings.plugin.as_deref();
        let choice = Choice::new(configured, tag.map(String::as_str), &secret.name)?;
        let engine = document.engine()?;
        let plugin = choose(&plugins, engine, choice)?;
        Ok(self.catalog.open(&plugin.name, engine).await?)
    }

    /// The strategy for a secret: the tag's, where tags choose it, else the configured one, else by
    /// `masterarn`.
    fn strategy(
        &self,
        secret: &SecretDescription,
        document: &SecretDocument,
        plugin: &Description,
    ) -> Result<Strategy, Error> {
        let by_admin = document.admin_secret()?.is_some();
        let tag = secret.tags.get(STRATEGY_TAG).filter(|_| self.settings.tags.strategy);
        let strategy = match (tag, self.settings.strategy) {
            (Some(tag), _) => tag.parse().map_err(StrategyProblem::Tag)?,
            (None, Some(configured)) => configured,
            (None, None) if by_admin => Strategy::AlternatingUsers,
            (None, None) => Strategy::SingleUser,
        };
        if strategy == Strategy::AlternatingUsers && !by_admin {
            return Err(StrategyProblem::NoAdmin { secret: secret.name.clone() }.into());
        }
        strategy::check_abilities(strategy, by_admin, plugin, document.engine()?)?;
        Ok(strategy)
    }
}
