//! Names that mean what a test says, and change their meaning while it runs: a library that stands
//! between a program and the resolver of its C library, and reads a file of hosts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

/// Where systems keep it, the folder of the machine's kind included.
const FOLDERS: [&str; 4] =
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];

/// A file of hosts, and the library that reads it.
#[derive(Debug)]
pub struct Names {
    library: PathBuf,
    file: PathBuf,
    /// The file's time, which is what the library looks at, in whole seconds.
    time: std::sync::Mutex<SystemTime>,
}

impl Names {
    /// The library, if it is installed.
    #[must_use]
    pub fn library() -> Option<PathBuf> {
        let files = FOLDERS.map(|folder| Path::new(folder).join("libnss_wrapper.so"));
        files.into_iter().find(|file| file.is_file())
    }

    /// A new file, in which nothing but `localhost` has a meaning.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn new(library: PathBuf, file: PathBuf) -> Result<Self> {
        let names = Self { library, file, time: std::sync::Mutex::new(SystemTime::now()) };
        names.mean("nothing.invalid", "127.0.0.1")?;
        Ok(names)
    }

    /// What a program needs in its environment to be told these names.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.library), ("NSS_WRAPPER_HOSTS", &self.file)]
    }

    /// From now on `name` means `address`.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn mean(&self, name: &str, address: &str) -> Result<()> {
        let text = format!("127.0.0.1 localhost\n{address} {name}\n");
        let mut time = crate::sync::lock(&self.time);
        // A second change within the same second would not be seen.
        *time += Duration::from_secs(2);
        let fresh = self.file.with_extension("new");
        fs::write(&fresh, text)
            .and_then(|()| File::options().append(true).open(&fresh)?.set_modified(*time))
            .and_then(|()| fs::rename(&fresh, &self.file))
            .with_context(|| format!("writing `{}`", self.file.display()))
    }
}
