//! Starting with twelve plugins installed: the three that there are, and copies of them under other
//! names and engines.
//!
//! A copy is sealed under another name than its code answers, so a secret that needed it would be
//! refused. None does: the function reads the seals of all twelve at its start and loads the one plugin
//! that the secret needs, and what a start and a rotation cost is the same as with twelve different ones.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::{Programs, Stack, WorkDir};
use windlass_suite::Engine;
use windlass_suite::cost::Strategy;

use super::cold;
use super::figures::{Goal, Table};
use super::rotation::{self, Subject};
use super::server::Server;

/// How many plugins are installed.
const PLUGINS: usize = 12;

/// From starting the process to its first request for work, in milliseconds, on a quiet machine.
const START_GOAL: Goal = Goal::AtMost(4.0);

/// Peak resident memory after rotations, in megabytes.
const MEMORY_GOAL: Goal = Goal::AtMost(11.0);

/// Adds the rows: the start, a rotation of new processes, and warm rotations with their memory.
pub(super) async fn measure(programs: &Programs, runs: usize, table: &mut Table) -> Result<()> {
    let work = WorkDir::new()?;
    let real = compiled(programs)?;
    for (number, file) in real.iter().cycle().take(PLUGINS).enumerate() {
        let name = file.file_name().context("a plugin has a name")?;
        if number < real.len() {
            fs::copy(file, work.path().join(name))?;
        } else {
            let name = format!("copy-{number}");
            let copy = renamed(&fs::read(file)?, &name)?;
            fs::write(work.path().join(&name).with_extension("cwasm"), copy)?;
        }
    }
    let stack =
        Stack::start(Programs { plugins: work.path().to_owned(), ..programs.clone() }).await?;
    let title = format!("{PLUGINS} plugins installed");
    cold::start(&stack, runs, (&title, START_GOAL), table).await?;
    let Some(server) = Server::start(&stack, Engine::POSTGRES).await? else { return Ok(()) };
    let port = server.address().port();
    let subject = Subject::create(&stack, &server, Strategy::SingleUser, port).await?;
    let subject = subject.with(&title, MEMORY_GOAL);
    cold::steps(&stack, &subject, runs, table).await?;
    rotation::warm(&stack, &subject, runs, table).await
}

/// The files of the plugins that there are, in the order of their names.
pub(super) fn compiled(programs: &Programs) -> Result<Vec<PathBuf>> {
    let folder = fs::read_dir(&programs.plugins)
        .with_context(|| format!("failed to read `{}`", programs.plugins.display()))?;
    let mut files: Vec<_> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "cwasm"));
    files.sort();
    Ok(files)
}

/// A compiled plugin, sealed under another name and for an engine of that name.
fn renamed(file: &[u8], name: &str) -> Result<Vec<u8>> {
    let (rest, magic) = file.split_last_chunk::<8>().context("a compiled plugin has an end")?;
    let (rest, length) = rest.split_last_chunk::<4>().context("a compiled plugin has a length")?;
    let length = usize::try_from(u32::from_le_bytes(*length))?;
    let at = rest.len().checked_sub(length).context("a compiled plugin has a trailer")?;
    let (code, trailer) = rest.split_at_checked(at).context("a compiled plugin has code")?;
    let mut trailer: Value = serde_json::from_slice(trailer)?;
    let descriptions = trailer.get_mut("descriptions").and_then(Value::as_array_mut);
    let descriptions = descriptions.context("it is sealed with what it says about itself")?;
    let all = descriptions.len();
    for own in descriptions.iter_mut().filter_map(Value::as_object_mut) {
        own.insert("name".to_owned(), name.into());
        let engines = (0..all).map(|engine| format!("{name}-{engine}"));
        own.insert("engines".to_owned(), engines.collect());
    }
    let trailer = serde_json::to_vec(&trailer)?;
    let length = u32::try_from(trailer.len())?.to_le_bytes();
    Ok([code, &trailer, &length, magic].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_another_name_and_the_same_code() {
        let trailer = br#"{"descriptions":[{"name":"a","engines":["x","y"]},{"name":"a","engines":["x","y"]}]}"#;
        let length = u32::try_from(trailer.len()).unwrap().to_le_bytes();
        let file = [b"code".as_slice(), trailer, &length, b"WINDLASS"].concat();
        let copy = renamed(&file, "b").unwrap();
        assert!(copy.starts_with(b"code{") && copy.ends_with(b"WINDLASS"));
        let text = String::from_utf8_lossy(&copy);
        assert_eq!(text.matches(r#""name":"b""#).count(), 2);
        assert_eq!(text.matches(r#"["b-0","b-1"]"#).count(), 2);
    }
}
