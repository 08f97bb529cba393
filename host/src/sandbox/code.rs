//! Machine code on its way to the runtime, without a second copy.
//!
//! The runtime copies code that it is handed in memory, so that for a moment there are two: the peak of
//! a function's memory, which is what Lambda's price is about. Where the system has anonymous files
//! (memfd_create(2)), the code is written into one, which is sealed so that nobody can change it, this
//! process included, and the runtime maps it: there is one copy, in memory that the system shares, and of
//! that the process's own memory counts the pages that it uses. Everywhere else the code is copied.
//!
//! Nothing else of the host is `unsafe`: wasmtime can't know whether machine code is its own. Here it is,
//! because a [`Code`] comes from [`Code::copied`] alone.

#![expect(unsafe_code, reason = "wasmtime takes the word of its caller for machine code")]

#[cfg(target_os = "linux")]
use std::fs::File;
use std::io;
use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::ArtifactProblem;
use super::artifact::{self, Trailer};

/// The code of a compiled plugin.
pub(super) struct Code(Place);

enum Place {
    /// In an anonymous file.
    #[cfg(target_os = "linux")]
    File(File),
    /// In memory.
    Memory(Vec<u8>),
}

impl Code {
    /// The code of a compiled plugin's file, with its trailer.
    ///
    /// # Errors
    /// If it is not what `windlass compile` wrote for this version and this machine.
    pub(super) fn copied(path: &Path) -> Result<(Self, Trailer), ArtifactProblem> {
        let mut place = Place::new();
        let trailer = artifact::copy_code(path, |piece| place.push(piece))?;
        place.close().map_err(|error| ArtifactProblem::Unreadable(error.to_string()))?;
        Ok((Self(place), trailer))
    }

    /// Loads the code.
    ///
    /// # Errors
    /// If it is not code for this runtime.
    pub(super) fn load(self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: `artifact::copy_code` checked that these are the bytes that `windlass compile` wrote
        // for this version and target; that the file may be trusted is decided by whoever configures
        // the function (see the header of `artifact`).
        unsafe { self.0.load(engine) }
    }
}

impl Place {
    /// No code yet.
    fn new() -> Self {
        #[cfg(target_os = "linux")]
        if let Ok(file) = anonymous_file() {
            return Self::File(file);
        }
        Self::Memory(Vec::new())
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// If the system has no memory for it.
    fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::File(file) => io::Write::write_all(file, piece),
            Self::Memory(bytes) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    /// Lets nobody add to it, or change it.
    ///
    /// # Errors
    /// If the system does not seal the file.
    fn close(&self) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::File(file) => seal(file),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Loads the code, which is closed.
    ///
    /// # Errors
    /// If it is not code for this runtime.
    ///
    /// # Safety
    /// As of [`Component::deserialize`]: the runtime's own compiler must have made it.
    unsafe fn load(self, engine: &Engine) -> wasmtime::Result<Component> {
        let bytes = match self {
            #[cfg(target_os = "linux")]
            Self::File(file) => {
                let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
                // A system that maps no such file as code (`vm.memfd_noexec`, SELinux) refuses here.
                // SAFETY: the file holds the caller's code, and its seals let nobody change it.
                match unsafe { Component::deserialize_file(engine, &path) } {
                    Ok(component) => return Ok(component),
                    // By the file itself: there may be no `/proc`.
                    Err(_) => read(&file)?,
                }
            }
            Self::Memory(bytes) => bytes,
        };
        // SAFETY: the caller's word.
        unsafe { Component::deserialize(engine, bytes) }
    }
}

/// All of a file, wherever it was read or written last.
#[cfg(target_os = "linux")]
fn read(mut file: &File) -> io::Result<Vec<u8>> {
    use std::io::{Read as _, Seek as _};

    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(target_os = "linux")]
fn anonymous_file() -> io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};

    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    Ok(File::from(memfd_create("windlass-plugin", flags)?))
}

/// From then on nobody can change it.
#[cfg(target_os = "linux")]
fn seal(file: &File) -> io::Result<()> {
    use rustix::fs::{SealFlags, fcntl_add_seals};

    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    Ok(fcntl_add_seals(file, seals)?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn a_sealed_file_can_not_be_changed_by_any_way_to_it() {
        let file = anonymous_file().unwrap();
        (&file).write_all(b"code").unwrap();
        seal(&file).unwrap();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        assert_eq!(std::fs::read(&path).unwrap(), b"code");
        assert!((&file).write_all(b"other").is_err());
        assert!(file.set_len(0).is_err());
        let again = std::fs::OpenOptions::new().write(true).open(&path);
        assert!(again.is_err() || again.unwrap().write_all(b"other").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"code");
    }

    #[cfg(feature = "cli")]
    #[test]
    fn code_is_loaded_from_a_file_and_from_memory_alike() {
        let bytes = wat::parse_str("(component (core module (func)))").unwrap();
        let runtime = crate::sandbox::Runtime::new().unwrap();
        let compiled = Component::new(runtime.wasmtime(), &bytes).unwrap().serialize().unwrap();
        for mut code in [Place::File(anonymous_file().unwrap()), Place::Memory(Vec::new())] {
            compiled.chunks(100).for_each(|piece| code.push(piece).unwrap());
            code.close().unwrap();
            assert!(matches!(code, Place::Memory(_)) || code.push(b"more").is_err());
            // SAFETY: made by the compiler, just now.
            unsafe { code.load(runtime.wasmtime()) }.unwrap();
        }
    }
}
