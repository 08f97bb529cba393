//! What loading a plugin costs: the start of a function that has this plugin alone, and loads it before
//! it asks for work, beside the start of a function that has none.
//!
//! The two are started by turns, so that a machine that becomes slower makes both slower.

use std::fs;

use anyhow::Result;
use windlass_harness::{Programs, Stack, WorkDir};

use super::cold;
use super::figures::{Figure, Goal, Table};
use super::installed;

/// What a plugin adds to the first request for work, in milliseconds, on a quiet machine.
const LOADING_GOAL: Goal = Goal::AtMost(3.0);

/// Adds a row for each plugin.
pub(super) async fn measure(programs: &Programs, runs: usize, table: &mut Table) -> Result<()> {
    let nothing = WorkDir::new()?;
    let without = stack(programs, &nothing).await?;
    let mut figures = Vec::new();
    for plugin in installed::compiled(programs)? {
        let name = plugin.file_stem().unwrap_or_default().to_string_lossy();
        let folder = WorkDir::new()?;
        fs::copy(&plugin, folder.path().join(plugin.file_name().unwrap_or_default()))?;
        let with = stack(programs, &folder).await?;
        let mut differences = Vec::new();
        // One more, not counted: it brings the file into memory.
        for run in 0..=runs {
            let (base, _) = cold::once(&without).await?;
            let (loaded, _) = cold::once(&with).await?;
            if run > 0 {
                differences.push(loaded.saturating_sub(base));
            }
        }
        figures.push(Figure::timed(format!("plugin `{name}`"), differences).goal(LOADING_GOAL));
    }
    table.add("Loading one plugin, added to the start", figures);
    Ok(())
}

async fn stack(programs: &Programs, plugins: &WorkDir) -> Result<Stack> {
    Stack::start(Programs { plugins: plugins.path().to_owned(), ..programs.clone() }).await
}
