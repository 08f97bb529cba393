//! What is deployed: the function and each plugin.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use windlass_harness::Programs;

use super::figures::{Figure, Goal, Table};

/// A small file is read sooner by a cold start.
const BOOTSTRAP_GOAL: Goal = Goal::Under(10.0);

/// Adds the sizes.
pub(super) fn measure(programs: &Programs, table: &mut Table) -> Result<()> {
    let bootstrap = Figure::bytes("bootstrap, stripped", size(&programs.bootstrap)?);
    let mut figures = vec![bootstrap.goal(BOOTSTRAP_GOAL)];
    let entries = fs::read_dir(&programs.plugins)
        .with_context(|| format!("reading `{}`", programs.plugins.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        figures.push(Figure::bytes(format!("plugin {name}"), size(&path)?));
    }
    table.add("Sizes", figures);
    Ok(())
}

fn size(path: &Path) -> Result<u64> {
    let metadata = fs::metadata(path).with_context(|| format!("measuring `{}`", path.display()))?;
    Ok(metadata.len())
}
