//! One call of a plugin: a fresh store, its limits, and what became of it.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::{Instance, InstancePre, ResourceTable};
use wasmtime::{Store, UpdateDeadline};

use super::egress::{Egress, LastWords, Reach};
use super::error::PluginError;
use super::limits::{self, LimitReached, StoreLimiter};
use super::runtime::Runtime;
use crate::grants::{Granted, Grants, SecretPlace};
use crate::network::{Deadline, Tls};
use crate::redact::Redactor;

/// Everything that a store holds. Gone when the call ends, open connections included.
pub struct CallState {
    pub(crate) table: ResourceTable,
    pub(crate) egress: Egress,
    pub(crate) system: SystemState,
    limiter: StoreLimiter,
    ticks_left: u32,
    /// The tick that is due was spent waiting for the network.
    waited: bool,
}

/// What a call may still say and ask for.
pub struct SystemState {
    pub(crate) plugin: String,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) log_lines_left: u32,
    pub(crate) random_left: u32,
}

impl CallState {
    pub(super) fn new(plugin: &str, reach: Reach, redactor: Arc<Redactor>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::HANDLES);
        Self {
            table,
            egress: Egress::new(plugin, reach, Arc::clone(&redactor)),
            system: SystemState {
                plugin: plugin.to_owned(),
                redactor,
                log_lines_left: limits::LOG_LINES,
                random_left: limits::RANDOM_BYTES,
            },
            limiter: StoreLimiter::default(),
            ticks_left: limits::CPU_TICKS,
            waited: false,
        }
    }

    /// Notes that the plugin has waited for the network since then; one that waits does not compute.
    pub(super) fn waited(&mut self, since: Instant) {
        if since.elapsed() >= limits::TICK {
            self.waited = true;
        }
    }

    /// For `describe`: it is handed no endpoint, so there is nothing that it could reach.
    pub(crate) fn without_network(plugin: &str) -> Self {
        let grants = Grants {
            asked: Vec::new(),
            granted: Granted::Only(Vec::new()),
            runtime_api: Vec::new(),
            on_lambda: true,
        };
        let reach = Reach {
            grants: Arc::new(grants),
            tls: Tls::new(None),
            deadline: Deadline::default(),
            secret: SecretPlace::default(),
            names: Arc::default(),
        };
        Self::new(plugin, reach, Arc::default())
    }
}

/// What a plugin returned, and what the host refused it on the way.
pub(super) struct Returned<T> {
    /// The plugin's answer.
    pub(super) answer: T,
    /// See [`Egress::denied`].
    pub(super) denied: Option<String>,
    /// See [`Egress::last_words`].
    pub(super) last_words: Option<LastWords>,
    /// See [`Egress::tls_begun`].
    pub(super) tls_begun: bool,
    /// See [`Egress::tls_up`].
    pub(super) tls_up: bool,
}

/// Runs one operation in a fresh store and says what ended it, if something did.
pub(super) async fn run<T>(
    runtime: &Runtime,
    pre: &InstancePre<CallState>,
    state: CallState,
    plugin: &str,
    operation: &'static str,
    redactor: &Redactor,
    body: impl AsyncFnOnce(&mut Store<CallState>, &Instance) -> wasmtime::Result<T>,
) -> Result<Returned<T>, PluginError> {
    let _ticking = runtime.ticking();
    let mut store = Store::new(runtime.wasmtime(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits::HOSTCALL_BYTES);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let state = store.data_mut();
        if !std::mem::take(&mut state.waited) {
            state.ticks_left = state.ticks_left.checked_sub(1).ok_or(LimitReached::Cpu)?;
        }
        // Yielding lets the timer of whoever waits for this call run, on one thread too.
        Ok(UpdateDeadline::Yield(1))
    });
    let answer = async {
        let instance = pre.instantiate_async(&mut store).await?;
        body(&mut store, &instance).await
    };
    let answer = answer.await.map_err(|error| match LimitReached::from_error(&error) {
        Some(limit) => PluginError::Limit { plugin: plugin.to_owned(), operation, limit },
        None => PluginError::Crashed {
            plugin: plugin.to_owned(),
            operation,
            cause: redactor.scrub(&error.root_cause().to_string(), limits::MESSAGE_BYTES),
        },
    })?;
    let network = &mut store.data_mut().egress;
    let (tls_begun, tls_up) = (network.tls_begun, network.tls_up);
    let (denied, last_words) = (network.denied.take(), network.last_words.take());
    Ok(Returned { answer, denied, last_words, tls_begun, tls_up })
}
