//! Opens as many connections as it gets and closes none: it forgets their handles.

use std::mem::forget;

use windlass_guest::{ChangeRequest, Failure, Guest};

/// The guest.
#[derive(Debug)]
pub struct Clings;

impl Guest for Clings {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        loop {
            match request.actor.server.connect() {
                Ok(connection) => forget(connection),
                Err(failure) => return Err(failure),
            }
        }
    }
}

windlass_guest::guest!(Clings);
