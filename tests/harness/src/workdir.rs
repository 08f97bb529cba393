//! A directory for one test run, removed with it; and removed by a later run if this one is killed.
//!
//! The name carries the process id. A run that starts removes directories whose process is gone
//! and that nobody has touched for [`STALE_AFTER`].

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

const PREFIX: &str = "windlass-harness-";

/// Long enough that a directory of another container, whose process ids mean nothing here, is not
/// taken away under a run in progress.
const STALE_AFTER: Duration = Duration::from_secs(60 * 60);

/// A temporary directory. Dropping it removes it, unless [`WorkDir::keep`] was called.
#[derive(Debug)]
pub struct WorkDir {
    directory: TempDir,
}

impl WorkDir {
    /// Makes a fresh directory and removes those of runs that were killed.
    ///
    /// # Errors
    /// If the system's temporary directory is not writable.
    pub fn new() -> Result<Self> {
        let parent = std::env::temp_dir();
        sweep(&parent);
        let directory = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .tempdir_in(&parent)
            .with_context(|| format!("making a directory in `{}`", parent.display()))?;
        // Servers that refuse to run as root run as their own user, who must be able to pass
        // through. What is secret inside has its own mode.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711))
            .context("opening the working directory to server users")?;
        Ok(Self { directory })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A new subdirectory that only its owner may read.
    ///
    /// # Errors
    /// If there is one of that name.
    pub fn private(&self, name: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir(&path).with_context(|| format!("making `{}`", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))
            .with_context(|| format!("closing `{}` to others", path.display()))?;
        Ok(path)
    }

    /// Leaves the directory in place, for somebody to read its logs.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.directory.keep()
    }
}

/// Removes what killed runs left. Failing to is no reason to fail a test.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let Some((process, _)) = rest.split_once('-') else { continue };
        let gone = process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists();
        let untouched = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|modified| modified.elapsed().ok())
            .is_some_and(|age| age > STALE_AFTER);
        if gone && untouched {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_goes_with_its_owner() {
        let work = WorkDir::new().unwrap();
        let inner = work.private("inner").unwrap();
        assert_eq!(fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
        let path = work.path().to_owned();
        drop(work);
        assert!(!path.exists());
    }

    #[test]
    fn only_old_directories_of_dead_processes_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        // Above the kernel's largest process id.
        let dead_but_fresh = parent.path().join(format!("{PREFIX}99999999-x"));
        let dead_and_old = parent.path().join(format!("{PREFIX}99999998-x"));
        let alive_and_old = parent.path().join(format!("{PREFIX}{}-x", std::process::id()));
        for directory in [&dead_but_fresh, &dead_and_old, &alive_and_old] {
            fs::create_dir(directory).unwrap();
        }
        let long_ago = std::time::SystemTime::now() - STALE_AFTER * 2;
        for directory in [&dead_and_old, &alive_and_old] {
            fs::File::open(directory).unwrap().set_modified(long_ago).unwrap();
        }
        sweep(parent.path());
        assert!(dead_but_fresh.exists());
        assert!(!dead_and_old.exists());
        assert!(alive_and_old.exists());
    }
}
