//! A Python environment of our own, with boto3, AWS's command line, moto, the toolchain for plugins in
//! Python and the linters of workflows: the system's is left alone.
//!
//! It lives in the cache and is made once for each list of packages. A file that is written last
//! says that it is whole, so an interrupted attempt is made again.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{command, progress};

/// Exact: the tests compare what this client sends and expects, and what moto answers.
const PACKAGES: [&str; 6] = [
    "boto3==1.44.5",
    "awscli==1.46.3",
    "moto[server]==5.2.5",
    "componentize-py==0.25.1",
    "zizmor==1.32.0",
    "check-jsonschema==0.39.0",
];

/// Names the list above; raise it when that changes.
const EDITION: &str = "python-5";

const VENV_LIMIT: Duration = Duration::from_secs(120);
const PIP_LIMIT: Duration = Duration::from_secs(300);

/// Whether an environment is there, or can be made.
pub(super) fn available() -> bool {
    place().is_ok_and(|place| place.whole()) || {
        // Debian's python3 has `venv`, but not the `ensurepip` that fills it.
        command::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
    }
}

/// The environment's interpreter. Makes the environment if there is none.
pub(super) fn environment() -> Result<PathBuf> {
    let place = place()?;
    if place.whole() {
        return Ok(place.interpreter());
    }
    let name = format!("Python environment with {}", PACKAGES.join(", "));
    progress::step(&name, || {
        if place.directory.exists() {
            fs::remove_dir_all(&place.directory)
                .with_context(|| format!("removing `{}`", place.directory.display()))?;
        }
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&place.directory);
        command::run_within(&mut venv, VENV_LIMIT)?;
        let mut pip = Command::new(place.interpreter());
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        command::run_within(pip.args(PACKAGES), PIP_LIMIT)?;
        fs::write(place.marker(), PACKAGES.join("\n")).context("marking the environment as whole")
    })?;
    Ok(place.interpreter())
}

struct Place {
    directory: PathBuf,
}

fn place() -> Result<Place> {
    Ok(Place { directory: Workspace::cache()?.join(EDITION) })
}

impl Place {
    fn interpreter(&self) -> PathBuf {
        self.directory.join("bin/python")
    }

    fn marker(&self) -> PathBuf {
        self.directory.join("whole")
    }

    fn whole(&self) -> bool {
        // The interpreter is a link to the system's, which may have been upgraded away.
        self.marker().is_file() && self.interpreter().exists()
    }
}
