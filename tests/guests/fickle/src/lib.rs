//! Describes itself differently from one question to the next: its passwords are to be 32 to 35
//! characters long. Four answers, so that a test meets each of them within a few dozen questions.
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
            random_bytes(1).first().map_or(32, |byte| 32 + u32::from(byte % 4));
        changed
    }
}

windlass_guest::guest!(Fickle);
