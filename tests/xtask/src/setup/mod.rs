//! `cargo xtask setup`: what building and testing need, beside Rust.
//!
//! Looks first, and is done at once if nothing is missing. Installs only as root on Debian or
//! Ubuntu, and says what; anywhere else it names what is missing, all of it, and stops.

mod debian;
mod judge;
mod needs;
pub(crate) mod npm;
mod postgres;
mod python;
mod unpacked;
mod wasm;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use needs::Need;

/// What the caller is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Build.
    Build,
    /// Build, and run servers.
    Servers,
    /// Build, and fuzz.
    Fuzz,
    /// All of it: tests drive the product with boto3 as well.
    Everything,
    /// The same, with every version of every engine.
    EveryVersion,
}

/// What setup found or made.
#[derive(Debug)]
pub(crate) struct Ready {
    /// A Python with boto3 and moto, for [`Purpose::Everything`] and more.
    pub(crate) python: Option<PathBuf>,
    /// The folder of the judges of policies, where this machine can have them.
    pub(crate) judge: Option<PathBuf>,
}

/// The error of a machine where somebody else has to install something.
#[derive(Debug)]
pub(crate) struct ByHand {
    missing: Vec<&'static Need>,
}

impl fmt::Display for ByHand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "this machine lacks what Windlass's tests need:")?;
        for need in &self.missing {
            write!(formatter, "\n  {}: {}", need.what, need.hint)?;
        }
        let packages: Vec<_> =
            self.missing.iter().flat_map(|need| need.packages).copied().collect();
        write!(
            formatter,
            "\nhint: on Debian or Ubuntu, run this as root, or `sudo apt-get install {}`; elsewhere, install the same from your system's packages, and run it again",
            packages.join(" ")
        )
    }
}

impl std::error::Error for ByHand {}

/// Makes an empty folder, with those that it is in: nothing is in a new machine's cache.
fn new_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))
}

/// Makes sure that nothing which `purpose` needs is missing.
pub(crate) fn run(workspace: &Workspace, purpose: Purpose) -> Result<Ready> {
    let mut missing = needs::missing(purpose);
    if !wasm::available(workspace)? {
        missing.extend(&needs::DEBIAN_RUST);
    }
    if !missing.is_empty() {
        if debian::can_install() {
            debian::install(&missing)?;
        } else if missing.iter().any(|need| !need.optional) {
            return Err(ByHand { missing }.into());
        }
    }
    if !matches!(purpose, Purpose::Everything | Purpose::EveryVersion) {
        return Ok(Ready { python: None, judge: None });
    }
    let every = purpose == Purpose::EveryVersion;
    unpacked::prepare(every);
    postgres::prepare(every);
    Ok(Ready { python: Some(python::environment()?), judge: judge::prepare() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_made_with_its_parents_and_is_empty() -> Result<()> {
        let work = windlass_harness::WorkDir::new()?;
        let folder = work.path().join("cache/windlass/mysql.partial");
        for _ in 0..2 {
            new_folder(&folder)?;
            assert_eq!(fs::read_dir(&folder)?.count(), 0);
            fs::write(folder.join("left-over"), "half")?;
        }
        Ok(())
    }
}
