//! Imports files from WASI.

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
            package wasi:filesystem@0.2.3;
            interface types {
                resource descriptor {
                    read: func(length: u64, offset: u64) -> result<tuple<list<u8>, bool>, u8>;
                }
            }
            interface preopens {
                use types.{descriptor};
                get-directories: func() -> list<tuple<descriptor, string>>;
            }
            world thief {
                import preopens;
            }
        ",
    });
}

/// The guest.
#[derive(Debug)]
pub struct WasiFiles;

impl Guest for WasiFiles {
    fn change(_: &ChangeRequest) -> Result<(), Failure> {
        let folders = bindings::wasi::filesystem::preopens::get_directories();
        let read: Vec<_> = folders.iter().map(|(folder, name)| (name, folder.read(1, 0))).collect();
        Err(Failure::declined(format!("{read:?}")))
    }
}

windlass_guest::guest!(WasiFiles);
