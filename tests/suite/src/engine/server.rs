//! A running server of some engine, and what tests ask of it: accounts, their rights, who signs in, and
//! what its log has of them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::{Mutex, OwnedMutexGuard};
use windlass_harness::{Ca, Mariadb, Opening, Postgres, SqlError};

use super::engine_sql::{Connected, EngineSql};
use super::{Engine, mysql, postgres, redshift};
use crate::{Database, Login, leaks};

/// How much of a statement is shown when it fails: accounts are made by fifties, in one.
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
    running: Running,
    ca: &'static Ca,
    clones: Arc<Mutex<()>>,
}

#[derive(Clone)]
pub(super) enum Running {
    Postgres(Arc<Postgres>),
    Mysql(Arc<Mariadb>),
}

impl Server {
    /// PostgreSQL, and what tests of every engine need in it.
    pub(crate) async fn from_postgres(postgres: Arc<Postgres>, ca: &'static Ca) -> Result<Self> {
        let server = Self::new(Engine::Postgres, Running::Postgres(postgres), ca);
        server.prepare().await?;
        Ok(server)
    }

    pub(super) fn new(engine: Engine, running: Running, ca: &'static Ca) -> Self {
        let server = Self { engine, running, ca, clones: Arc::default() };
        leaks::note_account(&server.superuser().password);
        server
    }

    /// Makes what accounts will have rights on.
    pub(super) async fn prepare(&self) -> Result<()> {
        self.admin(self.sql().prepare()).await.map(drop)
    }

    fn sql(&self) -> &'static dyn EngineSql {
        match self.engine {
            Engine::Postgres => &postgres::Postgresql,
            Engine::Redshift => &redshift::Redshift,
            Engine::Mariadb => &mysql::Mysql { mariadb: true },
            Engine::Mysql => &mysql::Mysql { mariadb: false },
        }
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
        match &self.running {
            Running::Postgres(server) => server.address(),
            Running::Mysql(server) => server.address(),
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// How a connection to it begins.
    #[must_use]
    pub fn opening(&self) -> Opening {
        match self.running {
            Running::Postgres(_) => Opening::Postgres,
            Running::Mysql(_) => Opening::Mysql,
        }
    }

    /// How many bytes a client has sent when it learns that there is no TLS.
    #[must_use]
    pub fn bytes_before_tls(&self) -> u64 {
        match self.running {
            // The request: a length and a code.
            Running::Postgres(_) => 8,
            // The server's greeting says it.
            Running::Mysql(_) => 0,
        }
    }

    /// The administrator's credential.
    #[must_use]
    pub fn superuser(&self) -> Login {
        match &self.running {
            Running::Postgres(server) => Login::new(Postgres::ADMIN, server.admin_password()),
            Running::Mysql(server) => Login::new(Mariadb::ADMIN, server.admin_password()),
        }
    }

    /// A secret with this credential in AWS's structure, for this server.
    #[must_use]
    pub fn secret(&self, login: &Login) -> Value {
        self.secret_at(login, self.port())
    }

    /// The same, for a proxy before this server.
    #[must_use]
    pub fn secret_at(&self, login: &Login, port: u16) -> Value {
        let mut value = json!({
            "engine": self.engine.name(),
            "host": "localhost",
            "port": port,
            "username": login.username,
            "password": login.password,
        });
        if let (Some(database), Some(members)) = (self.sql().database(), value.as_object_mut()) {
            members.insert("dbname".to_owned(), Value::from(database));
        }
        value
    }

    /// Says in a secret that there is to be no TLS, and what the engine then needs.
    ///
    /// # Errors
    /// If the server does not tell.
    pub async fn without_tls(&self, mut secret: Value) -> Result<Value> {
        let members = secret.as_object_mut().context("a secret is an object")?;
        members.insert("ssl".to_owned(), Value::from(false));
        if self.engine == Engine::Mysql {
            let key = self.admin("SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'").await?;
            let (_, key) = key.split_once('\t').context("the server answered no key")?;
            members.insert("serverRsaPem".to_owned(), Value::from(key));
        }
        Ok(secret)
    }

    /// Makes an account that may sign in, with a few rights.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn account(&self, name: &str) -> Result<Login> {
        self.made(name, |login| self.sql().account(login)).await
    }

    /// Makes an account that may sign in, and hardly more.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn bare_account(&self, name: &str) -> Result<Login> {
        self.made(name, |login| self.sql().bare(login)).await
    }

    async fn made(&self, name: &str, sql: impl FnOnce(&Login) -> String) -> Result<Login> {
        let login = Login::made_up(name);
        leaks::note_account(&login.password);
        let made = self.admin(&sql(&login)).await;
        made.with_context(|| format!("making the account `{name}`"))?;
        Ok(login)
    }

    /// Lets an account sign in without TLS, where that is not a matter of course.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn let_in_without_tls(&self, name: &str) -> Result<()> {
        match self.sql().let_in_without_tls(name) {
            Some(sql) => self.admin(&sql).await.map(drop),
            None => Ok(()),
        }
    }

    /// To be held by whoever makes clones, or has them made. PostgreSQL in the place of Redshift lets
    /// one session at a time add somebody to the group that all clones are members of, and tells the
    /// others to try again, which is not what most tests are about.
    pub async fn making_clones(&self) -> Option<OwnedMutexGuard<()>> {
        if self.engine == Engine::Redshift {
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
        let mut sql = String::new();
        for (base, clone) in pairs {
            sql += &self.sql().bare(base);
            if let Some(clone) = clone {
                sql += &self.sql().clone_of(base, clone);
            }
        }
        self.admin(&sql).await.map(drop)
    }

    /// Grants an account something, and takes something from it.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn change_rights(&self, name: &str) -> Result<()> {
        self.admin(&self.sql().change_rights(name)).await.map(drop)
    }

    /// Sets the password of an account to this login's, as an administrator or a restored backup
    /// does.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn set_password(&self, login: &Login) -> Result<()> {
        leaks::note_account(&login.password);
        self.admin(&self.sql().set_password(login)).await.map(drop)
    }

    /// What an account may do, in the server's words, without its name.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn rights(&self, name: &str) -> Result<Vec<String>> {
        let answer = self.admin(&self.sql().show_rights(name)).await?;
        let mut rights: Vec<_> =
            answer.lines().map(|line| self.sql().nameless(line, name)).collect();
        rights.sort();
        Ok(rights)
    }

    /// How many accounts of this name there are.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn count(&self, name: &str) -> Result<usize> {
        let answer = self.admin(&self.sql().count(name)).await?;
        answer.trim().parse().with_context(|| format!("the server answered `{answer}`"))
    }

    /// The statement that lets an account keep its own old password beside a new one; `None` where an
    /// account has one password at a time.
    #[must_use]
    pub fn lets_keep(&self, name: &str) -> Option<String> {
        match self.engine {
            Engine::Mysql => {
                Some(format!("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO '{name}'@'%'"))
            }
            _ => None,
        }
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
        let Login { username, password } = login;
        let answer = match &self.running {
            Running::Postgres(server) => {
                server.psql(username, password, "postgres", sql).await.map_err(Into::into)
            }
            Running::Mysql(server) => {
                server.sql(username, password, sql).await.map_err(anyhow::Error::from)
            }
        };
        let shown: String = sql.chars().take(SHOWN).collect();
        answer.with_context(|| format!("running `{shown}` as `{username}`"))
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
        let mut refusals = HashMap::new();
        for user in log.lines().filter_map(|line| self.sql().refused(line)) {
            *refusals.entry(user.to_owned()).or_default() += 1;
        }
        Ok((refusals, end))
    }

    /// How the connections of `user` were made, refused ones included, by the log.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn connections(&self, user: &str) -> Result<Vec<Connected>> {
        let (log, _) = self.log_from(0)?;
        Ok(log.lines().filter_map(|line| self.sql().connected(line, user)).collect())
    }

    /// How often the password of an account was set, by the log of statements; our own included.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn password_changes(&self, user: &str) -> Result<usize> {
        Ok(self.sql().password_changes(&self.log_from(0)?.0, user))
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
        match &self.running {
            Running::Postgres(server) => server.log_length(),
            Running::Mysql(server) => server.log_length(),
        }
    }

    /// What the server has logged from this byte on, and where that ends.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log_from(&self, start: u64) -> Result<(String, u64)> {
        match &self.running {
            Running::Postgres(server) => {
                let (log, end) = server.log_from(start)?;
                Ok((log.text().to_owned(), end))
            }
            Running::Mysql(server) => server.log_from(start),
        }
    }

    /// Every statement that tests ran on it themselves.
    #[must_use]
    pub fn own_statements(&self) -> Vec<String> {
        match &self.running {
            Running::Postgres(server) => server.own_statements(),
            Running::Mysql(server) => server.own_statements(),
        }
    }

    async fn who(&self, login: &Login) -> Result<Option<String>> {
        let Login { username, password } = login;
        match &self.running {
            Running::Postgres(server) => {
                match server.psql(username, password, "postgres", "SELECT session_user").await {
                    Ok(user) => Ok(Some(user)),
                    Err(error) if error.is_refused() => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Running::Mysql(server) => {
                let named = "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1), CURRENT_USER()";
                match server.sql(username, password, named).await {
                    Ok(answer) => {
                        let (host, user) = answer.split_once('\t').context("two columns")?;
                        Ok(user
                            .strip_suffix(host)
                            .and_then(|user| user.strip_suffix('@'))
                            .map(str::to_owned))
                    }
                    Err(SqlError::Refused { .. }) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }
}

impl Witness for Server {
    async fn admits(&self, login: &Login) -> Result<bool> {
        let Some(user) = self.who(login).await? else { return Ok(false) };
        ensure!(user == login.username, "the session is `{user}`'s, not `{}`'s", login.username);
        Ok(true)
    }
}

impl Witness for Database {
    async fn admits(&self, login: &Login) -> Result<bool> {
        self.server().admits(login).await
    }
}
