//! What a plugin may reach: what it asks for, and what the operator granted, both at once.
//!
//! [`GrantPattern`] is the grammar, [`address`] the places that nobody may ever reach, and
//! [`Grants::decide`] the one function that decides. It is asked with the *resolved* address and
//! returns the address to connect to, so nothing else can be connected to.

pub mod address;
mod decide;
mod pattern;
#[cfg(test)]
mod properties;
mod reason;
mod request;

pub use decide::{Decision, Granted, Grants};
pub use pattern::{GrantError, GrantPattern};
pub use reason::DenyReason;
pub use request::{Request, SecretPlace};
