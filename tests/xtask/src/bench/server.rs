//! The services that are rotated: where they listen, their accounts, and what they saw.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::Value;
use windlass_harness::{Mariadb, MariadbOptions, MysqlKind, Postgres, PostgresOptions, Stack};

use super::engine::Engine;

/// A running service.
pub(super) struct Server<'a> {
    pub(super) engine: Engine,
    stack: &'a Stack,
    running: Running,
}

/// What it is: PostgreSQL is the stack's own, the others run as long as this lives.
enum Running {
    Stacks,
    Postgres(Postgres),
    Mysql(Mariadb),
}

/// By its protocol.
enum Speaks<'a> {
    Postgres(&'a Postgres),
    Mysql(&'a Mariadb),
}

/// What a service logged of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) connections: usize,
    pub(super) refused: usize,
}

impl<'a> Server<'a> {
    /// Starts it; `None`, which is reported, where it is not installed.
    pub(super) async fn start(stack: &'a Stack, engine: Engine) -> Result<Option<Self>> {
        let kind = match engine {
            Engine::Postgres => return Ok(Some(Self { engine, stack, running: Running::Stacks })),
            Engine::Redshift => {
                let options = PostgresOptions {
                    first_rules: vec!["hostssl all all 127.0.0.1/32 md5".to_owned()],
                    settings: vec![("password_encryption".to_owned(), "md5".to_owned())],
                    ..PostgresOptions::default()
                };
                let server = Postgres::start(stack.ca(), options).await?;
                // Stored anew, in the form that the server is set to; it was made with another.
                let (name, password) = (Postgres::ADMIN, server.admin_password());
                server.admin(&format!("ALTER ROLE {name} PASSWORD '{password}'")).await?;
                return Ok(Some(Self { engine, stack, running: Running::Postgres(server) }));
            }
            Engine::Mariadb => MysqlKind::Mariadb,
            Engine::Mysql => MysqlKind::Mysql,
        };
        if let Some(why) = Mariadb::missing(kind) {
            eprintln!("==> skipped: {}, because {why}", engine.name());
            return Ok(None);
        }
        let options = MariadbOptions { kind, ..MariadbOptions::default() };
        let running = Running::Mysql(Mariadb::start(stack.ca(), options).await?);
        Ok(Some(Self { engine, stack, running }))
    }

    fn speaks(&self) -> Speaks<'_> {
        match &self.running {
            Running::Stacks => Speaks::Postgres(self.stack.postgres()),
            Running::Postgres(postgres) => Speaks::Postgres(postgres),
            Running::Mysql(mysql) => Speaks::Mysql(mysql),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        match self.speaks() {
            Speaks::Postgres(postgres) => postgres.address(),
            Speaks::Mysql(mysql) => mysql.address(),
        }
    }

    /// Makes an account that may do a little.
    pub(super) async fn create_account(&self, name: &str, password: &str) -> Result<()> {
        match self.speaks() {
            Speaks::Postgres(postgres) => {
                let create = format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'");
                postgres.admin(&create).await?;
            }
            Speaks::Mysql(mysql) => {
                let create = format!(
                    "CREATE DATABASE {name}; CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'; \
                     GRANT SELECT, INSERT ON {name}.* TO '{name}'@'%'"
                );
                mysql.admin(&create).await?;
            }
        }
        Ok(())
    }

    /// A login in AWS's JSON structure, at `port` of this machine.
    pub(super) fn login(&self, name: &str, password: &str, port: u16) -> Value {
        let mut value = self.stack.login(name, password, port);
        if let Some(keys) = value.as_object_mut() {
            keys.insert("engine".to_owned(), Value::from(self.engine.in_secrets()));
            if matches!(self.running, Running::Mysql(_)) {
                keys.remove("dbname");
            }
        }
        value
    }

    /// The administrator's, likewise.
    pub(super) fn admin_login(&self, port: u16) -> Value {
        let (name, password) = match self.speaks() {
            Speaks::Postgres(postgres) => (Postgres::ADMIN, postgres.admin_password()),
            Speaks::Mysql(mysql) => (Mariadb::ADMIN, mysql.admin_password()),
        };
        self.login(name, password, port)
    }

    /// What it has logged so far.
    pub(super) fn seen(&self) -> Result<Seen> {
        let log = match self.speaks() {
            Speaks::Postgres(postgres) => {
                let log = postgres.log()?;
                let (connections, refused) = (log.connections(), log.refused_sign_ins());
                return Ok(Seen { connections, refused });
            }
            Speaks::Mysql(mysql) => mysql.log()?,
        };
        let connects = || log.lines().filter(|line| line.contains(" Connect\t"));
        let refused = connects().filter(|line| line.contains("Access denied")).count();
        // Whoever is refused has two lines: who it is, and that it is refused.
        Ok(Seen { connections: connects().count() - refused, refused })
    }
}

impl Seen {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            connections: self.connections - before.connections,
            refused: self.refused - before.refused,
        }
    }
}
