//! What became of the rotations that were begun here. DescribeSecret does not tell.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::rotator::InvokeError;
use crate::{Moment, RotationStart, RotationWork};

/// How many rotations are remembered.
const REMEMBERED: usize = 100;

/// The latest rotations, oldest first.
#[derive(Default)]
pub(super) struct History {
    runs: Mutex<Runs>,
}

#[derive(Default)]
struct Runs {
    next: u64,
    runs: VecDeque<Run>,
}

/// Which rotation a note is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunId(u64);

#[derive(Serialize)]
struct Run {
    #[serde(skip)]
    id: u64,
    #[serde(skip)]
    begun: Instant,
    secret: String,
    name: String,
    version: String,
    kind: &'static str,
    state: RunState,
    /// Why it ended as it did, where no step tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Seconds since 1970.
    started: f64,
    millis: Option<u64>,
    steps: Vec<StepRun>,
}

/// How far a rotation got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RunState {
    /// Steps are being run.
    Running,
    /// Registered; no function to call is known here, somebody else has to run the steps.
    Waiting,
    /// Every step succeeded.
    Succeeded,
    /// The last attempt failed. AWSPENDING stays where it is.
    Failed,
    /// CancelRotateSecret or DeleteSecret came between two steps.
    Cancelled,
    /// The server ended first.
    Interrupted,
}

#[derive(Serialize)]
struct StepRun {
    attempt: u32,
    step: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    millis: u64,
}

impl History {
    pub(super) fn begin(&self, start: &RotationStart) -> RunId {
        let mut runs = self.runs();
        let id = runs.next;
        runs.next += 1;
        runs.runs.push_back(Run {
            id,
            begun: Instant::now(),
            secret: start.arn.clone(),
            name: start.name.clone(),
            version: start.version.clone(),
            kind: match start.work {
                RotationWork::TestOnly => "test",
                RotationWork::AllSteps | RotationWork::Nothing => "rotation",
            },
            state: RunState::Running,
            reason: None,
            started: Moment::from(std::time::SystemTime::now()).as_epoch_seconds(),
            millis: None,
            steps: Vec::new(),
        });
        if runs.runs.len() > REMEMBERED {
            runs.runs.pop_front();
        }
        RunId(id)
    }

    pub(super) fn step(
        &self,
        run: RunId,
        (attempt, step): (u32, &'static str),
        took: Duration,
        outcome: Result<(), &InvokeError>,
    ) {
        let error = outcome.err();
        self.edit(run, |run| {
            run.steps.push(StepRun {
                attempt,
                step,
                outcome: if error.is_none() { "ok" } else { "failed" },
                error_type: error.map(|error| error.error_type.clone()),
                error: error.map(|error| error.message.clone()),
                millis: millis(took),
            });
        });
    }

    pub(super) fn end(&self, run: RunId, state: RunState, reason: Option<String>) {
        self.edit(run, |run| {
            run.state = state;
            run.reason = reason;
            run.millis = Some(millis(run.begun.elapsed()));
        });
    }

    pub(super) fn report(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&serde_json::json!({ "rotations": &self.runs().runs }))
    }

    fn edit(&self, run: RunId, edit: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs().runs.iter_mut().find(|known| known.id == run.0) {
            edit(run);
        }
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
