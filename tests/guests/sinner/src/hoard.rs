//! Takes memory and gives none back.

use std::hint::black_box;

use windlass_sdk::Failure;

/// Small enough that the allocator is asked often.
const PIECE: usize = 1 << 20;

pub(crate) fn change() -> Result<(), Failure> {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; PIECE]));
    }
}
