//! Calls itself until its stack is full.

use std::hint::black_box;

use windlass_guest::{ChangeRequest, Failure, Guest};

/// The guest.
#[derive(Debug)]
pub struct Recurses;

impl Guest for Recurses {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        Err(Failure::declined(format!("{} deep, for {}", deeper(0), request.username)))
    }
}

windlass_guest::guest!(Recurses);

/// Never returns before the stack is full.
#[inline(never)]
fn deeper(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX { 0 } else { deeper(depth + 1) + black_box(1) }
}
