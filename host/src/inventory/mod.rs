//! What AWS reports about its databases: the rotation's port `Inventory` over the APIs of Amazon RDS,
//! Amazon Redshift and its serverless kind.
//!
//! [`api`] has the calls, [`aws`] makes them. What RDS and Redshift are like is known here alone: the
//! tags of the admin secrets that they manage, their engines, who follows whom.

mod action;
pub mod api;
pub mod aws;
mod databases;
pub(crate) mod failure;
pub mod lambda;
mod managed;
mod relation;

pub use action::{Action, DatabaseService};
pub use databases::Databases;
#[cfg(feature = "cli")]
pub use managed::manager;
