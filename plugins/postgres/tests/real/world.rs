//! A real server, `psql` as the witness, and the plugin's calls over TLS as the host would make them.

use std::path::PathBuf;

use tokio::runtime::Runtime;
use windlass_harness::{Ca, Postgres as Server, PostgresOptions, PsqlError, WorkDir, dial};
use windlass_plugin_postgres::Postgres;
use windlass_sdk::{ChangeRequest, Failure, Login, Plugin, Proof, TlsMode};

/// A server and what it takes to reach it.
pub(crate) struct World {
    runtime: Runtime,
    server: Server,
    authority: PathBuf,
    _work: WorkDir,
}

impl World {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let work = WorkDir::new().unwrap();
        let ca = Ca::new(work.path(), "ca").unwrap();
        let server = runtime.block_on(Server::start(&ca, PostgresOptions::default())).unwrap();
        let authority = ca.certificate().to_owned();
        Self { runtime, server, authority, _work: work }
    }

    /// Runs statements as `user`.
    pub(crate) fn psql(&self, user: &str, password: &str, sql: &str) -> Result<String, PsqlError> {
        self.runtime.block_on(self.server.psql(user, password, "postgres", sql))
    }

    /// Runs statements as the administrator.
    #[track_caller]
    pub(crate) fn admin(&self, sql: &str) -> String {
        let outcome = self.psql(Server::ADMIN, self.server.admin_password(), sql);
        outcome.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Whether `psql` signs in.
    #[track_caller]
    pub(crate) fn signs_in(&self, user: &str, password: &str) -> bool {
        match self.psql(user, password, "SELECT 1") {
            Ok(_) => true,
            Err(error) if error.is_refused() => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn verify(&self, user: &str, password: &str) -> Result<(), Failure> {
        Postgres::verify(&self.login(user, password))
    }

    /// A turn of `next`, by the administrator.
    pub(crate) fn turn(&self, current: &str, next: &str, password: &str) -> Result<(), Failure> {
        Postgres::change(&ChangeRequest {
            actor: self.login(Server::ADMIN, self.server.admin_password()),
            username: next.into(),
            new_password: password.into(),
            old_password: None,
            clone_of: Some(current.into()),
            keep_old_valid: false,
            may_send_text: false,
        })
    }

    fn login(&self, user: &str, password: &str) -> Login {
        Login {
            server: dial(self.server.port(), &self.authority, None),
            username: user.into(),
            password: password.into(),
            database: None,
            tls: TlsMode::Required,
            proof: Proof::Accepted,
            fields: Vec::new(),
        }
    }
}
