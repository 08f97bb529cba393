//! Makes a handle up: of the kind in the secret's key `kind`, with the number in `handle`.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use windlass_guest::bindings::windlass::plugin::network::{Connection, Endpoint};
use windlass_guest::{ChangeRequest, Failure, Guest, field, number};

/// The guest.
#[derive(Debug)]
pub struct Forges;

impl Guest for Forges {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let handle = number(&request.actor, "handle")?;
        // SAFETY: what handles are safe with is the host's to say: it is what this guest asks.
        let said = match field(&request.actor, "kind")? {
            "endpoint" => unsafe { Endpoint::from_handle(handle) }.host(),
            "connection" => {
                let forged = unsafe { Connection::from_handle(handle) };
                forged.read(1).map_or_else(|error| error.message, |data| format!("{data:?}"))
            }
            _ => return Err(Failure::invalid_secret("no such kind")),
        };
        Err(Failure::declined(format!("it was taken: {said}")))
    }
}

windlass_guest::guest!(Forges);
