//! Where PostgreSQL's programs are: `WINDLASS_DEV_POSTGRES`, else the newest of the places where
//! distributions put them, else `PATH`. Other versions are where `cargo xtask setup` has unpacked them,
//! each in a folder of its own; they have no client, and the first one's talks to all of them.
//!
//! Debian's `/usr/bin/psql` is a script that chooses a cluster; the programs themselves are wanted.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::unpacked;

/// Names a directory to use instead of looking for one.
const OVERRIDE: &str = "WINDLASS_DEV_POSTGRES";

/// The programs of one installation.
#[derive(Clone, Debug)]
pub struct PostgresBinaries {
    directory: PathBuf,
    /// The folder of the client.
    client: PathBuf,
}

impl PostgresBinaries {
    /// Finds the installation to use.
    ///
    /// # Errors
    /// If there is none with server and client.
    pub fn find() -> Result<Self> {
        if let Some(directory) = env::var_os(OVERRIDE) {
            let directory = PathBuf::from(directory);
            if !complete(&directory) {
                bail!(
                    "{OVERRIDE}: no `postgres`, `initdb` and `psql` in `{}`",
                    directory.display()
                );
            }
            return Ok(Self { client: directory.clone(), directory });
        }
        let path = env::var_os("PATH").unwrap_or_default();
        newest(Path::new("/usr/lib/postgresql"), "", "bin")
            .or_else(|| newest(Path::new("/usr"), "pgsql-", "bin"))
            .or_else(|| env::split_paths(&path).find(|directory| complete(directory)))
            .map(|directory| Self { client: directory.clone(), directory })
            .ok_or_else(|| {
                anyhow::anyhow!(
                    "PostgreSQL's server is not installed: run `cargo xtask setup`, or set {OVERRIDE}"
                )
            })
    }

    /// The installation of this major version.
    ///
    /// # Errors
    /// If it was not unpacked.
    pub fn of_version(major: u32) -> Result<Self> {
        let directory = Self::place(major).join("bin");
        if !["postgres", "initdb"].iter().all(|program| directory.join(program).is_file()) {
            bail!(
                "PostgreSQL {major} is not in `{}`: run `cargo xtask setup`",
                directory.display()
            );
        }
        Ok(Self { directory, client: Self::find()?.client })
    }

    /// Where this major version is unpacked.
    #[must_use]
    pub fn place(major: u32) -> PathBuf {
        unpacked::place("postgres").join(major.to_string())
    }

    /// The server.
    #[must_use]
    pub fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    /// The program that makes a cluster.
    #[must_use]
    pub fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    /// The client.
    #[must_use]
    pub fn psql(&self) -> PathBuf {
        self.client.join("psql")
    }
}

fn complete(directory: &Path) -> bool {
    ["postgres", "initdb", "psql"].iter().all(|program| directory.join(program).is_file())
}

/// The `{parent}/{prefix}{version}/{inner}` of the highest version that has all programs.
fn newest(parent: &Path, prefix: &str, inner: &str) -> Option<PathBuf> {
    fs::read_dir(parent)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version: u32 = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            let directory = entry.path().join(inner);
            complete(&directory).then_some((version, directory))
        })
        .max_by_key(|(version, _)| *version)
        .map(|(_, directory)| directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_installation_is_chosen() {
        let parent = tempfile::tempdir().unwrap();
        for (version, programs) in [
            ("9", &["postgres", "initdb", "psql"][..]),
            ("15", &["postgres", "initdb", "psql"]),
            ("17", &["psql"]),
        ] {
            let bin = parent.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            for program in programs {
                fs::write(bin.join(program), "").unwrap();
            }
        }
        assert_eq!(newest(parent.path(), "", "bin"), Some(parent.path().join("15/bin")));
    }
}
