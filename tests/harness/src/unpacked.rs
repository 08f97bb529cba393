//! Where `cargo xtask setup` unpacks servers of other versions or distributions, beside the system.

use std::env;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

/// The folder of one kind of server. Servers refuse to run as root, so that what root unpacks has to be
/// where others may read.
pub(crate) fn place(server: &str) -> PathBuf {
    let cache = if Uid::effective().is_root() {
        PathBuf::from("/var/cache")
    } else {
        Path::new(&env::var_os("HOME").unwrap_or_default()).join(".cache")
    };
    cache.join("windlass").join(server)
}
