//! Honest by itself: the sin is in `grows.wat`, a core module that the test appends to this
//! component, because Rust has no way to grow a table.

use windlass_guest::Guest;

/// The guest.
#[derive(Debug)]
pub struct Grows;

impl Guest for Grows {}

windlass_guest::guest!(Grows);
