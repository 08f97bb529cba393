//! How much a call may use, each number with its reason. Breaking one ends the call with an error
//! that names it; the host serves the next event.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// A plugin's linear memory. The PostgreSQL plugin needs 2 MiB, interpreters with their heap 12;
/// a function with Lambda's smallest memory (128 MiB) survives a plugin that takes all of this.
pub const MEMORY_BYTES: usize = 32 << 20;

/// Elements of a plugin's tables: function pointers. Python's runtime has 10,000.
pub const TABLE_ELEMENTS: usize = 32 << 10;

/// Core instances, memories and tables in one component. A plugin has one of each; Python's runtime,
/// which links its shared libraries and the stubs of WASI one by one, has 38 core instances.
pub const INSTANCES: usize = 64;

/// Handles (endpoints, connections) that are open at once. Guests with a garbage collector drop
/// handles late. Only connections and redirects make handles, so [`CONNECTIONS`] is reached first;
/// this is what holds for an interface that makes others.
pub const HANDLES: usize = 64;

/// Bytes that one call of a host function may hand over. Without this bound a guest may pass its
/// whole memory at once. Messages of every protocol here are smaller than a tenth of it.
pub const HOSTCALL_BYTES: usize = 1 << 20;

/// The stack of WebAssembly code. Deep recursion in a plugin is a trap of its own.
pub const WASM_STACK: usize = 512 << 10;

/// How often the sandbox looks at the clock while a plugin computes.
pub const TICK: Duration = Duration::from_millis(10);

/// Ticks that a plugin may compute in one call: 5 s. Waiting for the network does not count. A
/// PostgreSQL sign-in needs about 10 ms, one with the largest iteration count that the plugin
/// accepts half a second, and Lambda's smallest functions are ten times slower than a full CPU.
pub const CPU_TICKS: u32 = 500;

/// Connections that one call may open and redirects that it may follow, closed ones included. One
/// is the rule; a cluster's topology may need a second or third.
pub const CONNECTIONS: u32 = 8;

/// Bytes that one call may send, and receive. A password change is a few kilobytes; copying the
/// rights of a user with thousands of grants is a few hundred.
pub const NETWORK_BYTES: usize = 8 << 20;

/// Bytes of one read: what fits into a TLS record four times over.
pub const READ_BYTES: usize = 64 << 10;

/// Random bytes in one request, and in one call. Nonces and salts are tens of bytes.
pub const RANDOM_BYTES_AT_ONCE: u32 = 4096;
/// See [`RANDOM_BYTES_AT_ONCE`].
pub const RANDOM_BYTES: u32 = 64 << 10;

/// Log lines of one call, and the bytes of one. A call that says more is not read by anybody.
pub const LOG_LINES: u32 = 100;
/// See [`LOG_LINES`].
pub const LOG_LINE_BYTES: usize = 2 << 10;

/// Bytes of a message in a plugin's failure; it goes into Lambda's error answer.
pub const MESSAGE_BYTES: usize = 2 << 10;

/// Bytes of a remedy in a plugin's failure: a statement or two.
pub const REMEDY_BYTES: usize = 1 << 10;

/// Findings of one list in a plugin's assessment. Plugins name 16 and count the rest.
pub const FINDINGS: usize = 32;

/// Bytes of a code in a plugin's failure. An SQLSTATE has five.
pub const CODE_BYTES: usize = 64;

/// Bytes of a compiled plugin file. Python's, the largest, has 32 MB.
pub const ARTIFACT_BYTES: u64 = 128 << 20;

/// Bytes of the trailer of a compiled plugin. One with the longest texts and lists that a description
/// may have, for each of the most engines, has 1.2 MB, as long as JSON need not escape them;
/// PostgreSQL's has 2 KB.
pub const TRAILER_BYTES: u64 = 2 << 20;

/// Bytes of a component or module that is given to the compiler, which takes many times its size in
/// memory. Its machine code is two to three times as large: where that is more than
/// [`ARTIFACT_BYTES`], `windlass compile` says so.
pub const COMPONENT_BYTES: u64 = 64 << 20;

/// Engines that a plugin serves, and places that it asks for. One service has a handful of names;
/// each goes into messages that list what is installed.
pub const DESCRIPTION_ENTRIES: usize = 32;

/// Bytes of a text in a plugin's description. Names have 253 at most, excluded characters are 95 at
/// most; what the host prints of it stays readable.
pub const DESCRIPTION_BYTES: usize = 512;

/// The longest password that the host can have made: what `GetRandomPassword` takes.
pub const PASSWORD_LENGTH: u32 = 4096;

/// A limit that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// [`MEMORY_BYTES`].
    #[error("it requested more than {} MiB of memory", MEMORY_BYTES >> 20)]
    Memory,
    /// [`TABLE_ELEMENTS`].
    #[error("it requested more than {TABLE_ELEMENTS} table elements")]
    Table,
    /// [`CPU_TICKS`].
    #[error("it computed for more than {} s", (TICK * CPU_TICKS).as_secs())]
    Cpu,
    /// [`RANDOM_BYTES_AT_ONCE`] or [`RANDOM_BYTES`].
    #[error(
        "it requested more random bytes than {} KiB at once or {} KiB in all",
        RANDOM_BYTES_AT_ONCE >> 10,
        RANDOM_BYTES >> 10
    )]
    Random,
    /// [`HANDLES`].
    #[error("it held more than {HANDLES} endpoints and connections at once")]
    Handles,
    /// A handle that the call does not hold, or not any more.
    #[error("it used a handle that it does not hold")]
    ForeignHandle,
    /// [`WASM_STACK`].
    #[error("it recursed until its stack of {} KiB was full", WASM_STACK >> 10)]
    Stack,
    /// [`HOSTCALL_BYTES`].
    #[error("it handed over more than {} MiB in one call", HOSTCALL_BYTES >> 20)]
    HostcallBytes,
    /// [`INSTANCES`].
    #[error("it has more than {INSTANCES} core instances, memories or tables")]
    Instances,
}

impl LimitReached {
    /// The limit that an error of the sandbox stands for, if it does.
    pub(super) fn from_error(error: &wasmtime::Error) -> Option<Self> {
        if let Some(limit) = error.downcast_ref::<Self>() {
            return Some(*limit);
        }
        if let Some(wasmtime::Trap::StackOverflow) = error.downcast_ref() {
            return Some(Self::Stack);
        }
        // These have no type that could be asked for. Where the words change, the limit still
        // holds and is reported as a crash.
        let cause = error.root_cause().to_string();
        if cause.starts_with("too much data is being copied between") {
            return Some(Self::HostcallBytes);
        }
        if cause.starts_with("resource limit exceeded") {
            return Some(Self::Instances);
        }
        cause.contains("handle index").then_some(Self::ForeignHandle)
    }
}

/// Bounds what a store may grow to.
#[derive(Debug, Default)]
pub struct StoreLimiter {
    memory: usize,
    table_elements: usize,
    /// What was granted last: wasmtime asks first, and then may find that it can't.
    memory_granted: usize,
    table_granted: usize,
}

impl ResourceLimiter for StoreLimiter {
    /// All memories of a component share one budget: several small ones are no way around it.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let total = self.memory.saturating_add(growth);
        if total > MEMORY_BYTES {
            return Err(LimitReached::Memory.into());
        }
        self.memory = total;
        self.memory_granted = growth;
        Ok(true)
    }

    /// Beyond the memory's own maximum, say: the guest gets -1, and nothing has grown.
    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory = self.memory.saturating_sub(std::mem::take(&mut self.memory_granted));
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let total = self.table_elements.saturating_add(growth);
        if total > TABLE_ELEMENTS {
            return Err(LimitReached::Table.into());
        }
        self.table_elements = total;
        self.table_granted = growth;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        let granted = std::mem::take(&mut self.table_granted);
        self.table_elements = self.table_elements.saturating_sub(granted);
        Ok(())
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        INSTANCES
    }

    fn memories(&self) -> usize {
        INSTANCES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, TLS_TIMEOUT};

    /// The number that a constant has in a source of what runs inside.
    fn number(source: &str, constant: &str) -> usize {
        let (_, rest) = source.split_once(&format!("const {constant}: ")).expect(constant);
        let (_, value) = rest.split_once('=').expect(constant);
        let (value, _) = value.split_once(';').expect(constant);
        value.split('*').map(|factor| factor.trim().parse::<usize>().expect(constant)).product()
    }

    /// What is written in the SDK and in a plugin stays within what the host allows.
    #[test]
    fn the_sdk_and_the_plugins_keep_to_these_limits() {
        let network = include_str!("../../../sdk/rust/src/network.rs");
        assert_eq!(number(network, "READ_LIMIT"), READ_BYTES, "a larger read would be cut");
        let system = include_str!("../../../sdk/rust/src/system.rs");
        assert_eq!(number(system, "RANDOM_PIECE"), RANDOM_BYTES_AT_ONCE as usize);
        let assess = include_str!("../../../sdk/rust/src/assess.rs");
        // One more counts the rest.
        assert!(number(assess, "FINDINGS_MAX") < FINDINGS);
        let quote = include_str!("../../../plugins/mysql/src/quote.rs");
        assert!(number(quote, "REMEDY_MAX") < REMEDY_BYTES);
    }

    /// `wit/world.wit` documents the limits for authors: row by row what stands here.
    #[test]
    fn the_interface_documents_these_limits() {
        let seconds = |time: Duration| time.as_secs();
        let rows = [
            format!("memory | {} MiB", MEMORY_BYTES >> 20),
            format!(
                "computing (waiting for the network does not count) | {} s",
                seconds(TICK * CPU_TICKS)
            ),
            format!(
                "time in all | what Lambda leaves; a read {} s, a connection or TLS handshake {} s",
                seconds(ANSWER_TIMEOUT),
                seconds(CONNECT_TIMEOUT)
            ),
            format!("connections and redirects, closed ones included | {CONNECTIONS}"),
            format!("open handles | {HANDLES}"),
            format!("bytes sent, and received | {} MiB each", NETWORK_BYTES >> 20),
            format!(
                "bytes handed over in one call of a host function | {} MiB",
                HOSTCALL_BYTES >> 20
            ),
            format!(
                "random bytes | {RANDOM_BYTES_AT_ONCE} at once, {} KiB in all",
                RANDOM_BYTES >> 10
            ),
            format!(
                "log | {LOG_LINES} lines of {} KiB; what is more is dropped or cut",
                LOG_LINE_BYTES >> 10
            ),
            format!(
                "a failure's message, remedy and code | {} KiB, {} KiB and {CODE_BYTES} bytes; what is \
                 more is cut",
                MESSAGE_BYTES >> 10,
                REMEDY_BYTES >> 10
            ),
            format!(
                "findings of an assessment | {FINDINGS} of {} KiB; what is more is dropped or cut",
                REMEDY_BYTES >> 10
            ),
            format!("table elements | {TABLE_ELEMENTS}"),
            format!("core instances, memories and tables | {INSTANCES} each"),
            format!("stack | {} KiB", WASM_STACK >> 10),
        ];
        assert_eq!(CONNECT_TIMEOUT, TLS_TIMEOUT, "one row has both");
        let world = include_str!("../../../wit/world.wit");
        let documented: Vec<&str> = world
            .lines()
            .filter_map(|line| line.strip_prefix("/// | ")?.strip_suffix(" |"))
            .filter(|row| *row != "what | limit")
            .collect();
        assert_eq!(documented, rows);

        let prose = world.lines().map(|line| line.trim_start_matches("/// ")).collect::<Vec<_>>();
        let prose = prose.join(" ");
        let entries = DESCRIPTION_ENTRIES;
        for sentence in [
            format!(
                "{entries} engines, {entries} places and {entries} fields, {DESCRIPTION_BYTES} bytes in \
                 each text, a default password of {PASSWORD_LENGTH} characters at most"
            ),
            format!("A component has {} MiB at most.", COMPONENT_BYTES >> 20),
        ] {
            assert!(prose.contains(&sentence), "`{sentence}` is not in wit/world.wit");
        }
    }

    #[test]
    fn each_function_of_the_interface_documents_its_limits() {
        let system = include_str!("../../../wit/system.wit");
        let network = include_str!("../../../wit/network.wit");
        for (file, sentence) in [
            (network, format!("{} KiB at most in one call", READ_BYTES >> 10)),
            (network, format!("at most {} MiB in one call", HOSTCALL_BYTES >> 20)),
            (system, format!("{} KiB a line, {LOG_LINES} lines a call", LOG_LINE_BYTES >> 10)),
            (
                system,
                format!(
                    "At most {RANDOM_BYTES_AT_ONCE} at a time and {} KiB a",
                    RANDOM_BYTES >> 10
                ),
            ),
        ] {
            assert!(file.contains(&sentence), "`{sentence}` is not in the interface");
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod growth {
    use wasmtime::{Engine, Instance, Module, Store};

    use super::*;

    /// As often as a memory of 32 MiB could grow, and a table.
    const ATTEMPTS: usize = 20_000;

    #[test]
    fn what_has_not_grown_is_not_counted() {
        for (what, grow) in [
            ("memory", "memory.grow (i32.const 1)"),
            ("table", "table.grow (ref.null func) (i32.const 1)"),
        ] {
            let module = format!(
                "(module (memory 1 1) (table 1 1 funcref) (func (export \"run\") (local $left i32)
                   (local.set $left (i32.const {ATTEMPTS}))
                   (loop $again
                     (drop ({grow}))
                     (br_if $again
                       (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"
            );
            let engine = Engine::default();
            let module = Module::new(&engine, wat::parse_str(module).unwrap()).unwrap();
            let mut store = Store::new(&engine, StoreLimiter::default());
            store.limiter(|limiter| limiter);
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
            run.call(&mut store, ()).unwrap_or_else(|error| panic!("{what}: {error:#}"));
            assert_eq!((store.data().memory, store.data().table_elements), (64 << 10, 1), "{what}");
        }
    }
}
