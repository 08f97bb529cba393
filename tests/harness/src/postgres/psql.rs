//! `psql`, the independent client: TLS with the chain and the name verified, password from the
//! environment, never a prompt, never a file of the user's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process::Launch;

/// Connecting to a server on the same machine, and one statement.
const LIMIT: Duration = Duration::from_secs(30);

/// Why `psql` printed no result.
#[derive(Debug, thiserror::Error)]
pub enum PsqlError {
    /// The server did not accept the password.
    #[error("the server refused the password: {message}")]
    Refused {
        /// What `psql` said.
        message: String,
    },
    /// Anything else that `psql` reports: a rule, TLS, a statement.
    #[error("{message}")]
    Failed {
        /// What `psql` said.
        message: String,
    },
    /// It did not run, or not to its end.
    #[error("psql did not run")]
    NotRun {
        /// Why.
        #[source]
        source: anyhow::Error,
    },
}

impl PsqlError {
    /// Whether the server refused the password, and nothing else went wrong.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// Where and how to connect.
pub(super) struct Session<'a> {
    pub(super) program: PathBuf,
    pub(super) trusted: &'a Path,
    pub(super) home: &'a Path,
    pub(super) port: u16,
}

impl Session<'_> {
    pub(super) async fn run(
        self,
        user: &str,
        password: &str,
        database: &str,
        sql: &str,
    ) -> Result<String, PsqlError> {
        let output = Launch::new(self.program)
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password"])
            .args(["--set", "ON_ERROR_STOP=1", "--command", sql])
            .env("PGHOST", "localhost")
            // The name is for the certificate; the server listens on IPv4 only.
            .env("PGHOSTADDR", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", user)
            .env("PGPASSWORD", password)
            .env("PGDATABASE", database)
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", self.trusted)
            .env("PGCONNECT_TIMEOUT", "10")
            .env("PGCLIENTENCODING", "UTF8")
            .env("HOME", self.home)
            .finish(LIMIT)
            .await
            .map_err(|source| PsqlError::NotRun { source })?;
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            return Ok(text.trim_end_matches('\n').to_owned());
        }
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(if message.contains("password authentication failed") {
            PsqlError::Refused { message }
        } else {
            PsqlError::Failed { message }
        })
    }
}
