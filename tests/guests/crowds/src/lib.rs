//! Honest by itself: the sins are in the core modules beside this, of which the test appends as many
//! to this component as it wants.

use windlass_guest::Guest;

/// The guest.
#[derive(Debug)]
pub struct Crowds;

impl Guest for Crowds {}

windlass_guest::guest!(Crowds);
