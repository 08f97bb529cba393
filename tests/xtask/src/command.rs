//! Running other programs: to their end, within a limit, with an error that says which failed.
//!
//! What they print goes to standard error: standard output is for our own results.

use std::env;
use std::fs::{self, File};
use std::io::stderr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// How often the end of a bounded program is looked for.
const POLL: Duration = Duration::from_millis(20);

/// So many lines of what a failed program printed are shown.
const SHOWN: usize = 20;

/// Runs it to its end. For our own builds, whose length is the machine's business.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = command
        .stdin(Stdio::null())
        .stdout(stderr())
        .status()
        .with_context(|| format!("failed to run `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

/// Runs it and kills it after `limit`. For what waits for a network.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    ends_within(command.stdout(stderr()), limit)
}

/// The same, with what it prints kept back; where it fails, the end of that is in the error.
pub(crate) fn run_quietly_within(command: &mut Command, limit: Duration) -> Result<()> {
    let name = format!("windlass-output-{}", std::process::id());
    let path = env::temp_dir().join(name);
    let output = File::create(&path).with_context(|| format!("making `{}`", path.display()))?;
    let errors = output.try_clone().context("sharing a file")?;
    let ended = ends_within(command.stdout(output).stderr(errors), limit);
    let printed = fs::read(&path).unwrap_or_default();
    // It has been read; where it can't be removed, somebody cleans the folder up.
    let _ = fs::remove_file(&path);
    ended.map_err(|error| {
        let printed = String::from_utf8_lossy(&printed);
        let lines: Vec<_> = printed.lines().collect();
        let last = lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default();
        if last.is_empty() { error } else { anyhow!("{error:#}:\n{}", last.join("\n")) }
    })
}

fn ends_within(command: &mut Command, limit: Duration) -> Result<()> {
    let name = name(command);
    let mut child =
        command.stdin(Stdio::null()).spawn().with_context(|| format!("failed to run `{name}`"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait().with_context(|| format!("waiting for `{name}`"))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("`{name}` failed ({status})"),
            None if Instant::now() > end => {
                let _ = child.kill();
                let _ = child.wait();
                bail!("`{name}` did not end within {} s", limit.as_secs());
            }
            None => std::thread::sleep(POLL),
        }
    }
}

/// Whether it runs and succeeds, with nothing printed.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// The program `name` in `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

fn name(command: &Command) -> String {
    let program = command.get_program();
    let program = std::path::Path::new(program).file_name().unwrap_or(program);
    let mut name = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        name.push(' ');
        name.push_str(&argument.to_string_lossy());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_is_told_apart() {
        assert!(run_within(&mut Command::new("true"), POLL * 100).is_ok());
        let failed = run_within(&mut Command::new("false"), POLL * 100).unwrap_err();
        assert_eq!(failed.to_string(), "`false` failed (exit status: 1)");
        let late = run_within(Command::new("sleep").arg("60"), POLL).unwrap_err();
        assert_eq!(late.to_string(), "`sleep 60` did not end within 0 s");
        let missing = run(&mut Command::new("windlass-no-such-program")).unwrap_err();
        assert_eq!(missing.to_string(), "failed to run `windlass-no-such-program`");
        let loud = ["-c", "echo one; echo two >&2; exit 3"];
        let kept = run_quietly_within(Command::new("sh").args(loud), POLL * 100).unwrap_err();
        assert!(kept.to_string().ends_with("failed (exit status: 3):\none\ntwo"), "{kept}");
        assert!(!succeeds(&mut Command::new("windlass-no-such-program")));
    }
}
