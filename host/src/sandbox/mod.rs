//! Plugins: WebAssembly components in a sandbox.
//!
//! A component is checked when it is loaded: it imports nothing but this product's interface, in a
//! version that this host speaks, is what the operator pinned and trusts, and is what it was sealed as.
//! Every call then runs in a fresh store with its own limits, and what it leaves behind is gone when the
//! call ends.

pub mod admission;
pub mod artifact;
#[cfg(feature = "cli")]
mod assessing;
mod bindings;
mod border;
mod call;
mod code;
#[cfg(feature = "cli")]
pub mod compile;
#[cfg(feature = "cli")]
pub mod component;
mod description;
pub mod egress;
mod error;
pub mod host;
mod installed;
pub mod limits;
mod load;
mod remedy;
mod runtime;
mod service;
mod settings;

pub use bindings::windlass::plugin as interface;
pub use call::{CallState, SystemState};
#[cfg(feature = "cli")]
pub(crate) use description::checked;
pub(crate) use description::is_word;
pub use error::{ArtifactProblem, PluginError};
pub use installed::InstalledPlugins;
pub use load::{INTERFACE_VERSION, Loaded, Shape, shape};
pub use runtime::{HOST_TARGET, Runtime};
pub use service::PluginService;
pub use settings::Settings;
