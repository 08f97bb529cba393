//! Where PostgreSQL's programs are: `WINDLASS_DEV_POSTGRES`, else the newest of the places where
//! distributions put them, else `PATH`.
//!
//! Debian's `/usr/bin/psql` is a script that chooses a cluster; the programs themselves are wanted.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Names a directory to use instead of looking for one.
const OVERRIDE: &str = "WINDLASS_DEV_POSTGRES";

/// The programs of one installation.
#[derive(Clone, Debug)]
pub struct PostgresBinaries {
    directory: PathBuf,
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
            return Ok(Self { directory });
        }
        let path = env::var_os("PATH").unwrap_or_default();
        newest(Path::new("/usr/lib/postgresql"), "", "bin")
            .or_else(|| newest(Path::new("/usr"), "pgsql-", "bin"))
            .or_else(|| env::split_paths(&path).find(|directory| complete(directory)))
            .map(|directory| Self { directory })
            .ok_or_else(|| {
                anyhow::anyhow!(
                    "PostgreSQL's server is not installed: run `cargo xtask setup`, or set {OVERRIDE}"
                )
            })
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
        self.directory.join("psql")
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
