//! Texts that are expected to the letter, kept in files, which `BLESS=1` renews; and what tests say
//! and wait for.

use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Compares `actual` with `golden/{name}`, or writes it there.
///
/// # Errors
/// If they differ; with both.
pub fn golden(name: &str, actual: &str) -> Result<()> {
    // At run time, not `env!`: two clones may share a build directory.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    let path = PathBuf::from(package).join("golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(&path, actual)
            .with_context(|| format!("writing `{}`", path.display()));
    }
    let expected = std::fs::read_to_string(&path)
        .with_context(|| format!("reading `{}`; BLESS=1 makes it", path.display()))?;
    if expected != actual {
        bail!(
            "this is not what `{}` has; if it is right, renew it with BLESS=1\n--- expected\n\
             {expected}\n--- actual\n{actual}",
            path.display()
        );
    }
    Ok(())
}

/// Says something of a test that passes: `println!` would be kept back.
pub fn tell(line: &str) {
    // A line that can't be written is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Bounds a wait.
///
/// # Errors
/// If it takes longer than `limit`.
pub async fn within<T>(limit: Duration, what: &str, wait: impl Future<Output = T>) -> Result<T> {
    let waited = tokio::time::timeout(limit, wait).await;
    waited.with_context(|| format!("{what}: not within {} s", limit.as_secs()))
}
