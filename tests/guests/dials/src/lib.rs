//! Opens one connection after the other, closing each.

use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, log};

/// The guest.
#[derive(Debug)]
pub struct Dials;

impl Guest for Dials {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        for opened in 0..10_000 {
            if let Err(failure) = request.actor.server.connect().map(drop) {
                log(LogLevel::Info, &format!("opened {opened}"));
                return Err(failure);
            }
        }
        Err(Failure::declined("opened 10000"))
    }
}

windlass_guest::guest!(Dials);
