//! The services that are rotated: where they listen, their accounts, and what they saw.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::Value;
use windlass_harness::{Mariadb, MariadbOptions, MysqlKind, Postgres, Stack};

use super::engine::Engine;

/// A running service. PostgreSQL is the stack's own; the others run as long as this lives.
pub(super) struct Server<'a> {
    pub(super) engine: Engine,
    stack: &'a Stack,
    mysql: Option<Mariadb>,
}

/// What a service logged of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) connections: usize,
    pub(super) refused: usize,
}

impl<'a> Server<'a> {
    /// Starts it; `None`, which is told, where it is not installed.
    pub(super) async fn start(stack: &'a Stack, engine: Engine) -> Result<Option<Self>> {
        let Some(kind) = engine.mysql_kind() else {
            return Ok(Some(Self { engine, stack, mysql: None }));
        };
        if let Some(why) = Mariadb::missing(kind) {
            eprintln!("==> skipped: {}, because {why}", engine.name());
            return Ok(None);
        }
        let options = MariadbOptions { kind, ..MariadbOptions::default() };
        let mysql = Mariadb::start(stack.ca(), options).await?;
        Ok(Some(Self { engine, stack, mysql: Some(mysql) }))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.mysql.as_ref().map_or_else(|| self.stack.postgres().address(), Mariadb::address)
    }

    /// Makes an account that may do a little.
    pub(super) async fn create_account(&self, name: &str, password: &str) -> Result<()> {
        match &self.mysql {
            None => {
                let create = format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'");
                self.stack.postgres().admin(&create).await?;
            }
            Some(mysql) => {
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
        if let (Some(keys), Some(_)) = (value.as_object_mut(), &self.mysql) {
            keys.insert("engine".to_owned(), Value::from(self.engine.in_secrets()));
            keys.remove("dbname");
        }
        value
    }

    /// The administrator's, likewise.
    pub(super) fn admin_login(&self, port: u16) -> Value {
        let (name, password) = match &self.mysql {
            None => (Postgres::ADMIN, self.stack.postgres().admin_password()),
            Some(mysql) => (Mariadb::ADMIN, mysql.admin_password()),
        };
        self.login(name, password, port)
    }

    /// What it has logged so far.
    pub(super) fn seen(&self) -> Result<Seen> {
        let Some(mysql) = &self.mysql else {
            let log = self.stack.postgres().log()?;
            let (connections, refused) = (log.connections(), log.refused_sign_ins());
            return Ok(Seen { connections, refused });
        };
        let log = mysql.log()?;
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

impl Engine {
    fn mysql_kind(self) -> Option<MysqlKind> {
        match self {
            Self::Postgres => None,
            Self::Mariadb => Some(MysqlKind::Mariadb),
            Self::Mysql => Some(MysqlKind::Mysql),
        }
    }
}
