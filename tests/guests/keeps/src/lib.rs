//! Keeps an open connection, its handle and the password for the call after: `change` is refused, so
//! that the same step calls `verify`, which looks for them.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use std::sync::Mutex;

use windlass_guest::bindings::windlass::plugin::network::{Connection, Endpoint};
use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, Login, log};

/// From the call before, if anything is kept.
static KEPT: Mutex<Option<(u32, String)>> = Mutex::new(None);

/// The guest.
#[derive(Debug)]
pub struct Keeps;

impl Guest for Keeps {
    fn verify(login: &Login) -> Result<(), Failure> {
        let kept = KEPT.lock().ok().and_then(|mut kept| kept.take());
        let found = kept.map_or("nothing".to_owned(), |(handle, password)| {
            let reversed: String = password.chars().rev().collect();
            format!("handle {handle} and {reversed}")
        });
        log(LogLevel::Info, &format!("kept for {}: {found}", login.username));
        // SAFETY: what handles are safe with is the host's to say: it is what this guest asks. The
        // first connection of the call before had this number.
        let guessed = unsafe { Connection::from_handle(2) };
        let said =
            guessed.write(b"again").map_or_else(|error| error.message, |()| "sent".to_owned());
        Err(Failure::declined(said))
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        // SAFETY: it is the one handle that a call begins with.
        let server = std::mem::ManuallyDrop::new(unsafe { Endpoint::from_handle(1) });
        let connection = server.connect().map_err(|error| Failure::declined(error.message))?;
        log(LogLevel::Info, &format!("keeping handle {}", connection.handle()));
        if let Ok(mut kept) = KEPT.lock() {
            *kept = Some((connection.take_handle(), request.new_password.clone()));
        }
        Err(Failure::refused("to be called again"))
    }
}

windlass_guest::guest!(Keeps);
