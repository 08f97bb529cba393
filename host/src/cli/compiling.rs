//! Compiling, with an end.
//!
//! A component is somebody else's, and what the compiler needs for it is not bounded by its size: one
//! function of 7 MB takes minutes and gigabytes. So, in this order: what the host would refuse by its
//! names is refused before anything is compiled; compiling is watched, by the clock and by the
//! process's memory; and what is beyond either ends the process with an error that says so, as the
//! compiler's threads can't be stopped in any other way.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use super::CommandError;
use super::output::Output;
use crate::digest::Digest;
use crate::error_type::ErrorType;
use crate::sandbox::component::Gate;
use crate::sandbox::{
    ArtifactProblem, HOST_TARGET, Loaded, PluginError, Runtime, Shape, compile, component,
};

/// What compiling one component may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    time: Duration,
    /// Beyond what the process had before, in bytes.
    memory: u64,
}

/// 20 MB of functions of ordinary sizes took 44 s and 0.26 GB with a compiler that was itself built
/// without optimisation, on two busy cores; Python's runtime with a program, the largest there is, has
/// 32 MB. Both limits leave it more than three times what it needs. One function of 7 MB, the largest
/// that a module may have, took 1.8 GB.
const LIMITS: Limits = Limits { time: Duration::from_mins(5), memory: 1 << 30 };

/// How often is looked: memory grows by a few tens of megabytes in this time.
const LOOK: Duration = Duration::from_millis(50);

/// Which limit was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excess {
    Time,
    Memory,
}

/// Asks a component what it is, in the sandbox and without any network, unless its names, which
/// `shape` holds, say already that the function would refuse it.
pub(super) async fn ask(
    output: Output,
    path: &Path,
    component: &[u8],
    shape: &Shape,
) -> Result<Arc<Loaded>, CommandError> {
    let rejected = |problem| PluginError::Artifact { path: path.to_owned(), problem };
    shape.fits().map_err(rejected)?;
    let runtime = Runtime::for_one_question()?;
    let compiled = bounded(output, path, || Component::new(runtime.wasmtime(), component))?
        .map_err(|error| rejected(ArtifactProblem::Rejected(format!("{error:#}"))))?;
    Ok(Loaded::from_component(&runtime, &compiled, path, Digest::compute(component)).await?)
}

/// A component's code for a target, and what it says about itself.
pub(super) struct Compiled {
    pub(super) code: Vec<u8>,
    /// Why it could not be asked, where the gate is open.
    pub(super) plugin: Result<Arc<Loaded>, CommandError>,
}

/// Compiles a component and asks it what it is; for this machine it is compiled once for both.
pub(super) async fn compile_and_ask(
    output: Output,
    path: &Path,
    component: &[u8],
    target: &str,
    gate: Gate,
) -> Result<Compiled, CommandError> {
    let rejected = |problem| PluginError::Artifact { path: path.to_owned(), problem };
    let shape = component::shape(component).map_err(rejected)?;
    if gate == Gate::Closed {
        shape.fits().map_err(rejected)?;
    }
    if target != HOST_TARGET {
        let plugin = ask(output, path, component, &shape).await;
        let plugin = match (plugin, gate) {
            (Err(failure), Gate::Closed) => return Err(failure),
            (plugin, _) => plugin,
        };
        let code = bounded(output, path, || compile::compile(component, target))?;
        return Ok(Compiled { code: code.map_err(rejected)?, plugin });
    }
    let unfit = |error| rejected(ArtifactProblem::Rejected(format!("{error:#}")));
    let runtime = Runtime::new()?;
    let compiled = bounded(output, path, || Component::new(runtime.wasmtime(), component))?;
    let compiled = compiled.map_err(unfit)?;
    let asked = Loaded::from_component(&runtime, &compiled, path, Digest::compute(component)).await;
    let plugin = match (asked, gate) {
        (Err(failure), Gate::Closed) => return Err(failure.into()),
        (asked, _) => asked.map_err(CommandError::from),
    };
    Ok(Compiled { code: compiled.serialize().map_err(unfit)?, plugin })
}

/// Does what compiles, within the limits; beyond them the process ends.
pub(super) fn bounded<T>(
    output: Output,
    plugin: &Path,
    compile: impl FnOnce() -> T,
) -> Result<T, CommandError> {
    let plugin = plugin.display().to_string();
    let begun = (Instant::now(), resident().unwrap_or_default());
    let done = Arc::new(AtomicBool::new(false));
    let finished = Arc::clone(&done);
    let watch = std::thread::Builder::new()
        .name("windlass-compiling".to_owned())
        .spawn(move || {
            if let Some(excess) = watch(LIMITS, begun, &finished, resident) {
                output.clear();
                CommandError::plugin(ErrorType::Compile, excess.of(&plugin)).exit(output);
            }
        })
        .map_err(|error| {
            CommandError::internal(format!("no thread to watch the compiler: {error}"))
        })?;
    let compiled = compile();
    done.store(true, Ordering::SeqCst);
    watch.thread().unpark();
    Ok(compiled)
}

/// Looks until it is done, or a limit is broken.
fn watch(
    limits: Limits,
    (began, before): (Instant, u64),
    done: &AtomicBool,
    resident: impl Fn() -> Option<u64>,
) -> Option<Excess> {
    while !done.load(Ordering::SeqCst) {
        if resident().is_some_and(|now| now.saturating_sub(before) > limits.memory) {
            return Some(Excess::Memory);
        }
        if began.elapsed() > limits.time {
            return Some(Excess::Time);
        }
        std::thread::park_timeout(LOOK);
    }
    None
}

impl Excess {
    fn of(self, plugin: &str) -> String {
        let what = match self {
            Self::Time => format!("more than {} s", LIMITS.time.as_secs()),
            Self::Memory => format!("more than {} MiB of memory", LIMITS.memory >> 20),
        };
        format!(
            "compiling `{plugin}` took {what} and was stopped: one of its functions is too \
             large, or \
             all of them together; build it with optimisation for size, or report it to its author"
        )
    }
}

/// The memory of this process that is in use, where the system tells it as Linux does (proc(5),
/// `VmRSS`). Elsewhere the clock alone is watched.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::component;

    const WIDE: Limits = Limits { time: Duration::from_hours(24), memory: u64::MAX };

    #[test]
    fn what_is_beyond_a_limit_is_noticed_and_what_is_done_is_not() {
        let now = || (Instant::now(), 100);
        let running = AtomicBool::new(false);
        let memory = Limits { memory: 900, ..WIDE };
        assert_eq!(watch(memory, now(), &running, || Some(1001)), Some(Excess::Memory));
        let time = Limits { time: Duration::ZERO, ..WIDE };
        assert_eq!(watch(time, now(), &running, || None), Some(Excess::Time));

        // 900 more than before is within the limit, and so is a system that says nothing.
        let done = AtomicBool::new(false);
        let looked = std::cell::Cell::new(0);
        let resident = || {
            looked.set(looked.get() + 1);
            done.store(looked.get() == 3, Ordering::SeqCst);
            (looked.get() % 2 == 1).then_some(1000)
        };
        assert_eq!(watch(memory, now(), &done, resident), None);
        assert_eq!(looked.get(), 3);
    }

    #[test]
    fn the_memory_of_this_process_is_found() {
        if cfg!(target_os = "linux") {
            let before = resident().unwrap();
            let held = vec![1_u8; 64 << 20];
            assert!(resident().unwrap() > before.saturating_add(32 << 20), "{}", held.len());
        }
    }

    /// One compilation serves asking and sealing: its code is what compiling ahead of time makes.
    #[test]
    fn code_that_was_asked_is_the_code_that_is_made_for_this_machine() {
        let text = "(component (core module (func (export \"f\") (result i32) i32.const 7)))";
        let bytes = wat::parse_str(text).unwrap();
        let runtime = Runtime::new().unwrap();
        let asked = Component::new(runtime.wasmtime(), &bytes).unwrap().serialize().unwrap();
        assert!(asked == compile::compile(&bytes, HOST_TARGET).unwrap());
    }

    #[tokio::test]
    async fn what_is_refused_by_its_names_is_never_compiled() {
        // The sandbox's compiler refuses shared memory; whoever got as far as that would say so.
        for (imports, expected) in [
            (r#"(import "evil" (func))"#, "imports `evil`"),
            ("", "it does not export `windlass:plugin/metadata@0.1.0`"),
        ] {
            let text = format!("(component {imports} (core module (memory 1 1 shared)))");
            let bytes = wat::parse_str(text).unwrap();
            let runtime = Runtime::new().unwrap();
            assert!(Component::new(runtime.wasmtime(), &bytes).is_err(), "it can be compiled");
            let shape = component::shape(&bytes).unwrap();
            let path = Path::new("evil.wasm");
            let refused = ask(Output::Text, path, &bytes, &shape).await.err().unwrap();
            assert!(format!("{refused:?}").contains(expected), "{refused:?}");
        }
    }
}
