//! Answers that every password is wrong. It connects each time, so that its peer counts the calls.

use windlass_guest::{ChangeRequest, Failure, Guest, Login};

/// The guest.
#[derive(Debug)]
pub struct Refuses;

impl Guest for Refuses {
    fn verify(login: &Login) -> Result<(), Failure> {
        login.server.connect()?;
        Err(Failure::refused("every password is wrong"))
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        Self::verify(&request.actor)
    }
}

windlass_guest::guest!(Refuses);
