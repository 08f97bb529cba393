//! Computes without end when it is asked what it is: before any event could be served.

use std::hint::black_box;

use windlass_guest::{Description, Guest};

/// The guest.
#[derive(Debug)]
pub struct Broods;

impl Guest for Broods {
    fn describe(honest: Description) -> Description {
        let mut number = 0_u64;
        while black_box(number) != u64::MAX {
            number = black_box(number).wrapping_add(2);
        }
        honest
    }
}

windlass_guest::guest!(Broods);
