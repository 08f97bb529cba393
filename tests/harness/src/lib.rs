//! What Windlass is tested against: real servers, an emulated Lambda, a network that fails.
//!
//! Used by the test suite, by `cargo xtask demo` and by `cargo xtask bench`. It rules that:
//!
//! 1. **Evidence comes from somebody else.** A password is proven by `psql`, not by our own
//!    client; what the server saw is read in the server's own log.
//! 2. **Nothing listens anywhere but 127.0.0.1**, always on a free port.
//! 3. **Nothing waits for ever**: each wait has a limit, and its error says what was awaited.
//! 4. **Nothing is left behind**: every process ends with the one that started it, however that
//!    ends (see [`process`]), and every directory with its [`WorkDir`].
//!
//! The harness starts programs that `cargo xtask build` has built; see [`Artifact`].

mod artifacts;
mod ca;
mod dial;
mod function;
mod http;
mod listener;
mod local;
mod mariadb;
mod moto;
mod nss_wrapper;
mod peer;
mod plugin_calls;
mod postgres;
pub mod process;
mod proxy;
mod rds;
mod redshift;
mod runtime_api;
mod secrets_manager;
mod secrets_proxy;
mod skipped;
mod stack;
mod sync;
mod unpacked;
mod workdir;

pub use artifacts::Artifact;
pub use ca::{Ca, Identity, Validity};
pub use dial::{Cut, dial};
pub use function::{Function, FunctionOptions, Measured, Supervision};
pub use local::{Call, CallLog, Local, LocalOptions};
pub use mariadb::{Kind as MysqlKind, Mariadb, MariadbOptions, SqlError};
pub use moto::Moto;
pub use nss_wrapper::Names;
pub use peer::{Behaviour, Peer};
pub use plugin_calls::PluginCalls;
pub use postgres::{Postgres, PostgresBinaries, PostgresOptions, PsqlError, ServerLog};
pub use proxy::{Direction, Fault, Opening, Proxy, Traffic};
pub use rds::{DbInstance, Rds};
pub use redshift::{Redshift, Warehouse};
pub use runtime_api::{FunctionError, Invocation, Minutes, Outcome, RuntimeApi};
pub use secrets_manager::{SecretsManager, SecretsManagerError};
pub use secrets_proxy::{CallEnd, Moment, ProxiedCall, SecretsProxy, ServiceFault};
pub use skipped::{ALL, SKIPPED, everything, skip};
pub use stack::{Programs, Stack};
pub use workdir::WorkDir;
