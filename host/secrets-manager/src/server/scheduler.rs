//! Runs rotations in the background, one at a time per secret.
//!
//! A rotation is createSecret, setSecret, testSecret, finishSecret. A step that fails ends the
//! attempt; after a pause the whole rotation is attempted again with the same token, a bounded
//! number of times. AWS says that it does so "multiple times", not how often: the numbers are
//! [`Retries`]. When no attempt is left, `AWSPENDING` stays, and the next RotateSecret is refused
//! and sets off the same rotation again, also in a later server: the state file knows of it.
//!
//! Nothing that was accepted or promised is dropped. A RotateSecret that comes while the secret is busy
//! (its rotation has moved AWSCURRENT and is not quite over, or is at its last attempt) is kept in
//! mind, and when the turn ends, the rotation that is then unfinished in the store, if one is, has the
//! next turn.
//!
//! Between two steps it is checked that nobody cancelled the rotation or deleted the secret. A test
//! (`RotateImmediately=false`) is testSecret alone, once; its version is removed whatever comes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::task::JoinSet;

use super::history::{History, RunId, RunState};
use super::rotator::{InvokeError, StepInvoker};
use super::{Redact, Settings};
use crate::{
    Description, EmbeddedStore, RotationStart, RotationTarget, RotationWork, ServiceError,
    TemporaryValue,
};

const ROTATION: &[&str] = &["createSecret", "setSecret", "testSecret", "finishSecret"];
const TEST: &[&str] = &["testSecret"];

/// How persistently a failed rotation is attempted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Attempts after the first.
    pub count: u32,
    /// The pause before the second attempt. It doubles each time.
    pub pause: Duration,
}

impl Default for Retries {
    /// Two, after one second and after two: enough for a service that restarts, and short enough
    /// to wait for at a terminal.
    fn default() -> Self {
        Self { count: 2, pause: Duration::from_secs(1) }
    }
}

pub(super) struct Scheduler {
    store: EmbeddedStore,
    invoker: Option<Arc<dyn StepInvoker>>,
    redact: Arc<dyn Redact>,
    retries: Retries,
    temporary_value: TemporaryValue,
    history: History,
    /// ARNs of the secrets that are being rotated, each with what was asked for meanwhile.
    busy: Mutex<HashMap<String, Meanwhile>>,
    /// By ARN, the `RotationToken` that the latest event had. Never shown.
    rotation_tokens: Mutex<HashMap<String, SecretString>>,
    tasks: Mutex<JoinSet<()>>,
}

/// Whether RotateSecret was called while a secret was busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    AskedAgain,
}

/// Why an attempt did not get to its end.
enum Stopped {
    Failed(String),
    Cancelled(&'static str),
}

impl Scheduler {
    pub(super) fn new(store: EmbeddedStore, settings: Settings) -> Self {
        let Settings { invoker, redact, retries, temporary_value } = settings;
        Self {
            store,
            invoker,
            redact,
            retries,
            temporary_value,
            history: History::default(),
            busy: Mutex::default(),
            rotation_tokens: Mutex::default(),
            tasks: Mutex::default(),
        }
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    pub(super) fn temporary_value(&self) -> TemporaryValue {
        self.temporary_value
    }

    /// Without an invoker nothing here could run the steps, and the caller has to say who does.
    pub(super) fn target(&self) -> RotationTarget {
        match self.invoker {
            Some(_) => RotationTarget::Provided,
            None => RotationTarget::ByArn,
        }
    }

    /// Whether this is the `RotationToken` of the step that runs, or ran last, for a secret.
    pub(super) fn sent_rotation_token(&self, arn: &str, token: Option<&SecretString>) -> bool {
        let sent = locked(&self.rotation_tokens);
        sent.get(arn)
            .zip(token)
            .is_some_and(|(sent, token)| sent.expose_secret() == token.expose_secret())
    }

    /// Whether there is somebody here who runs steps.
    pub(super) fn runs_steps(&self) -> bool {
        self.invoker.is_some()
    }

    /// Begins to run a rotation that is not done, at once or when the secret's turn is over.
    pub(super) fn start(self: &Arc<Self>, start: RotationStart) {
        if start.work == RotationWork::Nothing {
            return;
        }
        let Some(invoker) = self.invoker.clone() else {
            let run = self.history.begin(&start);
            self.history.end(run, RunState::Waiting, None);
            return;
        };
        match locked(&self.busy).entry(start.arn.clone()) {
            Entry::Occupied(mut busy) => {
                busy.insert(Meanwhile::AskedAgain);
                return;
            }
            Entry::Vacant(free) => free.insert(Meanwhile::Nothing),
        };
        let scheduler = Arc::clone(self);
        let mut tasks = locked(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move { scheduler.take_turns(&*invoker, start).await });
    }

    /// Runs a secret's rotation, and what was asked for meanwhile.
    async fn take_turns(&self, invoker: &dyn StepInvoker, first: RotationStart) {
        let arn = first.arn.clone();
        let mut next = Some(first);
        while let Some(start) = next {
            let turn =
                Turn { history: &self.history, run: self.history.begin(&start), over: false };
            // A function that panics ends its own rotation, which the turn notes, and no other.
            if let Err(words) =
                AssertUnwindSafe(self.run(invoker, start, turn)).catch_unwind().await
            {
                // Dropping them may panic as well.
                std::mem::forget(words);
            }
            next = self.next(&arn).await;
        }
    }

    /// What is to be run now that a turn is over. Without anything, the secret is free.
    async fn next(&self, arn: &str) -> Option<RotationStart> {
        loop {
            if let Entry::Occupied(mut busy) = locked(&self.busy).entry(arn.to_owned()) {
                match busy.insert(Meanwhile::Nothing) {
                    Meanwhile::AskedAgain => {}
                    Meanwhile::Nothing => {
                        busy.remove();
                        return None;
                    }
                }
            }
            let secret = arn.to_owned();
            match self.blocking(move |store| store.unfinished_rotation(&secret)).await {
                Ok(Some(unfinished)) => return Some(unfinished),
                Ok(None) => {}
                Err(error) => tracing::warn!(secret = arn, error, "failed to look for a rotation"),
            }
        }
    }

    /// Waits for the rotations that are running, then stops what still does.
    pub(super) async fn stop(&self, patience: Duration) {
        let mut tasks = std::mem::take(&mut *locked(&self.tasks));
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tasks.shutdown().await;
        }
    }

    async fn run(&self, invoker: &dyn StepInvoker, start: RotationStart, mut turn: Turn<'_>) {
        let (steps, retries) = match start.work {
            RotationWork::TestOnly => (TEST, 0),
            RotationWork::AllSteps | RotationWork::Nothing => (ROTATION, self.retries.count),
        };
        let mut pause = self.retries.pause;
        let mut attempt = 1;
        let outcome = loop {
            let outcome = self.attempt(invoker, &start, steps, (turn.run, attempt)).await;
            if !matches!(outcome, Err(Stopped::Failed(_))) || attempt > retries {
                break outcome;
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            attempt += 1;
        };
        if start.work == RotationWork::TestOnly {
            let (arn, version) = (start.arn.clone(), start.version.clone());
            let ended = self.blocking(move |store| store.end_test(&arn, &version)).await;
            if let Err(error) = ended {
                tracing::warn!(secret = start.arn, error, "failed to remove a test's version");
            }
        }
        match outcome {
            Ok(()) => turn.end(RunState::Succeeded, None),
            Err(Stopped::Failed(why)) => turn.end(RunState::Failed, Some(why)),
            Err(Stopped::Cancelled(why)) => turn.end(RunState::Cancelled, Some(why.to_owned())),
        }
    }

    async fn attempt(
        &self,
        invoker: &dyn StepInvoker,
        start: &RotationStart,
        steps: &[&'static str],
        (run, attempt): (RunId, u32),
    ) -> Result<(), Stopped> {
        for step in steps {
            self.check_wanted(start).await?;
            let rotation_token = uuid::Uuid::new_v4().to_string();
            let event = json!({
                "Step": step,
                "SecretId": start.arn,
                "ClientRequestToken": start.version,
                "RotationToken": &rotation_token,
            });
            locked(&self.rotation_tokens)
                .insert(start.arn.clone(), SecretString::from(rotation_token));
            let begun = Instant::now();
            let outcome = match invoker.invoke(event).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.redacted(error).await),
            };
            self.history.step(run, (attempt, step), begun.elapsed(), outcome.as_ref().copied());
            if let Err(error) = outcome {
                tracing::warn!(secret = start.arn, step, attempt, %error, "a rotation step failed");
                return Err(Stopped::Failed(format!("{step} failed: {error}")));
            }
        }
        match start.work {
            RotationWork::TestOnly | RotationWork::Nothing => Ok(()),
            RotationWork::AllSteps => self.check_moved(start).await,
        }
    }

    /// That nobody called the rotation off.
    async fn check_wanted(&self, start: &RotationStart) -> Result<(), Stopped> {
        let found = self.describe(start).await?;
        if found.deletion.is_some() {
            return Err(Stopped::Cancelled("the secret is scheduled for deletion"));
        }
        if found.rotation_enabled == Some(false) {
            return Err(Stopped::Cancelled("rotation was cancelled"));
        }
        Ok(())
    }

    /// That the last step did what it is for.
    async fn check_moved(&self, start: &RotationStart) -> Result<(), Stopped> {
        let found = self.describe(start).await?;
        let labels = found.stages.get(&start.version);
        if labels.is_some_and(|labels| labels.iter().any(|label| label == "AWSCURRENT")) {
            return Ok(());
        }
        Err(Stopped::Failed(format!(
            "finishSecret succeeded, but AWSCURRENT is not on version {}",
            start.version
        )))
    }

    async fn describe(&self, start: &RotationStart) -> Result<Description, Stopped> {
        let arn = start.arn.clone();
        self.blocking(move |store| store.describe_secret(&arn)).await.map_err(Stopped::Failed)
    }

    async fn redacted(&self, error: InvokeError) -> InvokeError {
        let redact = Arc::clone(&self.redact);
        let redacted = self.blocking(move |store| {
            let values = store.all_values()?;
            Ok::<_, ServiceError>(InvokeError {
                error_type: redact.redact(&values, &error.error_type),
                message: redact.redact(&values, &error.message),
            })
        });
        // Without the values nobody knows what to leave out.
        redacted.await.unwrap_or_else(|why| {
            InvokeError::new("Unknown", format!("the message was left out: {why}"))
        })
    }

    /// Calls the store where waiting for the disk holds up nothing else.
    async fn blocking<T: Send + 'static, E: std::fmt::Display + Send + 'static>(
        &self,
        call: impl FnOnce(&EmbeddedStore) -> Result<T, E> + Send + 'static,
    ) -> Result<T, String> {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || call(&store)).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A secret's turn to be rotated. Dropped without an end, the rotation was interrupted.
struct Turn<'a> {
    history: &'a History,
    run: RunId,
    over: bool,
}

impl Turn<'_> {
    fn end(&mut self, state: RunState, reason: Option<String>) {
        self.over = true;
        self.history.end(self.run, state, reason);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.history.end(self.run, RunState::Interrupted, None);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
