//! The interface as `wit-bindgen` generates it; nothing is written by hand here.
//!
//! Plugins use the types of the crate's root instead: those also exist natively, where tests run.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::allow_attributes_without_reason,
    reason = "generated code; the documentation is in the WIT files"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "password-plugin",
    pub_export_macro: true,
    export_macro_name: "export_password_plugin",
    default_bindings_module: "windlass_sdk::bindings",
});

/// The optional interface `assessment`, over the types of the first world.
pub mod assessor {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "assessor",
        with: {
            "windlass:plugin/network@0.1.0": crate::bindings::windlass::plugin::network,
            "windlass:plugin/credentials@0.1.0": crate::bindings::windlass::plugin::credentials,
        },
        pub_export_macro: true,
        export_macro_name: "export_assessor",
        default_bindings_module: "windlass_sdk::bindings::assessor",
    });
}
