//! Secrets Manager in one process: its contract as a library, and over HTTP for this machine.
//!
//! | module | |
//! |---|---|
//! | crate root | [`EmbeddedStore`]: the actions, on an SQLite database or in memory |
//! | [`server`] | the same actions over Secrets Manager's JSON 1.1 protocol, on loopback |
//!
//! This crate knows nothing of Windlass: no rotation, no plugin, no AWS SDK. What runs the steps of a
//! rotation and what keeps secret values out of messages are handed to the server.

pub mod server;
mod store;

pub use store::*;
