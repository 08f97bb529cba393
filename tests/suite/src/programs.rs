//! The command line, Python, and folders of plugins.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::Artifact;
use windlass_harness::process::Launch;

use crate::leaks;

/// Compiling a plugin on a busy machine takes seconds, everything else less.
const LIMIT: Duration = Duration::from_secs(60);

/// What a program did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code, if it was not ended by a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// Its standard output, one JSON object.
    ///
    /// # Errors
    /// If it is something else.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("not JSON: `{}`, {}", self.stdout, self.stderr))
    }
}

/// Runs the command line with these arguments and nothing in its environment but `environment`; and
/// looks for passwords in what it prints, with everything logged that can be.
///
/// # Errors
/// If it can't be run, or does not end.
pub async fn windlass(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ran> {
    let own_level = arguments.contains(&"--log")
        || environment.iter().any(|(variable, _)| *variable == "WINDLASS_LOG");
    let mut launch = Launch::new(Artifact::Windlass.path()?);
    if !own_level {
        launch = launch.env("WINDLASS_LOG", "trace");
    }
    let mut ran = run(launch, arguments, environment).await?;
    let mut after = arguments.iter().skip_while(|argument| **argument != "--store").skip(1);
    let store = after.next().map(Path::new);
    let command = format!("windlass {}", arguments.first().unwrap_or(&""));
    leaks::note_printed(&command, format!("{}\n{}", ran.stdout, ran.stderr), store)?;
    if !own_level {
        ran.stderr = without_further_lines(&ran.stderr);
    }
    Ok(ran)
}

/// Runs a command line as it was printed, in a shell that finds `windlass`.
///
/// # Errors
/// If it can't be run, or does not end.
pub async fn typed(command: &str) -> Result<Ran> {
    let program = Artifact::Windlass.path()?;
    let folder = program.parent().context("the program is in no folder")?;
    // The shell itself is started by a program of the system.
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let launch = Launch::new("/bin/sh").env("PATH", path);
    let ran = run(launch, &["-c", command], &[]).await?;
    leaks::note_printed(command, format!("{}\n{}", ran.stdout, ran.stderr), None)?;
    Ok(ran)
}

/// Standard error as it is without `WINDLASS_LOG`: up to warnings, and without the lines that tell
/// what became of a step, which then is the command's result alone.
fn without_further_lines(stderr: &str) -> String {
    let usual = |line: &&str| {
        let finer = ["TRACE ", "DEBUG ", " INFO "].iter().any(|level| line.starts_with(level));
        let of_a_step = line.starts_with("ERROR ") && line.contains(" error_type=\"");
        !finer && !of_a_step
    };
    stderr.split_inclusive('\n').filter(usual).collect()
}

/// Runs a Python program of `python/`, with boto3 at hand.
///
/// # Errors
/// If it can't be run, or does not end.
pub async fn python(program: &str, arguments: &[&str]) -> Result<Ran> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    let program = PathBuf::from(package).join("python").join(program);
    let launch = Launch::new(Artifact::Python.path()?).args([program]);
    run(launch, arguments, &[]).await
}

async fn run(launch: Launch, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ran> {
    let mut launch = launch.args(arguments);
    for (name, value) in environment {
        launch = launch.env(name, value);
    }
    let output = launch.finish(LIMIT).await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Ok(Ran { code: output.status.code(), stdout, stderr })
}

/// The directory with the compiled guests: plugins that misbehave, each in its own way.
///
/// # Errors
/// If they were not built.
pub fn guests() -> Result<PathBuf> {
    Artifact::Guests.path()
}

/// Fills `folder`, a new one, with copies of these files, named as given.
///
/// # Errors
/// If one can't be copied.
pub fn plugins_with(folder: &Path, files: &[(&Path, &str)]) -> Result<PathBuf> {
    fs::create_dir(folder).with_context(|| format!("making `{}`", folder.display()))?;
    for (file, name) in files {
        fs::copy(file, folder.join(name))
            .with_context(|| format!("copying `{}`", file.display()))?;
    }
    Ok(folder.to_owned())
}
