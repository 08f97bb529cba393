//! Sends without end.

use std::io::Write;

use windlass_guest::{ChangeRequest, Failure, Guest};

/// The guest.
#[derive(Debug)]
pub struct Gushes;

impl Guest for Gushes {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let mut connection = request.actor.server.connect()?;
        let piece = vec![b'g'; 128 << 10];
        loop {
            connection.write_all(&piece)?;
        }
    }
}

windlass_guest::guest!(Gushes);
