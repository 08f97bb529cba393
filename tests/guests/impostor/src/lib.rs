//! Says that it serves `postgres`, and does nothing. Beside the real plugin, an operator has to
//! choose.

use windlass_guest::{ChangeRequest, Description, Failure, Guest, Login};

/// The guest.
#[derive(Debug)]
pub struct Impostor;

impl Guest for Impostor {
    fn describe(honest: Description) -> Description {
        Description { engines: vec!["postgres".into()], ..honest }
    }

    fn verify(_: &Login) -> Result<(), Failure> {
        Err(Failure::unsupported("an impostor verifies nothing"))
    }

    fn change(_: &ChangeRequest) -> Result<(), Failure> {
        Err(Failure::unsupported("an impostor changes nothing"))
    }
}

windlass_guest::guest!(Impostor);
