//! Panics, with the new password in its words.

use windlass_sdk::{ChangeRequest, Failure};

#[expect(clippy::panic, reason = "it is this guest's sin")]
pub(crate) fn change(request: &ChangeRequest) -> Result<(), Failure> {
    panic!("the new password is {}", request.new_password)
}
