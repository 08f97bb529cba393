//! Speaks another version of the interface than the host.

use windlass_guest::{ChangeRequest, Failure, Guest};

#[allow(
    missing_docs,
    unsafe_code,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package windlass:plugin@0.2.0;
            interface system {
                now-seconds: func() -> f64;
            }
            world ahead {
                import system;
            }
        ",
    });
}

/// The guest.
#[derive(Debug)]
pub struct Ahead;

impl Guest for Ahead {
    fn change(_: &ChangeRequest) -> Result<(), Failure> {
        Err(Failure::declined(format!("{}", bindings::windlass::plugin::system::now_seconds())))
    }
}

windlass_guest::guest!(Ahead);
