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
    /// `None`: without TLS.
    pub(super) trusted: Option<&'a Path>,
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
        let program = match self.binaries.kind {
            Kind::Mariadb => "bin/mariadb",
            Kind::Mysql => "bin/mysql",
        };
        let tls = match (self.trusted, self.binaries.kind) {
            (Some(trusted), kind) => {
                let verify = match kind {
                    Kind::Mariadb => "--ssl-verify-server-cert",
                    Kind::Mysql => "--ssl-mode=VERIFY_IDENTITY",
                };
                vec![verify.to_owned(), format!("--ssl-ca={}", trusted.display())]
            }
            (None, Kind::Mariadb) => vec!["--skip-ssl".to_owned()],
            // It is our own server's key that it takes here.
            (None, Kind::Mysql) => {
                ["--ssl-mode=DISABLED", "--get-server-public-key"].map(str::to_owned).to_vec()
            }
        };
        let output = self
            .binaries
            .launch(program)
            .args(["--no-defaults", "--batch", "--skip-column-names", "--raw"])
            .args(["--protocol=TCP", "--host=127.0.0.1", "--default-character-set=utf8mb4"])
            .args(tls)
            .args([format!("--port={}", self.port), format!("--user={user}")])
            .args([format!("--execute={sql}")])
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
