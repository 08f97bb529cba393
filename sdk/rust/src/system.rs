//! Logging, time and randomness: the host's in a component, the operating system's in tests.

use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use crate::bindings::windlass::plugin::system as host;

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Steps of a protocol, for whoever writes the plugin.
    Debug,
    /// What an operator may want to know about an ordinary rotation.
    Info,
    /// The rotation works, but something needs attention.
    Warn,
    /// Something failed.
    Error,
}

/// Writes one line to the rotation's log. The host removes the secrets it knows; don't log any.
pub fn log(level: LogLevel, message: &str) {
    #[cfg(target_arch = "wasm32")]
    host::log(
        match level {
            LogLevel::Debug => host::LogLevel::Debug,
            LogLevel::Info => host::LogLevel::Info,
            LogLevel::Warn => host::LogLevel::Warn,
            LogLevel::Error => host::LogLevel::Error,
        },
        message,
    );
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}

/// The time of day: since 1970-01-01T00:00:00Z. (The standard library's clock does not work in a
/// component.)
pub fn now() -> Duration {
    #[cfg(target_arch = "wasm32")]
    return Duration::try_from_secs_f64(host::now_seconds()).unwrap_or_default();
    #[cfg(not(target_arch = "wasm32"))]
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Fills `buffer` with random bytes from a cryptographic generator.
pub fn fill_random(buffer: &mut [u8]) {
    #[cfg(target_arch = "wasm32")]
    for piece in buffer.chunks_mut(RANDOM_PIECE) {
        let length = u32::try_from(piece.len()).unwrap_or(0);
        // The host ends the call rather than return fewer bytes than it was asked for.
        piece.copy_from_slice(&host::random_bytes(length));
    }
    #[cfg(not(target_arch = "wasm32"))]
    if let Err(error) = getrandom::fill(buffer) {
        // Going on with zeros would make every nonce and salt predictable.
        eprintln!("no randomness from the operating system: {error}");
        std::process::abort();
    }
}

/// What the host hands over at most in one call.
#[cfg(target_arch = "wasm32")]
const RANDOM_PIECE: usize = 4096;

/// What getrandom calls in a component, under `--cfg getrandom_backend="custom"`, which
/// `windlass build` sets. The name serves versions 0.3 and 0.4.
///
/// # Safety
/// `destination` points to `length` writable bytes; getrandom's contract.
#[cfg(all(target_arch = "wasm32", getrandom_backend = "custom"))]
#[expect(
    unsafe_code,
    reason = "getrandom's contract: a function found by its name, and a raw buffer"
)]
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(
    destination: *mut u8,
    length: usize,
) -> Result<(), getrandom::Error> {
    // SAFETY: see above. The bytes may be uninitialised, so they are set before a slice is made.
    let buffer = unsafe {
        std::ptr::write_bytes(destination, 0, length);
        std::slice::from_raw_parts_mut(destination, length)
    };
    fill_random(buffer);
    Ok(())
}
