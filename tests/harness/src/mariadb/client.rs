//! `mariadb` or `mysql`, the independent client: TLS with the chain and the name verified, never a
//! prompt, never a file of the user's.

use std::path::Path;
use std::time::Duration;

use super::binaries::{Binaries, Kind};

/// Connecting to a server on the same machine, and a few statements.
const LIMIT: Duration = Duration::from_secs(30);

/// Why the client printed no result.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The server did not accept the password.
    #[error("the server refused the password: {message}")]
    Refused {
        /// What the client said.
        message: String,
    },
    /// Anything else that the client reports: TLS, a statement.
    #[error("{message}")]
    Failed {
        /// What the client said.
        message: String,
    },
    /// It did not run, or not to its end.
    #[error("the client did not run")]
    NotRun {
        /// Why.
        #[source]
        source: anyhow::Error,
    },
}

impl SqlError {
    /// Whether the server refused the password, and nothing else went wrong.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether TLS failed: the certificate, its name or its issuer.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        // What MariaDB's client and MySQL's say.
        let words = ["TLS/SSL error", "SSL connection error"];
        let text = self.to_string();
        words.iter().any(|words| text.contains(words))
    }
}

/// Where and how to connect.
pub(super) struct Session<'a> {
    pub(super) binaries: &'a Binaries,
    pub(super) trusted: &'a Path,
    pub(super) home: &'a Path,
    pub(super) port: u16,
}

impl Session<'_> {
    pub(super) async fn run(
        self,
        user: &str,
        password: &str,
        sql: &str,
    ) -> Result<String, SqlError> {
        let (program, verify) = match self.binaries.kind {
            Kind::Mariadb => ("bin/mariadb", "--ssl-verify-server-cert"),
            Kind::Mysql => ("bin/mysql", "--ssl-mode=VERIFY_IDENTITY"),
        };
        let output = self
            .binaries
            .launch(program)
            .args(["--no-defaults", "--batch", "--skip-column-names", "--raw"])
            .args(["--protocol=TCP", "--host=127.0.0.1", "--default-character-set=utf8mb4", verify])
            .args([format!("--port={}", self.port), format!("--user={user}")])
            .args([format!("--ssl-ca={}", self.trusted.display()), format!("--execute={sql}")])
            .env("MYSQL_PWD", password)
            .env("HOME", self.home)
            .env("LC_ALL", "C.UTF-8")
            .finish(LIMIT)
            .await
            .map_err(|source| SqlError::NotRun { source })?;
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            return Ok(text.trim_end_matches('\n').to_owned());
        }
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(if message.contains("ERROR 1045") {
            SqlError::Refused { message }
        } else {
            SqlError::Failed { message }
        })
    }
}
