//! Asks for random bytes without end, in pieces of the length in the secret's key `piece`.

use windlass_guest::bindings::windlass::plugin::system::random_bytes;
use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, log, number};

/// The guest.
#[derive(Debug)]
pub struct Gambles;

impl Guest for Gambles {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let piece = number(&request.actor, "piece")?;
        for pieces in 1..=u32::MAX {
            let bytes = random_bytes(piece);
            log(LogLevel::Info, &format!("piece {pieces} of {} bytes", bytes.len()));
        }
        Err(Failure::declined("all the randomness there is"))
    }
}

windlass_guest::guest!(Gambles);
