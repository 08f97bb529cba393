//! What a call of the embedded Secrets Manager costs with few secrets and with many: a call costs what
//! its own secret costs.

use std::time::{Duration, Instant};

use anyhow::Result;
use windlass_harness::WorkDir;
use windlass_secrets_manager::{CreateSecret, EmbeddedStore, VersionSelector};

use super::figures::{Figure, Table};

/// How many secrets there are when calls are measured.
const SECRETS: [usize; 3] = [200, 2_000, 20_000];

/// How many calls are measured of each kind.
const CALLS: usize = 100;

/// Adds the rows: CreateSecret, with its commit on disk, and GetSecretValue.
pub(super) fn measure(table: &mut Table) -> Result<()> {
    let work = WorkDir::new()?;
    let store = EmbeddedStore::open(&work.path().join("store.db"))?;
    let (mut made, mut figures) = (0, Vec::new());
    let mut create = || -> Result<Duration> {
        let secret = CreateSecret::with_text(format!("app/{made}"), r#"{"password":"pw"}"#);
        made += 1;
        let begun = Instant::now();
        store.create_secret(secret)?;
        Ok(begun.elapsed())
    };
    let mut there = 0;
    for secrets in SECRETS {
        for _ in there..secrets {
            create()?;
        }
        let creating = (0..CALLS).map(|_| create()).collect::<Result<_>>()?;
        there = secrets + CALLS;
        let reading = (0..CALLS).map(|call| {
            let name = format!("app/{}", call * secrets / CALLS);
            let current = VersionSelector::Stage("AWSCURRENT".to_owned());
            let begun = Instant::now();
            store.secret_value(&name, &current)?;
            Ok(begun.elapsed())
        });
        let reading = reading.collect::<Result<_>>()?;
        figures.push(Figure::timed(format!("CreateSecret, {secrets} secrets there"), creating));
        figures.push(Figure::timed(format!("GetSecretValue, {secrets} secrets there"), reading));
    }
    table.add("The embedded store", figures);
    Ok(())
}
