//! Imports the environment from WASI: the AWS credentials of the function stand in it.

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
            package wasi:cli@0.2.3;
            interface environment {
                get-environment: func() -> list<tuple<string, string>>;
            }
            world thief {
                import environment;
            }
        ",
    });
}

/// The guest.
#[derive(Debug)]
pub struct WasiEnvironment;

impl Guest for WasiEnvironment {
    fn change(_: &ChangeRequest) -> Result<(), Failure> {
        Err(Failure::declined(format!("{:?}", bindings::wasi::cli::environment::get_environment())))
    }
}

windlass_guest::guest!(WasiEnvironment);
