//! The engines that are tested alike: a real server each, and a witness that is not ours.
//!
//! [`for_each_engine`] is the registry: conformance, enumeration, hostile servers, the mix of many
//! secrets, soak and bench all run over it, and `cargo xtask test --engine` knows its names. A test
//! that takes a [`Server`] says what holds for every engine; what one engine says in its own way is in
//! its [`EngineSpec`]. Where a server can't be had, the tests of its engine are skipped, which is
//! reported and counted.

mod mysql;
pub(crate) mod postgres;
mod redshift;
mod server;
mod spec;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::sync::OnceCell;
use windlass_harness::everything;

use crate::{Database, skip};
pub use server::{Server, Witness};
pub use spec::{Connected, Depth, EngineSpec, NewAccount, RealServer, Task, Tls};

/// The server of each engine that all tests share, once somebody has asked for it.
static SHARED: Mutex<BTreeMap<&'static str, Arc<OnceCell<Server>>>> = Mutex::new(BTreeMap::new());

/// The shared servers that run by now: what they log is searched for passwords.
static RUNNING: Mutex<Vec<Server>> = Mutex::new(Vec::new());

/// Calls a macro with all engines: each by the module that its tests are in, and its constant of
/// [`Engine`]. The one list of them.
#[macro_export]
macro_rules! for_each_engine {
    ($callback:ident) => {
        $callback! {
            postgres: POSTGRES = postgres::POSTGRES,
            redshift: REDSHIFT = redshift::REDSHIFT,
            mariadb: MARIADB = mysql::MARIADB,
            mysql: MYSQL = mysql::MYSQL,
        }
    };
}

/// The same with the other versions of those engines: the rules of conformance hold for them, and every
/// point is enumerated. All but the newest run only where [everything] does.
#[macro_export]
macro_rules! for_each_version {
    ($callback:ident) => {
        $callback! {
            postgres13: POSTGRES_13 = postgres::POSTGRES_13,
            postgres14: POSTGRES_14 = postgres::POSTGRES_14,
            postgres16: POSTGRES_16 = postgres::POSTGRES_16,
            postgres17: POSTGRES_17 = postgres::POSTGRES_17,
            postgres18: POSTGRES_18 = postgres::POSTGRES_18,
            mariadb11: MARIADB_11_8 = mysql::MARIADB_11_8,
        }
    };
}

macro_rules! constants {
    ($($module:ident: $constant:ident = $spec:path,)*) => {
        impl Engine {
            $(
                #[doc = concat!("`", stringify!($module), "`.")]
                pub const $constant: Self = Self(&$spec);
            )*
        }
    };
}

macro_rules! all {
    ($($module:ident: $constant:ident = $spec:path,)*) => {
        &[$(Engine::$constant),*]
    };
}

for_each_engine!(constants);
for_each_version!(constants);

/// An engine: what a secret's `engine` says.
#[derive(Clone, Copy)]
pub struct Engine(&'static EngineSpec);

impl Deref for Engine {
    type Target = EngineSpec;

    fn deref(&self) -> &EngineSpec {
        self.0
    }
}

impl PartialEq for Engine {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Engine {}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

impl Engine {
    /// All of them, in one version each.
    pub const ALL: &[Self] = for_each_engine!(all);

    /// Other versions.
    pub const VERSIONS: &[Self] = for_each_version!(all);

    /// The engine, or the version, of this key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.iter().chain(Self::VERSIONS).copied().find(|engine| engine.key == key)
    }

    /// The server that all tests share, started by whoever asks first; `None`, which counts the test as
    /// skipped, where it can't be had.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn server(self) -> Result<Option<Server>> {
        if self.is_skipped() {
            return Ok(None);
        }
        let cell = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(shared.entry(self.key).or_default())
        };
        Ok(Some(cell.get_or_try_init(|| self.start_shared()).await?.clone()))
    }

    /// How much of it is enumerated: where every point is asked for, every point.
    #[must_use]
    pub fn extent(self) -> Depth {
        if everything() { Depth::Full } else { self.depth }
    }

    async fn start_shared(self) -> Result<Server> {
        // The one of which tests of PostgreSQL's own ask more.
        if self == Self::POSTGRES {
            return Ok(Database::shared().await?.server());
        }
        let server = self.own_server(Tls::On).await?;
        note_running(server.clone());
        Ok(server)
    }

    /// A server of a test's own, which has no TLS at all; `None`, which counts the test as skipped,
    /// where it can't be had.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn server_without_tls(self) -> Result<Option<Server>> {
        if self.is_skipped() { Ok(None) } else { self.own_server(Tls::Off).await.map(Some) }
    }

    async fn own_server(self, tls: Tls) -> Result<Server> {
        let ca = Database::authority().await?;
        Ok(Server::new(self, (self.start)(ca, tls).await?, ca))
    }

    fn is_skipped(self) -> bool {
        let missing = (self.missing)();
        if let Some(why) = &missing {
            skip(&format!("{}: {why}", self.key));
        }
        missing.is_some()
    }
}

/// The shared servers that run by now.
pub(crate) fn running() -> Vec<Server> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(crate) fn note_running(server: Server) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(server);
}
