//! A name and a password, and what servers say to them.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{Database, Witness};

/// What an application holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub username: String,
    /// Its password.
    pub password: String,
}

/// A password for whatever is named so. It holds no word: parts of passwords are masked in every
/// message, and searched for in every log.
#[must_use]
pub fn made_up_password(name: &str) -> String {
    // No vowels, and a digit after every letter.
    const LETTERS: &[u8; 32] = b"BCDFGHJKLMNPQRSTbcdfghjkmnpqrstv";
    const DIGITS: &[u8; 8] = b"23456789";
    // FNV-1a, mixed as splitmix64 does: names that differ in a letter share no part of a password.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let hash = hash ^ (hash >> 31);
    let pairs = hash.to_le_bytes().into_iter().flat_map(|byte| {
        let (letter, digit) = (usize::from(byte & 31), usize::from(byte >> 5));
        [LETTERS.get(letter), DIGITS.get(digit)].into_iter().flatten().copied().map(char::from)
    });
    pairs.collect()
}

impl Login {
    /// This account and password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into() }
    }

    /// An account with a password that nobody else has: the same for the same name.
    pub fn made_up(username: impl Into<String>) -> Self {
        let username = username.into();
        let password = made_up_password(&username);
        Self { username, password }
    }

    /// The credential in a secret's value.
    ///
    /// # Errors
    /// If it has none.
    pub fn from_secret(secret: &Value) -> Result<Self> {
        let text = |key: &str| {
            let text = secret.get(key).and_then(Value::as_str);
            text.with_context(|| format!("the secret has no `{key}`"))
        };
        Ok(Self::new(text("username")?, text("password")?))
    }

    /// A secret with this credential in AWS's structure, for the PostgreSQL at `port`.
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

    /// Whether the server's own client signs in with it. Only a refused password is a no.
    ///
    /// # Errors
    /// If anything else went wrong.
    pub async fn signs_in(&self, witness: &impl Witness) -> Result<bool> {
        witness.admits(self).await
    }

    /// What `psql` answers to `sql` as this account.
    ///
    /// # Errors
    /// If the statement fails, or signing in does.
    pub async fn psql(&self, database: &Database, sql: &str) -> Result<String> {
        database.server().run(self, sql).await
    }

    /// A name as PostgreSQL writes it.
    #[must_use]
    pub fn identifier(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// A text as PostgreSQL writes it.
    #[must_use]
    pub fn literal(text: &str) -> String {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }
}
