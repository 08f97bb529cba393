//! Panics, with every password that it was handed in its words.

use windlass_guest::{ChangeRequest, Failure, Guest};

/// The guest.
#[derive(Debug)]
pub struct Panics;

impl Guest for Panics {
    #[expect(clippy::panic, reason = "it is this guest's sin")]
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        panic!("{} was to become {}", request.actor.password, request.new_password)
    }
}

windlass_guest::guest!(Panics);
