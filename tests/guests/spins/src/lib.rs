//! Computes without end and never waits for anything.

use std::hint::black_box;

use windlass_guest::{ChangeRequest, Failure, Guest};

/// The guest.
#[derive(Debug)]
pub struct Spins;

impl Guest for Spins {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let mut number = 0_u64;
        while black_box(number) != u64::MAX {
            number = black_box(number).wrapping_add(2);
        }
        Err(Failure::declined(format!("counted to the end for {}", request.username)))
    }
}

windlass_guest::guest!(Spins);
