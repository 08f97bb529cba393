//! Computes without end and never waits for anything.

use std::hint::black_box;

use windlass_sdk::Failure;

pub(crate) fn change() -> Result<(), Failure> {
    let mut number = 0_u64;
    while black_box(number) != u64::MAX {
        number = black_box(number).wrapping_add(2);
    }
    Ok(())
}
