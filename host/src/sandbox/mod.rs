//! Plugins: WebAssembly components in a sandbox.
//!
//! A component is checked when it is loaded: it imports nothing but this product's interface, in a
//! version that this host speaks, is what the operator pinned and trusts, and says what it is. Every call then runs in a fresh store with
//! its own limits, and what it leaves behind is gone when the call ends.

pub mod admission;
pub mod artifact;
#[cfg(feature = "cli")]
mod assessing;
mod bindings;
mod border;
mod call;
mod catalog;
#[cfg(feature = "cli")]
pub mod compile;
#[cfg(feature = "cli")]
pub mod component;
mod description;
mod error;
pub mod host;
pub mod limits;
mod load;
mod remedy;
mod runtime;

pub use bindings::windlass::plugin as interface;
pub use call::{CallState, LastWords, NetworkState, SystemState};
pub use catalog::{InstalledPlugins, PluginService, Sandbox};
pub(crate) use description::is_word;
pub use error::{ArtifactProblem, PluginError};
pub use load::{INTERFACE_VERSION, Loaded, Shape, shape};
pub use runtime::{HOST_TARGET, Runtime};
