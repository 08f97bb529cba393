//! A name and a password, and what PostgreSQL says to them.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::Database;

/// What an application holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl Login {
    /// This account and password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into() }
    }

    /// The credential in a secret's value.
    ///
    /// # Errors
    /// If it has none.
    pub fn of(secret: &Value) -> Result<Self> {
        let text = |key: &str| {
            let text = secret.get(key).and_then(Value::as_str);
            text.with_context(|| format!("the secret has no `{key}`"))
        };
        Ok(Self::new(text("username")?, text("password")?))
    }

    /// A secret with this credential in AWS's structure, for the server at `port`.
    #[must_use]
    pub fn secret(&self, port: u16) -> Value {
        json!({
            "engine": "postgres",
            "host": "localhost",
            "port": port,
            "username": self.username,
            "password": self.password,
            "dbname": "postgres",
        })
    }

    /// Whether `psql` signs in with it. Only a refused password is a no.
    ///
    /// # Errors
    /// If anything else went wrong.
    pub async fn signs_in(&self, database: &Database) -> Result<bool> {
        let answer = self.answer(database, "SELECT session_user").await;
        match answer {
            Ok(user) => {
                anyhow::ensure!(user == self.username, "psql is `{user}`, not `{}`", self.username);
                Ok(true)
            }
            Err(error) if error.is_refused() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What `psql` answers to `sql` as this account.
    ///
    /// # Errors
    /// If the statement fails, or signing in does.
    pub async fn psql(&self, database: &Database, sql: &str) -> Result<String> {
        let answer = self.answer(database, sql).await;
        answer.with_context(|| format!("running `{sql}` as `{}`", self.username))
    }

    async fn answer(
        &self,
        database: &Database,
        sql: &str,
    ) -> Result<String, windlass_harness::PsqlError> {
        database.postgres().psql(&self.username, &self.password, "postgres", sql).await
    }

    /// A name as SQL writes it.
    #[must_use]
    pub fn identifier(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// A text as SQL writes it.
    #[must_use]
    pub fn literal(text: &str) -> String {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }
}
