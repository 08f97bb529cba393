//! An emulated Lambda: the Runtime API that a function polls, and the Invoke API that calls it.
//!
//! One execution environment, as Lambda has it: events wait in a queue, the function takes one
//! after another. An invocation always ends: answered, failed, out of time, or because the
//! function's process ended ([`RuntimeApi::function_exited`]); the last two with the error types
//! that Lambda itself gives.

mod routes;
mod state;

use std::net::SocketAddr;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::http::Server;
use crate::process::describe_exit;
use state::{Queued, State};

/// What an event may take when it comes over HTTP: the timeout of AWS's own rotation functions.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an event waits for a function that takes it. Lambda gives a function 10 s to start; a busy
/// machine needs more for the same.
const TAKE_LIMIT: Duration = Duration::from_secs(30);

/// An error as Lambda reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// The stable `errorType`.
    pub kind: String,
    /// The `errorMessage`.
    pub message: String,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The function's answer.
    Answered(Value),
    /// The function, or Lambda in its place, reported an error.
    Failed(FunctionError),
}

impl Outcome {
    /// The error, if it failed.
    #[must_use]
    pub fn error(&self) -> Option<&FunctionError> {
        match self {
            Self::Answered(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

/// One invocation, ended.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// `Lambda-Runtime-Aws-Request-Id`, the same as in the function's log.
    pub request_id: String,
    /// The event.
    pub event: Value,
    /// How it ended.
    pub outcome: Outcome,
    /// From the function's taking it to its answer.
    pub elapsed: Duration,
    /// When it ended.
    pub ended: Instant,
}

impl Invocation {
    /// The rotation step that the event asks for, or an empty string.
    #[must_use]
    pub fn step(&self) -> &str {
        self.event.get("Step").and_then(Value::as_str).unwrap_or_default()
    }
}

/// All that passed the emulated Lambda; [`RuntimeApi::forget`] takes nothing from it.
#[derive(Clone, Debug)]
pub struct Minutes(Arc<State>);

impl Minutes {
    /// Every body that functions ever sent, answers and errors, as it came.
    #[must_use]
    pub fn reports(&self) -> Vec<String> {
        self.0.lock().reports.clone()
    }

    /// Every event that there ever was.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.0.lock().events.clone()
    }
}

/// The emulated Lambda, serving on 127.0.0.1.
#[derive(Debug)]
pub struct RuntimeApi {
    server: Server,
    state: Arc<State>,
}

impl RuntimeApi {
    /// Starts to serve.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn start() -> Result<Self> {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let server = Server::start(move |request| {
            let shared = Arc::clone(&shared);
            async move { Ok(routes::handle(shared, request).await) }
        });
        Ok(Self { server: server.await?, state })
    }

    /// The value for `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The Invoke API's URL, for `windlass local --lambda-endpoint`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Invokes the function and waits for the end, at most `timeout` from its taking the event.
    ///
    /// # Errors
    /// If no function takes the event.
    pub async fn invoke(&self, event: Value, timeout: Duration) -> Result<Invocation> {
        invoke(&self.state, event, timeout).await
    }

    /// The moment when a function first asked for work: the end of its cold start.
    ///
    /// # Errors
    /// If none has after `limit`, or the function reported that it can't start.
    pub async fn first_poll(&self, limit: Duration) -> Result<Instant> {
        let polled = self.state.wait(|record| {
            record.first_poll.map(Ok).or_else(|| record.init_error.clone().map(Err))
        });
        match tokio::time::timeout(limit, polled).await {
            Ok(Ok(moment)) => Ok(moment),
            Ok(Err(error)) => bail!("the function can't start: {}: {}", error.kind, error.message),
            Err(_) => bail!("no function asked for work within {} ms", limit.as_millis()),
        }
    }

    /// Forgets earlier functions: [`RuntimeApi::first_poll`] then waits for the next one's, and no
    /// event goes to one of theirs, whose death may not have been noticed yet.
    pub fn expect_new_function(&self) {
        self.state.update(|record| {
            record.first_poll = None;
            record.init_error = None;
            record.polls += 1;
            record.idle = false;
        });
    }

    /// Waits until a function has asked for work and has none: the moment to end it at rest.
    pub async fn function_idle(&self) {
        self.state.wait(|record| record.idle.then_some(())).await;
    }

    /// Waits until an event is in the queue: the moment when Lambda would start a function.
    pub async fn event_waiting(&self) {
        self.state.wait(|record| (!record.queue.is_empty()).then_some(())).await;
    }

    /// From now on, an event reaches a function only after [`RuntimeApi::let_one_through`].
    pub fn hold_events(&self) {
        self.state.update(|record| record.permits = Some(0));
    }

    /// Lets one event reach a function that asks, or will ask, for work.
    pub fn let_one_through(&self) {
        self.state.update(|record| record.permits = record.permits.map(|permits| permits + 1));
    }

    /// From now on, events reach functions freely.
    pub fn release_events(&self) {
        self.state.update(|record| record.permits = None);
    }

    /// Waits until `look` finds something in the invocations that have ended.
    pub async fn wait_for<T>(&self, mut look: impl FnMut(&[Invocation]) -> Option<T>) -> T {
        self.state.wait(|record| look(&record.ended)).await
    }

    /// The error that a function reported instead of starting.
    #[must_use]
    pub fn init_error(&self) -> Option<FunctionError> {
        self.state.lock().init_error.clone()
    }

    /// The invocations that have ended, in that order.
    #[must_use]
    pub fn invocations(&self) -> Vec<Invocation> {
        self.state.lock().ended.clone()
    }

    /// All that passes here, for those who look at it in the end.
    #[must_use]
    pub fn minutes(&self) -> Minutes {
        Minutes(Arc::clone(&self.state))
    }

    /// Forgets the invocations that have ended.
    pub fn forget(&self) {
        self.state.lock().ended.clear();
    }

    /// Reports that the function's process ended: what it was working on fails as on Lambda.
    pub fn function_exited(&self, status: ExitStatus) {
        function_exited(&self.state, status);
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }
}

pub(crate) fn function_exited(state: &State, status: ExitStatus) {
    state.fail_running(|request_id| FunctionError {
        kind: "Runtime.ExitError".to_owned(),
        message: format!("RequestId: {request_id} Error: Runtime {}", describe_exit(status)),
    });
}

pub(crate) use state::State as Shared;

async fn invoke(state: &State, event: Value, timeout: Duration) -> Result<Invocation> {
    let request_id = state.next_request_id();
    let (taken, was_taken) = oneshot::channel();
    let (answer, answered) = oneshot::channel();
    state.enqueue(Queued {
        request_id: request_id.clone(),
        event: event.clone(),
        timeout,
        taken,
        answer,
    });
    let Ok(Ok(started)) = tokio::time::timeout(TAKE_LIMIT, was_taken).await else {
        state.remove(&request_id);
        bail!("no function took the event within {} s", TAKE_LIMIT.as_secs());
    };
    let outcome = match tokio::time::timeout(timeout, answered).await {
        Ok(outcome) => outcome.context("the invocation was dropped")?,
        Err(_) => {
            state.remove(&request_id);
            let seconds = timeout.as_secs_f64();
            Outcome::Failed(FunctionError {
                kind: "Sandbox.Timedout".to_owned(),
                message: format!(
                    "RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds"
                ),
            })
        }
    };
    let ended = Instant::now();
    let elapsed = ended.saturating_duration_since(started);
    let invocation = Invocation { request_id, event, outcome, elapsed, ended };
    state.update(|record| record.ended.push(invocation.clone()));
    Ok(invocation)
}
