//! The engines that are tested alike: a real server each, and a witness that is not ours.
//!
//! A test that takes a [`Server`] says what holds for every engine; what an engine says in its own
//! way is in its `EngineSql`: statements, rights, lines of its log. Where a server can't be had, the
//! tests of its engine are skipped, which is reported once with the reason.

mod engine_sql;
mod mysql;
mod postgres;
mod redshift;
mod server;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::sync::OnceCell;
use windlass_harness::{Ca, Mariadb, MariadbOptions, MysqlKind, Postgres, PostgresOptions};

use crate::{Database, Login, tell};
pub use engine_sql::Connected;
use server::Running;
pub use server::{Server, Witness};

/// The shared servers that run by now: what they log is searched for passwords.
static RUNNING: Mutex<Vec<Server>> = Mutex::new(Vec::new());

/// The engines of which was told that they are skipped.
static SKIPPED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

static REDSHIFT: OnceCell<Server> = OnceCell::const_new();
static MARIADB: OnceCell<Server> = OnceCell::const_new();
static MYSQL: OnceCell<Server> = OnceCell::const_new();

/// What a secret's `engine` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// Redshift, for which PostgreSQL with MD5 hashes stands: its own server can't be had.
    Redshift,
    /// MariaDB.
    Mariadb,
    /// Oracle's MySQL.
    Mysql,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Redshift, Self::Mariadb, Self::Mysql];

    /// Its name in a secret.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redshift => "redshift",
            Self::Mariadb => "mariadb",
            Self::Mysql => "mysql",
        }
    }

    /// The server that all tests share, started by whoever asks first; `None`, which is reported, where
    /// it can't be had.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn server(self) -> Result<Option<Server>> {
        if self.is_missing() {
            return Ok(None);
        }
        let cell = match self {
            Self::Postgres => return Ok(Some(Database::shared().await?.server())),
            Self::Redshift => &REDSHIFT,
            Self::Mariadb => &MARIADB,
            Self::Mysql => &MYSQL,
        };
        let started = cell.get_or_try_init(async || {
            let server = self.start(true).await?;
            server.prepare().await?;
            note_running(server.clone());
            anyhow::Ok(server)
        });
        Ok(Some(started.await?.clone()))
    }

    /// A server of a test's own, which has no TLS at all; `None`, which is reported, where it can't be
    /// had.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn server_without_tls(self) -> Result<Option<Server>> {
        if self.is_missing() { Ok(None) } else { self.start(false).await.map(Some) }
    }

    fn is_missing(self) -> bool {
        let missing = match self {
            Self::Postgres | Self::Redshift => None,
            Self::Mariadb => Mariadb::missing(MysqlKind::Mariadb),
            Self::Mysql => Mariadb::missing(MysqlKind::Mysql),
        };
        let Some(why) = missing else { return false };
        let mut skipped = SKIPPED.lock().unwrap_or_else(PoisonError::into_inner);
        if skipped.insert(self.name()) {
            tell(&format!("skipped: every test of {}, because {why}", self.name()));
        }
        true
    }

    async fn start(self, tls: bool) -> Result<Server> {
        let ca = Database::shared().await?.ca();
        let kind = match self {
            Self::Postgres | Self::Redshift => {
                let server = Arc::new(self.start_postgres(ca, tls).await?);
                return Ok(Server::new(self, Running::Postgres(server), ca));
            }
            Self::Mariadb => MysqlKind::Mariadb,
            Self::Mysql => MysqlKind::Mysql,
        };
        let server = Mariadb::start(ca, MariadbOptions { kind, tls, ..MariadbOptions::default() });
        Ok(Server::new(self, Running::Mysql(Arc::new(server.await?)), ca))
    }

    async fn start_postgres(self, ca: &Ca, tls: bool) -> Result<Postgres> {
        let method = if self == Self::Redshift { "md5" } else { "scram-sha-256" };
        let rules = if tls {
            [("hostssl", "all"), ("hostnossl", "+plain_signers")]
        } else {
            [("host", "all"), ("host", "all")]
        };
        let rule = |(how, who)| format!("{how} all {who} 127.0.0.1/32 {method}");
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = PostgresOptions {
            first_rules: rules.map(rule).to_vec(),
            settings: vec![
                setting("ssl", if tls { "on" } else { "off" }),
                setting("password_encryption", method),
            ],
            ..PostgresOptions::default()
        };
        let server = Postgres::start(ca, options).await?;
        if tls {
            server.admin("CREATE ROLE plain_signers").await?;
            // Stored anew, in the form that the server is set to; it was made with another.
            let password = Login::literal(server.admin_password());
            server.admin(&format!("ALTER ROLE {} PASSWORD {password}", Postgres::ADMIN)).await?;
        }
        Ok(server)
    }
}

/// The shared servers that run by now.
pub(crate) fn running() -> Vec<Server> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(crate) fn note_running(server: Server) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(server);
}
