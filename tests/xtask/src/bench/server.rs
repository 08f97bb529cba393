//! The services that are rotated: where they listen, their accounts, and what they saw.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use windlass_harness::{Stack, skip};
use windlass_suite::{Engine, Login, NewAccount, RealServer, Tls};

/// A running service.
pub(super) struct Server {
    pub(super) engine: Engine,
    running: Arc<dyn RealServer>,
}

/// What a service logged of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) connections: usize,
    pub(super) refused: usize,
}

impl Server {
    /// Starts it; `None`, which is reported, where it is not installed.
    pub(super) async fn start(stack: &Stack, engine: Engine) -> Result<Option<Self>> {
        if let Some(why) = (engine.missing)() {
            skip(&format!("{}: {why}", engine.name));
            return Ok(None);
        }
        Ok(Some(Self { engine, running: (engine.start)(stack.ca(), Tls::On).await? }))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// Makes an account that may do a little.
    pub(super) async fn create_account(&self, login: &Login) -> Result<()> {
        self.running.create(&[NewAccount::with_rights(login)]).await
    }

    /// The administrator's credential.
    pub(super) fn superuser(&self) -> Login {
        self.running.superuser()
    }

    /// What it has logged so far.
    pub(super) fn seen(&self) -> Result<Seen> {
        let (log, _) = self.running.log_from(0)?;
        let refused = log.lines().filter(|line| self.running.refused(line).is_some()).count();
        Ok(Seen { connections: self.running.connections(&log), refused })
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
