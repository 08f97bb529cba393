//! The rotation: four steps, each safe to run twice, late, or after a crash of any earlier one.
//!
//! A step reads what it needs (independent reads at once), asks [`plan`](plan::plan) whether it
//! may act, checks everything that can be checked without a connection, and only then talks to the
//! service. It is written against the traits in [`ports`] and names neither the AWS SDK nor the
//! sandbox.

mod admin;
#[cfg(feature = "cli")]
mod adopt;
mod answer;
mod change;
mod credential;
mod document;
mod error;
mod event;
mod failed_sign_ins;
mod give_up;
#[cfg(feature = "cli")]
mod involved;
mod labels;
#[cfg(feature = "cli")]
mod leftover;
mod mismatch;
mod older_passwords;
mod outcome;
mod participants;
mod password;
mod plan;
mod plugin_choice;
pub mod ports;
mod progress;
mod reading;
#[cfg(feature = "cli")]
mod repair;
mod runner;
mod secret_problem;
mod selection;
mod send_text;
mod service_error;
mod settings;
mod sign_in;
mod steps;
mod strategy;
mod tags;
#[cfg(test)]
mod tests;
mod traces;
mod tried;

#[cfg(feature = "cli")]
pub use adopt::Pairing;
pub use credential::Credential;
pub use document::{Location, SecretDocument};
pub use error::Error;
pub use event::{EventError, RotationEvent, Step};
pub use failed_sign_ins::{Exhausted, REFUSED_LIMIT, SignIns, WINDOW};
#[cfg(feature = "cli")]
pub use involved::{Involved, InvolvedAdmin};
#[cfg(feature = "cli")]
pub use leftover::{Unfinished, running};
pub use mismatch::Mismatch;
pub use outcome::Outcome;
pub use password::{PasswordProblem, PasswordRequests};
#[cfg(feature = "cli")]
pub use plan::YOUNG;
pub use plan::{Invoker, Plan, Refusal, plan};
pub use plugin_choice::ChoiceError;
pub use progress::Progress;
#[cfg(feature = "cli")]
pub use repair::{Beside, Diagnosis, RepairAction, Wish};
pub use runner::Rotation;
pub use secret_problem::{Origin, SecretProblem};
pub use service_error::{GivenUp, ServiceError};
pub use settings::{
    HonoredTags, PasswordSettings, Settings, TlsPolicy, UnknownTag, UnknownTlsPolicy,
};
pub use strategy::{Strategy, StrategyProblem, UnknownStrategy};
pub use tags::{PLUGIN_TAG, SEND_TEXT_TAG, STRATEGY_TAG};
pub use tried::{Tried, Unsearched};
