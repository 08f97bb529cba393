//! Describes itself differently each time it is asked: its passwords are to be between 32 and 63
//! characters long.
//!
//! The host can't catch it: it asks once in each process and holds the plugin to that.

use windlass_guest::bindings::windlass::plugin::system::random_bytes;
use windlass_guest::{Description, Guest};

/// The guest.
#[derive(Debug)]
pub struct Fickle;

impl Guest for Fickle {
    fn describe(honest: Description) -> Description {
        let mut changed = honest;
        changed.password_rules.default_length =
            random_bytes(1).first().map_or(32, |byte| 32 + u32::from(byte % 32));
        changed
    }
}

windlass_guest::guest!(Fickle);
