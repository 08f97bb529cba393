//! Takes memory and gives none back.

use std::hint::black_box;

use windlass_guest::{ChangeRequest, Failure, Guest};

/// Small enough that the allocator is asked often.
const PIECE: usize = 1 << 20;

/// The guest.
#[derive(Debug)]
pub struct Hoards;

impl Guest for Hoards {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let mut hoard = Vec::new();
        while hoard.len() < usize::from(u16::MAX) {
            hoard.push(black_box(vec![1_u8; PIECE]));
        }
        Err(Failure::declined(format!("all the memory there is, for {}", request.username)))
    }
}

windlass_guest::guest!(Hoards);
