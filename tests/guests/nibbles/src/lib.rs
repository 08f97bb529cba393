//! Computes without end, and reads a byte now and then from a peer that has always one ready: waiting
//! for the network does not count as computing, and this waits for nothing.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use std::hint::black_box;

use windlass_guest::bindings::windlass::plugin::network::Endpoint;
use windlass_guest::{ChangeRequest, Failure, Guest};

/// About a millisecond's worth: many bytes in each tick of the host's clock.
const ROUNDS: u32 = 500_000;

/// The guest.
#[derive(Debug)]
pub struct Nibbles;

impl Guest for Nibbles {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        // SAFETY: it is the one handle that a call begins with. Past the SDK, which asks for more.
        let server = std::mem::ManuallyDrop::new(unsafe { Endpoint::from_handle(1) });
        let connection = server.connect().map_err(|error| Failure::declined(error.message))?;
        while connection.read(1).is_ok_and(|byte| !byte.is_empty()) {
            for round in 0..ROUNDS {
                black_box(round);
            }
        }
        Err(Failure::declined(format!("no more to read for {}", request.username)))
    }
}

windlass_guest::guest!(Nibbles);
