//! What a soak counts, and how it looks.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The counts so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Rotations that moved `AWSCURRENT`.
    pub finished: u64,
    /// Attempts at them, from createSecret on.
    pub attempts: u64,
    /// Steps sent.
    pub steps: u64,
    /// Rotations given up: cancelled, their label taken off, begun anew with another token.
    pub abandoned: u64,
    /// Faults that really happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Errors that a fault explains, by type.
    pub explained: BTreeMap<String, u64>,
    /// Moments at which it was looked whether anybody is locked out.
    pub looks: u64,
    /// Sign-ins by the functions that the database refused.
    pub refused_by_functions: u64,
    /// Moments at which nobody could sign in who should have been able to.
    pub lock_outs: u64,
    /// Functions that were started.
    pub functions: u64,
    /// Passwords and rotation tokens that were looked for in all logs.
    pub secrets_sought: u64,
    /// What broke.
    pub broken: Vec<String>,
}

impl Tally {
    pub(super) fn count(map: &mut BTreeMap<&'static str, u64>, name: &'static str) {
        *map.entry(name).or_default() += 1;
    }

    /// All faults.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// How a soak ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// The counts.
    pub tally: Tally,
    /// What its choices followed from.
    pub seed: u64,
    /// How many secrets there were.
    pub secrets: usize,
    /// How long it took, from the first rotation to the last check.
    pub elapsed: Duration,
    /// Where the logs are, if something broke.
    pub logs: Option<std::path::PathBuf>,
}

impl Report {
    /// Whether every invariant held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.tally.broken.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let mut line = |what: &str, count: u64| writeln!(f, "  {what:58} {count:>8}");
        line("secrets, each rotated once more at the end and signed in", self.secrets as u64)?;
        line("rotations finished", tally.finished)?;
        line("attempts", tally.attempts)?;
        line("steps sent", tally.steps)?;
        line("abandoned and begun anew", tally.abandoned)?;
        line("functions started", tally.functions)?;
        line("faults injected", tally.fault_count())?;
        for (fault, count) in &tally.faults {
            line(&format!("  {fault}"), *count)?;
        }
        line("errors, each explained by its step's fault", tally.explained.values().sum())?;
        for (kind, count) in &tally.explained {
            line(&format!("  {kind}"), *count)?;
        }
        line("sign-ins of functions that were refused", tally.refused_by_functions)?;
        line("moments at which sign-ins were checked", tally.looks)?;
        line("lock-outs", tally.lock_outs)?;
        line("passwords and rotation tokens, none in any log", tally.secrets_sought)?;
        writeln!(f, "  {:58} {:>8}", "seed", self.seed)?;
        writeln!(f, "  {:58} {:>6} s", "time", self.elapsed.as_secs())?;
        for broken in &tally.broken {
            writeln!(f, "BROKEN: {broken}")?;
        }
        if let Some(logs) = &self.logs {
            writeln!(f, "logs: {}", logs.display())?;
        }
        Ok(())
    }
}
