//! Waits for a peer that says nothing. With the key `stubborn` in its secret, again and again.

use std::io::Read;

use windlass_guest::{ChangeRequest, Failure, Guest};

/// The guest.
#[derive(Debug)]
pub struct Waits;

impl Guest for Waits {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let mut connection = request.actor.server.connect()?;
        loop {
            let answer = connection.read(&mut [0]);
            if request.actor.field("stubborn").is_none() {
                answer?;
                return Err(Failure::declined("it spoke"));
            }
        }
    }
}

windlass_guest::guest!(Waits);
