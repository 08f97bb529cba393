//! What is waiting, what is running, what has ended.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use super::{FunctionError, Invocation, Outcome};
use crate::sync::lock;

/// An event in the queue.
pub(super) struct Queued {
    pub(super) request_id: String,
    pub(super) event: Value,
    pub(super) timeout: Duration,
    pub(super) taken: oneshot::Sender<Instant>,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// The record behind the lock.
#[derive(Default)]
pub(super) struct Record {
    pub(super) queue: VecDeque<Queued>,
    pub(super) running: HashMap<String, oneshot::Sender<Outcome>>,
    pub(super) ended: Vec<Invocation>,
    pub(super) first_poll: Option<Instant>,
    pub(super) init_error: Option<FunctionError>,
    /// Requests for work so far. One environment has one function, so only the latest counts.
    pub(super) polls: u64,
    /// Whether the latest of them is still waiting.
    pub(super) idle: bool,
    /// How many more events may be taken, if that is limited.
    pub(super) permits: Option<usize>,
    /// Every body that functions sent, as it came.
    pub(super) reports: Vec<String>,
    /// Every event that functions were to take.
    pub(super) events: Vec<Value>,
}

impl Record {
    /// Takes the first event, if it may be taken.
    fn next(&mut self) -> Option<Queued> {
        // One whose invoker has given up is nobody's.
        while self.queue.front().is_some_and(|queued| queued.taken.is_closed()) {
            self.queue.pop_front();
        }
        if self.queue.is_empty() || self.permits == Some(0) {
            return None;
        }
        self.permits = self.permits.map(|permits| permits - 1);
        self.idle = false;
        self.queue.pop_front()
    }
}

/// Shared by the server's connections and by those who invoke.
#[derive(Default)]
pub(crate) struct State {
    record: Mutex<Record>,
    changed: Notify,
    requests: AtomicU64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// Changes the record and wakes whoever waits for it.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_waiters();
        result
    }

    /// Waits until `look` finds something.
    pub(super) async fn wait<T>(&self, mut look: impl FnMut(&mut Record) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before looking: a change between the two is not missed.
            changed.as_mut().enable();
            let found = look(&mut self.lock());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    /// A UUID in form; its digits count, so that logs can be read in order.
    pub(super) fn next_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        format!("00000000-0000-4000-8000-{number:012x}")
    }

    pub(super) fn enqueue(&self, queued: Queued) {
        self.update(|record| {
            record.events.push(queued.event.clone());
            record.queue.push_back(queued);
        });
    }

    /// The next event, now running. Waits for one; `None` if another asks for work meanwhile: the
    /// one who asked before is dead, and its connection about to close.
    pub(super) async fn take(&self) -> Option<(String, Value, Duration)> {
        let poll = self.update(|record| {
            record.first_poll.get_or_insert_with(Instant::now);
            record.polls += 1;
            record.idle = true;
            record.polls
        });
        let queued = self
            .wait(|record| if record.polls == poll { record.next().map(Some) } else { Some(None) });
        let Queued { request_id, event, timeout, taken, answer } = queued.await?;
        self.update(|record| record.running.insert(request_id.clone(), answer));
        let _ = taken.send(Instant::now());
        Some((request_id, event, timeout))
    }

    /// Ends a running invocation. `false`: there is none of that id.
    pub(super) fn end(&self, request_id: &str, outcome: Outcome) -> bool {
        let answer = self.lock().running.remove(request_id);
        answer.is_some_and(|answer| answer.send(outcome).is_ok())
    }

    /// Forgets an invocation that took too long.
    pub(super) fn remove(&self, request_id: &str) {
        let mut record = self.lock();
        record.queue.retain(|queued| queued.request_id != request_id);
        record.running.remove(request_id);
    }

    /// Ends all that is running with the error that `error` makes of its id.
    pub(super) fn fail_running(&self, error: impl Fn(&str) -> FunctionError) {
        let running: Vec<_> = self.lock().running.drain().collect();
        for (request_id, answer) in running {
            let _ = answer.send(Outcome::Failed(error(&request_id)));
        }
    }
}
