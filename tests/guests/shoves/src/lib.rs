//! Hands more to a host function at once than anybody takes: to the one in the secret's key `to`.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use windlass_guest::bindings::windlass::plugin::network::Endpoint;
use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, field, log};

/// Most of the memory that a plugin may have.
const BYTES: usize = 24 << 20;

/// The guest.
#[derive(Debug)]
pub struct Shoves;

impl Guest for Shoves {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let data = "d".repeat(BYTES);
        match field(&request.actor, "to")? {
            "log" => log(LogLevel::Info, &data),
            "redirect" => drop(request.actor.server.redirect(&data, 1)),
            "write" => {
                // SAFETY: it is the one handle that a call begins with. Past the SDK, which would hand
                // the data over piece by piece.
                let server = std::mem::ManuallyDrop::new(unsafe { Endpoint::from_handle(1) });
                let connection =
                    server.connect().map_err(|error| Failure::declined(error.message))?;
                connection
                    .write(data.as_bytes())
                    .map_err(|error| Failure::declined(error.message))?;
            }
            _ => return Err(Failure::invalid_secret("no such function")),
        }
        Err(Failure::declined("it was taken"))
    }
}

windlass_guest::guest!(Shoves);
