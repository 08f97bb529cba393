//! Drops a handle that it has dropped already.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use windlass_guest::bindings::windlass::plugin::network::Endpoint;
use windlass_guest::{ChangeRequest, Failure, Guest};

/// The guest.
#[derive(Debug)]
pub struct Drops;

impl Guest for Drops {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        for _ in 0..2 {
            // SAFETY: it is the one handle that a call begins with. Whether it may be dropped twice is
            // what this guest asks.
            drop(unsafe { Endpoint::from_handle(1) });
        }
        Err(Failure::declined(format!("dropped twice for {}", request.username)))
    }
}

windlass_guest::guest!(Drops);
