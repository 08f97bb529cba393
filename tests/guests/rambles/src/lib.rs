//! Fails with a message and a code of as many bytes as the secret's key `bytes` says.

use windlass_guest::{ChangeRequest, Failure, Guest, number};

/// The guest.
#[derive(Debug)]
pub struct Rambles;

impl Guest for Rambles {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let bytes = number(&request.actor, "bytes")? as usize;
        Err(Failure::declined("m".repeat(bytes)).with_code("c".repeat(bytes.min(100_000))))
    }
}

windlass_guest::guest!(Rambles);
