//! Windlass rotates credentials: it runs the rotation steps of AWS Secrets Manager and leaves what
//! differs from service to service to a plugin in a sandbox.
//!
//! | module | what it does |
//! |---|---|
//! | [`rotation`] | the four steps, written against the traits in `rotation::ports` |
//! | [`store`] | Secrets Manager, AWS's and an embedded one |
//! | [`inventory`] | what AWS reports about its databases |
//! | [`sandbox`] | plugins: the runtime, limits, seals, calls, and what a call may send and receive |
//! | [`aws`] | clients of AWS's APIs, and calls that were not answered |
//! | [`policy`] | the IAM policies that a rotation needs |
//! | [`grants`] | the decision what a plugin may reach |
//! | [`network`] | names, byte streams, TLS |
//! | [`handler`] | an event in, an outcome or a report of what went wrong out |

pub mod aws;
pub mod config;
pub mod digest;
pub mod error;
mod error_type;
pub mod grants;
pub mod handler;
mod host_port;
mod iam;
pub mod inventory;
pub mod logging;
pub mod metrics;
pub mod network;
pub mod panics;
// What leaves a plugin; for the fuzz targets.
#[cfg(feature = "cli")]
pub mod policy;
#[doc(hidden)]
pub mod redact;
mod report;
pub mod rotation;
pub mod sandbox;
mod secret;
pub mod signature;
pub mod store;
mod text;

#[cfg(feature = "cli")]
pub mod cli;

pub use error::Error;
pub use error_type::{Blame, ErrorType, Retry};
pub use host_port::HostPort;
pub use secret::Secret;
