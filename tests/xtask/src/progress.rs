//! Lines that say what is being done, and how long it took. They go to standard error: standard
//! output is for results.

use std::time::Instant;

use anyhow::Result;

/// Does `work`, announced and timed.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {what}");
    let started = Instant::now();
    let result = work();
    let seconds = started.elapsed().as_secs_f64();
    match &result {
        Ok(_) => eprintln!("    {what}: {seconds:.1} s"),
        Err(_) => eprintln!("    {what}: failed after {seconds:.1} s"),
    }
    result
}
