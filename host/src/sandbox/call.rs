//! One call of a plugin: a fresh store, its limits, and what became of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use wasmtime::component::{Instance, InstancePre, ResourceTable};
use wasmtime::{Store, UpdateDeadline};

use super::limits::{self, LimitReached, StoreLimiter};
use super::{PluginError, Runtime};
use crate::grants::{Granted, Grants, SecretPlace};
use crate::network::{Deadline, Tls};
use crate::redact::Redactor;

/// Everything that a store holds. Gone when the call ends, open connections included.
pub struct CallState {
    pub(crate) table: ResourceTable,
    pub(crate) network: NetworkState,
    pub(crate) system: SystemState,
    limiter: StoreLimiter,
    ticks_left: u32,
    /// The tick that is due was spent waiting for the network.
    pub(crate) waited: bool,
}

/// What a call may still do on the network.
pub struct NetworkState {
    pub(crate) grants: Arc<Grants>,
    pub(crate) tls: Tls,
    pub(crate) deadline: Deadline,
    /// The place of the credential that this call signs in with: the secret's own, or that of an
    /// administrator that the rotation found to be of the same database.
    pub(crate) secret: SecretPlace,
    /// What the host refused last for want of a grant, for the operator: the plugin's own words
    /// can't be relied on for that.
    pub(crate) denied: Option<String>,
    /// What the network came to last, if it was no success.
    pub(crate) last_words: Option<LastWords>,
    /// Whether a handshake was begun: then the server has TLS, whatever came of it.
    pub(crate) tls_begun: bool,
    /// Whether a handshake ended well: then the server proved itself by its certificate.
    pub(crate) tls_up: bool,
    /// What names resolved to in this step.
    pub(crate) names: Arc<ResolvedNames>,
    pub(crate) connections_left: u32,
    pub(crate) send_left: usize,
    pub(crate) receive_left: usize,
}

/// What the host itself says of how the network failed. No password goes into it, so it is shown also
/// where a plugin's words can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWords {
    pub(crate) text: String,
    /// Whether the plugin heard of it, and has passed on what it finds worth telling.
    pub(crate) plugin_knows: bool,
}

/// What a call may still say and ask for.
pub struct SystemState {
    pub(crate) plugin: String,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) log_lines_left: u32,
    pub(crate) random_left: u32,
}

/// What names resolved to. Kept for one step, so that its calls all talk to the same machine and a
/// name that changes its address in between opens nothing.
#[derive(Debug, Default)]
pub struct ResolvedNames(pub(crate) Mutex<HashMap<String, Vec<IpAddr>>>);

impl CallState {
    pub(super) fn new(
        plugin: &str,
        grants: Arc<Grants>,
        (tls, deadline): (Tls, Deadline),
        secret: SecretPlace,
        names: Arc<ResolvedNames>,
        redactor: Arc<Redactor>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::HANDLES);
        Self {
            table,
            network: NetworkState {
                grants,
                tls,
                deadline,
                secret,
                denied: None,
                last_words: None,
                tls_begun: false,
                tls_up: false,
                names,
                connections_left: limits::CONNECTIONS,
                send_left: limits::NETWORK_BYTES,
                receive_left: limits::NETWORK_BYTES,
            },
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

    /// For `describe`: it is handed no endpoint, so there is nothing that it could reach.
    pub(crate) fn without_network(plugin: &str) -> Self {
        let grants = Grants {
            asked: Vec::new(),
            granted: Granted::Only(Vec::new()),
            runtime_api: Vec::new(),
            on_lambda: true,
        };
        let nowhere = SecretPlace::default();
        let network = (Tls::new(None), Deadline::default());
        Self::new(plugin, Arc::new(grants), network, nowhere, Arc::default(), Arc::default())
    }
}

/// What a plugin returned, and what the host refused it on the way.
pub(super) struct Returned<T> {
    /// The plugin's answer.
    pub(super) answer: T,
    /// See [`NetworkState::denied`].
    pub(super) denied: Option<String>,
    /// See [`NetworkState::last_words`].
    pub(super) last_words: Option<LastWords>,
    /// See [`NetworkState::tls_begun`].
    pub(super) tls_begun: bool,
    /// See [`NetworkState::tls_up`].
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
    let answer = answer.await.map_err(|error| match LimitReached::of(&error) {
        Some(limit) => PluginError::Limit { plugin: plugin.to_owned(), operation, limit },
        None => PluginError::Crashed {
            plugin: plugin.to_owned(),
            operation,
            cause: redactor.scrub(&error.root_cause().to_string(), limits::MESSAGE_BYTES),
        },
    })?;
    let network = &mut store.data_mut().network;
    let (tls_begun, tls_up) = (network.tls_begun, network.tls_up);
    let (denied, last_words) = (network.denied.take(), network.last_words.take());
    Ok(Returned { answer, denied, last_words, tls_begun, tls_up })
}
