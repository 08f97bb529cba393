//! The WebAssembly runtime: one configuration, shared by the compiler and by every host, because a
//! compiled plugin fits exactly the configuration that it was compiled with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;

use super::PluginError;
use super::limits::{TICK, WASM_STACK};

/// Address space that is reserved for a memory; more than a plugin may grow to, so that it never
/// has to move.
const MEMORY_RESERVATION: u64 = 64 << 20;

/// The stack of the fiber that WebAssembly code runs on together with the host functions that it calls.
const FIBER_STACK: usize = 1 << 20;

/// The runtime and the thread that ticks for it.
#[derive(Clone)]
pub struct Runtime {
    inner: wasmtime::Engine,
    ticker: Arc<Ticker>,
}

impl Runtime {
    /// A runtime for this machine.
    ///
    /// # Errors
    /// If the machine can't run it.
    pub fn new() -> Result<Self, PluginError> {
        Self::with(&config(None).map_err(failed)?)
    }

    /// A runtime that compiles as fast as can be, for components that run once, to say what they are.
    ///
    /// # Errors
    /// If the machine can't run it.
    #[cfg(feature = "cli")]
    pub fn for_one_question() -> Result<Self, PluginError> {
        let mut config = config(None).map_err(failed)?;
        config.cranelift_opt_level(wasmtime::OptLevel::None);
        Self::with(&config)
    }

    fn with(config: &wasmtime::Config) -> Result<Self, PluginError> {
        let inner = wasmtime::Engine::new(config).map_err(failed)?;
        let ticker = Ticker::start(inner.clone())?;
        Ok(Self { inner, ticker: Arc::new(ticker) })
    }

    /// Wasmtime's engine.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Ticks for as long as the answer lives.
    pub(super) fn ticking(&self) -> Ticking {
        self.ticker.count(|running| running.fetch_add(1, Ordering::SeqCst));
        self.ticker.thread.unpark();
        Ticking(Arc::clone(&self.ticker))
    }
}

fn failed(error: wasmtime::Error) -> PluginError {
    PluginError::Sandbox(format!("{error:#}"))
}

/// The configuration, for this machine or for another target triple.
///
/// # Errors
/// If the target is not one that can be compiled for.
pub fn config(target: Option<&str>) -> wasmtime::Result<wasmtime::Config> {
    let mut config = wasmtime::Config::new();
    // Always named, so that code does not depend on the CPU that happened to compile it.
    config.target(target.unwrap_or(HOST_TARGET))?;
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.memory_reservation(MEMORY_RESERVATION);
    config.memory_reservation_for_growth(0);
    config.max_wasm_stack(WASM_STACK);
    config.async_stack_size(FIBER_STACK);
    // A trap in the sandbox is reported by its kind; addresses in a plugin help nobody here, and
    // collecting them costs.
    config.wasm_backtrace_max_frames(None);
    // Tables for debuggers and stack traces, which nothing here reads: a seventh of the code.
    config.generate_address_map(false);
    config.native_unwind_info(false);
    #[cfg(feature = "cli")]
    config.cranelift_opt_level(wasmtime::OptLevel::Speed);
    Ok(config)
}

/// The target triple of this machine.
pub const HOST_TARGET: &str = match () {
    () if cfg!(all(target_arch = "x86_64", target_os = "linux")) => "x86_64-unknown-linux-gnu",
    () if cfg!(all(target_arch = "aarch64", target_os = "linux")) => "aarch64-unknown-linux-gnu",
    () if cfg!(all(target_arch = "x86_64", target_os = "macos")) => "x86_64-apple-darwin",
    () if cfg!(all(target_arch = "aarch64", target_os = "macos")) => "aarch64-apple-darwin",
    () => "this machine",
};

/// A thread that advances the engine's clock while calls are running, and sleeps otherwise: a
/// plugin that computes without end can't be stopped from its own thread.
struct Ticker {
    /// How many calls are running. Taken away when the runtime goes, which ends the thread.
    running: Option<Arc<AtomicUsize>>,
    thread: Thread,
}

impl Ticker {
    fn start(engine: wasmtime::Engine) -> Result<Self, PluginError> {
        let running = Arc::new(AtomicUsize::new(0));
        let calls = Arc::downgrade(&running);
        let thread = std::thread::Builder::new()
            .name("windlass-ticker".to_owned())
            .spawn(move || {
                while let Some(calls) = calls.upgrade() {
                    if calls.load(Ordering::SeqCst) == 0 {
                        drop(calls);
                        std::thread::park();
                    } else {
                        drop(calls);
                        std::thread::sleep(TICK);
                        engine.increment_epoch();
                    }
                }
            })
            .map_err(|error| PluginError::Sandbox(format!("no thread for its clock: {error}")))?;
        Ok(Self { running: Some(running), thread: thread.thread().clone() })
    }

    fn count(&self, change: impl FnOnce(&AtomicUsize) -> usize) {
        if let Some(running) = &self.running {
            change(running);
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.running.take();
        self.thread.unpark();
    }
}

/// A call that is running.
pub(super) struct Ticking(Arc<Ticker>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.count(|running| running.fetch_sub(1, Ordering::SeqCst));
    }
}
