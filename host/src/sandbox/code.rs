//! Machine code, given to the runtime without a second copy.
//!
//! The runtime copies code that it is handed in memory, so that for a moment there are two: the peak of
//! a function's memory, which is what Lambda's price is about. Where the system has anonymous files
//! (memfd_create(2)), the code is written into one, which is sealed so that nobody can change it, this
//! process included; the runtime maps it, and only the pages that are used count. Everywhere else the
//! code is copied.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads code that was compiled ahead of time.
///
/// # Errors
/// If it is not code for this runtime.
///
/// # Safety
/// As of [`Component::deserialize`]: these must be bytes that the runtime's own compiler made.
pub(super) unsafe fn load(engine: &Engine, code: Vec<u8>) -> wasmtime::Result<Component> {
    #[cfg(target_os = "linux")]
    if let Ok(file) = sealed(&code) {
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        // A system that maps no such file as code (`vm.memfd_noexec`, SELinux) refuses here.
        // SAFETY: the file holds the caller's bytes, and its seals let nobody change them.
        if let Ok(component) = unsafe { Component::deserialize_file(engine, path) } {
            return Ok(component);
        }
    }
    // SAFETY: the caller's word.
    unsafe { Component::deserialize(engine, code) }
}

/// An anonymous file with these bytes, which can't be changed any more.
#[cfg(target_os = "linux")]
fn sealed(code: &[u8]) -> std::io::Result<std::fs::File> {
    use std::io::Write as _;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = std::fs::File::from(memfd_create("windlass-plugin", flags)?);
    file.write_all(code)?;
    fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
    )?;
    Ok(file)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    #[test]
    fn a_sealed_file_can_not_be_changed_by_any_way_to_it() {
        let file = super::sealed(b"code").unwrap();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        assert_eq!(std::fs::read(&path).unwrap(), b"code");
        assert!((&file).write_all(b"other").is_err());
        assert!(file.set_len(0).is_err());
        let again = std::fs::OpenOptions::new().write(true).open(&path);
        assert!(again.is_err() || again.unwrap().write_all(b"other").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"code");
    }
}
