//! What was called, how often and when: names, secrets' ids and times, never contents.
//!
//! Tools compute from it how many calls a rotation makes, and how many of them had to wait for one
//! another.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;

/// How many calls are remembered one by one. A rotation makes about ten.
const REMEMBERED: usize = 100_000;

/// The calls since the start, or since the last reset.
pub(super) struct CallLog {
    epoch: Instant,
    calls: Mutex<Calls>,
}

#[derive(Default, Serialize)]
struct Calls {
    /// By action.
    counts: BTreeMap<&'static str, u64>,
    /// In the order in which they ended.
    log: VecDeque<Call>,
    /// Calls that are counted, but no longer in the log.
    dropped: u64,
}

/// One call. Times are microseconds on a clock that only goes forward, from the server's start.
#[derive(Serialize)]
struct Call {
    action: &'static str,
    /// What the request names it by, where it is about one.
    secret: Option<String>,
    start_us: u64,
    end_us: u64,
    /// `ok`, or the exception's name.
    outcome: &'static str,
}

impl CallLog {
    pub(super) fn new() -> Self {
        Self { epoch: Instant::now(), calls: Mutex::default() }
    }

    pub(super) fn note(
        &self,
        action: &'static str,
        secret: Option<String>,
        start: Instant,
        outcome: &'static str,
    ) {
        let call = Call {
            action,
            secret,
            start_us: self.micros(start),
            end_us: self.micros(Instant::now()),
            outcome,
        };
        let mut calls = self.calls();
        *calls.counts.entry(action).or_default() += 1;
        calls.log.push_back(call);
        if calls.log.len() > REMEMBERED {
            calls.log.pop_front();
            calls.dropped += 1;
        }
    }

    pub(super) fn reset(&self) {
        *self.calls() = Calls::default();
    }

    pub(super) fn report(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&*self.calls())
    }

    fn micros(&self, instant: Instant) -> u64 {
        u64::try_from(instant.duration_since(self.epoch).as_micros()).unwrap_or(u64::MAX)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
