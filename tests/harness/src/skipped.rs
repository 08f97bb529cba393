//! Tests that did not run, and those that run only where somebody has the time.
//!
//! libtest has no outcome for a test that finds, while it runs, that this machine lacks what it needs:
//! it passes. Such a test says so here, and `cargo xtask test` counts it as skipped, with its reason,
//! and not as passed.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Mutex;

use crate::sync::lock;

/// Names the file to which every skipped test adds a line: its name, a tab, the reason.
pub const SKIPPED: &str = "WINDLASS_TEST_SKIPPED";

/// Is set where every version of every engine and every point of the enumerations is tested, however
/// long that takes: `cargo xtask test --all`.
pub const ALL: &str = "WINDLASS_TEST_ALL";

/// Whether [`ALL`] is set.
#[must_use]
pub fn everything() -> bool {
    std::env::var_os(ALL).is_some()
}

/// The reasons that were printed: one that holds for fifty tests is printed once.
static PRINTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes that the test that calls this is skipped, and prints why. The test has to end without a
/// failure after it.
///
/// # Panics
/// If it can't be noted: it would count as passed.
#[expect(clippy::panic, reason = "a panic is how a test reports, and only tests call this")]
pub fn skip(why: &str) {
    if lock(&PRINTED).insert(why.to_owned()) {
        // Not `eprintln!`, which is kept back where a test passes. A line that can't be written is no
        // reason to fail.
        let _ = writeln!(std::io::stderr(), "skipped: {why}");
    }
    let Some(file) = std::env::var_os(SKIPPED) else { return };
    let thread = std::thread::current();
    let line = format!("{}\t{}\n", thread.name().unwrap_or("?"), why.replace('\n', " "));
    // In one write, so that lines of several processes don't mix.
    let written = OpenOptions::new().create(true).append(true).open(&file);
    if let Err(error) = written.and_then(|mut file| file.write_all(line.as_bytes())) {
        panic!("failed to note a skipped test in `{}`: {error}", file.display());
    }
}
