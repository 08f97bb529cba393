//! Connects again and again to its own server, and lets it say each time that it is ready: by then its
//! name means another address. In the end it calls it by its name in capitals.

use std::io::Read;

use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, log};

/// The guest.
#[derive(Debug)]
pub struct Rebinds;

impl Guest for Rebinds {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let server = &request.actor.server;
        let capitals = server.redirect(&server.host().to_uppercase(), server.port())?;
        for place in [server, server, &capitals] {
            let mut greeting = String::new();
            place.connect()?.read_to_string(&mut greeting)?;
            log(LogLevel::Info, &format!("greeted by the {greeting}"));
        }
        Err(Failure::declined("was there each time"))
    }
}

windlass_guest::guest!(Rebinds);
