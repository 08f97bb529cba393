//! Receives without end, and asks for more at once than there is memory.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use windlass_guest::bindings::windlass::plugin::network::Endpoint;
use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, log};

/// The guest.
#[derive(Debug)]
pub struct Gorges;

impl Guest for Gorges {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        // SAFETY: it is the one handle that a call begins with. Past the SDK, which asks for less.
        let server = std::mem::ManuallyDrop::new(unsafe { Endpoint::from_handle(1) });
        let connection = server.connect().map_err(|error| Failure::declined(error.message))?;
        let (mut most, mut all) = (0, 0);
        loop {
            match connection.read(u32::MAX) {
                Ok(data) => {
                    most = most.max(data.len());
                    all += data.len();
                }
                Err(error) => {
                    log(LogLevel::Info, &format!("{all} bytes of {}", request.username));
                    log(LogLevel::Info, &format!("at most {most} at once"));
                    return Err(Failure::declined(error.message));
                }
            }
        }
    }
}

windlass_guest::guest!(Gorges);
