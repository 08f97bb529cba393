//! The interface as `bindgen!` generates it; nothing is written by hand here.
//!
//! Never with the macro's `tracing` flag: it logs arguments, and passwords are arguments.

#![allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "generated code; the documentation is in the WIT files"
)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "password-plugin",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "windlass:plugin/network.endpoint": crate::sandbox::egress::Endpoint,
        "windlass:plugin/network.connection": crate::sandbox::egress::Connection,
    },
});

/// The optional interface `assessment`, over the types of the first world.
#[cfg(feature = "cli")]
pub mod assessor {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "assessor",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "windlass:plugin/network": super::windlass::plugin::network,
            "windlass:plugin/credentials": super::windlass::plugin::credentials,
        },
    });
}
