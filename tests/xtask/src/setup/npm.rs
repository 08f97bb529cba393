//! Packages of npm's registry, held to their digests. Nothing of theirs is run while they are unpacked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::command;

/// 25 MB to be fetched.
const LIMIT: Duration = Duration::from_secs(120);

/// Fetches `package`, with its version, into the new folder `folder`, and returns where in it the
/// package's files are.
///
/// # Errors
/// If it can't be had, or has another digest.
pub(crate) fn unpack(package: &str, sha256: &str, folder: &Path) -> Result<PathBuf> {
    super::new_folder(folder)?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", package]).current_dir(folder);
    command::run_quietly_within(&mut pack, LIMIT)?;
    let archive = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).next();
    let archive = archive.context("npm fetched no file")?;
    let digest = Command::new("sha256sum").arg(&archive).output().context("running sha256sum")?;
    let digest = String::from_utf8_lossy(&digest.stdout);
    let digest = digest.split(' ').next().unwrap_or_default();
    if digest != sha256 {
        bail!("`{package}` has SHA-256 {digest}, not {sha256}");
    }
    let mut tar = Command::new("tar");
    command::run_quietly_within(tar.arg("xzf").arg(&archive).arg("-C").arg(folder), LIMIT)?;
    Ok(folder.join("package"))
}
