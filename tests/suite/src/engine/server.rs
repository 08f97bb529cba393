//! A running server of some engine, and what tests ask of it: accounts, their rights, who signs in, and
//! what its log has of them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use windlass_harness::{Ca, Opening};

use super::Engine;
use super::spec::{Connected, NewAccount, RealServer, refusals};
use crate::{Database, Login, leaks};

/// How much of a statement is shown when it fails.
const SHOWN: usize = 300;

/// Whoever can tell whether a credential signs in, and is not our own client.
pub trait Witness {
    /// Whether it signs in. Only a refused password is a no.
    fn admits(&self, login: &Login) -> impl Future<Output = Result<bool>> + Send;
}

/// A running server. The last one to hold it ends it.
#[derive(Clone)]
pub struct Server {
    engine: Engine,
    running: Arc<dyn RealServer>,
    ca: &'static Ca,
    clones: Arc<Mutex<()>>,
}

impl Server {
    pub(crate) fn new(engine: Engine, running: Arc<dyn RealServer>, ca: &'static Ca) -> Self {
        leaks::note_account(&running.superuser().password);
        Self { engine, running, ca, clones: Arc::default() }
    }

    /// Its engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The authority that signed its certificate.
    #[must_use]
    pub fn ca(&self) -> &'static Ca {
        self.ca
    }

    /// Its address on this machine.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// How a connection to it begins.
    #[must_use]
    pub fn opening(&self) -> Opening {
        self.engine.opening
    }

    /// The administrator's credential.
    #[must_use]
    pub fn superuser(&self) -> Login {
        self.running.superuser()
    }

    /// A secret with this credential in AWS's structure, for this server.
    #[must_use]
    pub fn secret(&self, login: &Login) -> Value {
        self.secret_at(login, self.port())
    }

    /// The same, for a proxy before this server.
    #[must_use]
    pub fn secret_at(&self, login: &Login, port: u16) -> Value {
        self.engine.secret(login, port)
    }

    /// Says in a secret that there is to be no TLS, and what the engine then needs.
    ///
    /// # Errors
    /// If the server does not tell.
    pub async fn without_tls(&self, mut secret: Value) -> Result<Value> {
        let members = secret.as_object_mut().context("a secret is an object")?;
        members.insert("ssl".to_owned(), Value::from(false));
        self.running.without_tls(members).await?;
        Ok(secret)
    }

    /// Makes an account that may sign in, with a few rights.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn account(&self, name: &str) -> Result<Login> {
        self.made(name, NewAccount::with_rights).await
    }

    /// Makes an account that may sign in, and hardly more.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn bare_account(&self, name: &str) -> Result<Login> {
        self.made(name, NewAccount::bare).await
    }

    async fn made(&self, name: &str, how: impl FnOnce(&Login) -> NewAccount) -> Result<Login> {
        let login = Login::made_up(name);
        leaks::note_account(&login.password);
        let made = self.running.create(&[how(&login)]).await;
        made.with_context(|| format!("making the account `{name}`"))?;
        Ok(login)
    }

    /// Lets an account sign in without TLS, where that is not a matter of course.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn let_in_without_tls(&self, name: &str) -> Result<()> {
        self.running.let_in_without_tls(name).await
    }

    /// To be held by whoever makes clones, or has them made: some servers let one session at a time do
    /// so, and tell the others to try again, which is not what most tests are about.
    pub async fn making_clones(&self) -> Option<OwnedMutexGuard<()>> {
        if self.engine.clones_one_by_one {
            Some(Arc::clone(&self.clones).lock_owned().await)
        } else {
            None
        }
    }

    /// Makes many accounts with hardly any rights at once, each with the clone that it would have
    /// after its turns, if it has one.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn accounts(&self, pairs: &[(Login, Option<Login>)]) -> Result<()> {
        let has_clones = pairs.iter().any(|(_, clone)| clone.is_some());
        let _alone = if has_clones { self.making_clones().await } else { None };
        let accounts: Vec<_> = pairs
            .iter()
            .map(|(base, clone)| {
                let account = NewAccount::bare(base);
                clone.iter().fold(account, NewAccount::cloned_as)
            })
            .collect();
        self.running.create(&accounts).await
    }

    /// Grants an account something, and takes something from it.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn change_rights(&self, name: &str) -> Result<()> {
        self.running.change_rights(name).await
    }

    /// Sets the password of an account to this login's, as an administrator or a restored backup
    /// does.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn set_password(&self, login: &Login) -> Result<()> {
        leaks::note_account(&login.password);
        self.running.set_password(login).await
    }

    /// What an account may do, in the server's words, without its name.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn rights(&self, name: &str) -> Result<Vec<String>> {
        let mut rights = self.running.rights(name).await?;
        rights.sort();
        Ok(rights)
    }

    /// How many accounts of this name there are.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn count(&self, name: &str) -> Result<usize> {
        self.running.count(name).await
    }

    /// Lets accounts keep their own old password beside a new one.
    ///
    /// # Errors
    /// If the engine has no such thing, or the server refuses.
    pub async fn let_keep(&self, names: &[String]) -> Result<()> {
        self.running.let_keep(names).await
    }

    /// Runs statements as the administrator.
    ///
    /// # Errors
    /// If one fails.
    pub async fn admin(&self, sql: &str) -> Result<String> {
        self.run(&self.superuser(), sql).await
    }

    /// What the server's own client answers to `sql` as this account.
    ///
    /// # Errors
    /// If the statement fails, or signing in does.
    pub async fn run(&self, login: &Login, sql: &str) -> Result<String> {
        let answer = self.running.run(login, sql).await;
        let shown: String = sql.chars().take(SHOWN).collect();
        answer.with_context(|| format!("running `{shown}` as `{}`", login.username))
    }

    /// How often the server refused a password of `user`, by its log.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn refused_sign_ins(&self, user: &str) -> Result<usize> {
        let (refusals, _) = self.refusals_from(0)?;
        Ok(refusals.get(user).copied().unwrap_or_default())
    }

    /// How often each user was refused, from this byte of the log on, and where the log ends.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn refusals_from(&self, start: u64) -> Result<(HashMap<String, usize>, u64)> {
        let (log, end) = self.log_from(start)?;
        Ok((refusals(&*self.running, &log), end))
    }

    /// How the connections of `user` were made, refused ones included, by the log.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn connections(&self, user: &str) -> Result<Vec<Connected>> {
        let (log, _) = self.log_from(0)?;
        Ok(log.lines().filter_map(|line| self.running.connected(line, user)).collect())
    }

    /// How often the password of an account was set, by the log of statements; our own included.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn password_changes(&self, user: &str) -> Result<usize> {
        Ok(self.running.password_changes(&self.log_from(0)?.0, user))
    }

    /// Whether the server's log has `text` anywhere.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn logged(&self, text: &str) -> Result<bool> {
        Ok(self.log_from(0)?.0.contains(text))
    }

    /// How many bytes the server has logged so far.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log_length(&self) -> Result<u64> {
        self.running.log_length()
    }

    /// What the server has logged from this byte on, and where that ends.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log_from(&self, start: u64) -> Result<(String, u64)> {
        self.running.log_from(start)
    }

    /// Every statement that tests ran on it themselves.
    #[must_use]
    pub fn own_statements(&self) -> Vec<String> {
        self.running.own_statements()
    }
}

impl Witness for Server {
    async fn admits(&self, login: &Login) -> Result<bool> {
        let Some(user) = self.running.sign_in(login).await? else { return Ok(false) };
        ensure!(user == login.username, "the session is `{user}`'s, not `{}`'s", login.username);
        Ok(true)
    }
}

impl Witness for Database {
    async fn admits(&self, login: &Login) -> Result<bool> {
        self.server().admits(login).await
    }
}
