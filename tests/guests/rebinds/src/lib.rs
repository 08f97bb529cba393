//! Connects twice to its own server, and between the two lets it say that it is ready: by then its
//! name means another address.

use std::io::Read;

use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, log};

/// The guest.
#[derive(Debug)]
pub struct Rebinds;

impl Guest for Rebinds {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        for _ in 0..2 {
            let mut greeting = String::new();
            request.actor.server.connect()?.read_to_string(&mut greeting)?;
            log(LogLevel::Info, &format!("greeted by the {greeting}"));
        }
        Err(Failure::declined("was there twice"))
    }
}

windlass_guest::guest!(Rebinds);
