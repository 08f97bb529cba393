//! A short soak; `cargo xtask soak --minutes N` runs longer ones.

use std::time::Duration;

use anyhow::Result;
use windlass_harness::Programs;
use windlass_suite::soak;

/// Bounded by what it finishes and, on a slow machine, by time.
const ROTATIONS: u64 = 60;
const TIME: Duration = Duration::from_secs(8);

#[tokio::test]
async fn after_a_short_soak_every_secret_signs_in() -> Result<()> {
    let options = soak::Options {
        programs: Programs::from_environment()?,
        // Any will do; a fixed one makes a failure easier to meet again.
        seed: 2026,
        secrets: 9,
        functions: 3,
        rest: Duration::from_millis(600),
        time: TIME,
        rotations: Some(ROTATIONS),
    };
    let report = soak::run(&options, |_, _| {}).await?;
    println!("{report}");
    assert!(report.held(), "{report}");
    assert!(report.tally.fault_count() > 0 && report.tally.finished > 0, "{report}");
    Ok(())
}
