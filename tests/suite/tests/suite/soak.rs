//! A short soak of each engine; `cargo xtask soak --engine NAME --minutes N` runs longer ones.

use std::time::Duration;

use anyhow::Result;
use windlass_harness::Programs;
use windlass_suite::{Engine, for_each_engine, skip, soak};

/// Bounded by what it finishes and, on a slow machine, by time.
const ROTATIONS: u64 = 60;
const TIME: Duration = Duration::from_secs(8);

async fn soaks(engine: Engine) -> Result<()> {
    if let Some(why) = (engine.missing)() {
        skip(&format!("{}: {why}", engine.name));
        return Ok(());
    }
    let options = soak::Options {
        programs: Programs::from_environment()?,
        engine,
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

macro_rules! short_soaks {
    ($($module:ident: $engine:ident = $spec:path,)*) => { $(
        mod $module {
            use super::*;

            #[tokio::test]
            async fn after_a_short_soak_every_secret_signs_in() -> Result<()> {
                soaks(Engine::$engine).await
            }
        }
    )* };
}

for_each_engine!(short_soaks);
