//! Imports sockets from WASI: they know no grants.

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
            package wasi:sockets@0.2.3;
            interface network {
                resource network;
            }
            interface instance-network {
                use network.{network};
                instance-network: func() -> network;
            }
            world thief {
                import instance-network;
            }
        ",
    });
}

/// The guest.
#[derive(Debug)]
pub struct WasiSockets;

impl Guest for WasiSockets {
    fn change(_: &ChangeRequest) -> Result<(), Failure> {
        let network = bindings::wasi::sockets::instance_network::instance_network();
        Err(Failure::declined(format!("{network:?}")))
    }
}

windlass_guest::guest!(WasiSockets);
