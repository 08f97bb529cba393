//! What a test of every engine has to know of one: an [`EngineSpec`] and its [`RealServer`].
//!
//! Nothing here is shaped like SQL: an engine whose accounts are made by another protocol, or whose
//! server is reached by another client, says the same. Adding one is described in CONTRIBUTING.md.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Map, Value, json};
use windlass_harness::{Ca, Opening};

use crate::Login;
use crate::cost::Cost;
use crate::hostile;

/// What an engine does, while it does it.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// How a connection came about, by the server's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connected {
    /// Over TLS.
    Encrypted,
    /// Without TLS.
    InClear,
}

/// Whether a server offers TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It offers it, and asks for it where the engine's own rules can.
    On,
    /// It has none at all.
    Off,
}

/// How much of an engine is enumerated: every point where a rotation can break off, or each message of
/// the database alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every point, in every pass: one engine stands for what the host does for all.
    Full,
    /// Every message to and from the database.
    Messages,
}

/// An account that is to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// Its name and password.
    pub login: Login,
    /// Whether it has rights on something of its own, or hardly any and is made quickly.
    pub has_rights: bool,
    /// The other half of its pair, as a turn of alternating users would have left it.
    pub clone: Option<Login>,
}

impl NewAccount {
    /// An account with rights on something of its own.
    #[must_use]
    pub fn with_rights(login: &Login) -> Self {
        Self { login: login.clone(), has_rights: true, clone: None }
    }

    /// An account that may sign in, and hardly more.
    #[must_use]
    pub fn bare(login: &Login) -> Self {
        Self { login: login.clone(), has_rights: false, clone: None }
    }

    /// The same, with a clone.
    #[must_use]
    pub fn cloned_as(mut self, clone: &Login) -> Self {
        self.clone = Some(clone.clone());
        self
    }
}

/// One engine, as every test of all engines reads it.
pub struct EngineSpec {
    /// Its name here, which tells versions apart; the module of its tests.
    pub key: &'static str,
    /// Its name in a secret.
    pub name: &'static str,
    /// Its name for people, and what stands for it where it can't be had.
    pub title: &'static str,
    /// The folder of its plugin.
    pub plugin: &'static str,
    /// Why there can be no server of it on this machine, if there can't.
    pub missing: fn() -> Option<String>,
    /// Starts a server whose certificate this authority signs.
    pub start: for<'a> fn(&'a Ca, Tls) -> Task<'a, Arc<dyn RealServer>>,
    /// How a connection to it begins.
    pub opening: Opening,
    /// How many bytes a client has sent when it learns that there is no TLS.
    pub bytes_before_tls: u64,
    /// What a secret has as `dbname`.
    pub database: Option<&'static str>,
    /// Account names that this engine takes beside those that all take: the longest, say.
    pub names: &'static [&'static str],
    /// Whether an account can have two passwords.
    pub dual_passwords: bool,
    /// Whether one session at a time may make a clone: whoever has clones made holds a lock then.
    pub clones_one_by_one: bool,
    /// How much is enumerated.
    pub depth: Depth,
    /// Servers that play false, in the place of this engine's.
    pub hostile: fn() -> Vec<hostile::Case>,
    /// What a rotation costs at least, for the bench.
    pub cost: &'static Cost,
}

impl EngineSpec {
    /// A secret with this credential in AWS's structure, for a server or a proxy at this port.
    #[must_use]
    pub fn secret(&self, login: &Login, port: u16) -> Value {
        let mut value = json!({
            "engine": self.name,
            "host": "localhost",
            "port": port,
            "username": login.username,
            "password": login.password,
        });
        if let (Some(database), Some(members)) = (self.database, value.as_object_mut()) {
            members.insert("dbname".to_owned(), Value::from(database));
        }
        value
    }
}

/// A running server, and a witness that is not our own client. The last one to hold it ends it.
pub trait RealServer: Send + Sync {
    /// Its address on this machine.
    fn address(&self) -> SocketAddr;

    /// The administrator's credential.
    fn superuser(&self) -> Login;

    /// Makes accounts, all of them or none.
    fn create<'a>(&'a self, accounts: &'a [NewAccount]) -> Task<'a, ()>;

    /// Signs in with the engine's own client. The account that the server took it for; `None` where
    /// it refused the password, and only then.
    fn sign_in<'a>(&'a self, login: &'a Login) -> Task<'a, Option<String>>;

    /// Runs a text of the engine's own language, as this account, in the engine's own client.
    fn run<'a>(&'a self, login: &'a Login, text: &'a str) -> Task<'a, String>;

    /// Sets the password of an account.
    fn set_password<'a>(&'a self, login: &'a Login) -> Task<'a, ()>;

    /// What an account may do, one right to an item, without its name.
    fn rights<'a>(&'a self, name: &'a str) -> Task<'a, Vec<String>>;

    /// Gives an account that was made with rights one more, and takes one from it.
    fn change_rights<'a>(&'a self, name: &'a str) -> Task<'a, ()>;

    /// How many accounts of this name there are.
    fn count<'a>(&'a self, name: &'a str) -> Task<'a, usize>;

    /// Lets an account sign in without TLS, where that is not a matter of course.
    fn let_in_without_tls<'a>(&'a self, _name: &'a str) -> Task<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Adds to a secret what a sign-in without TLS needs, beside `ssl`.
    fn without_tls<'a>(&'a self, _secret: &'a mut Map<String, Value>) -> Task<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Lets accounts keep their own old password beside a new one. Called only where the engine has
    /// [`dual_passwords`](EngineSpec::dual_passwords).
    fn let_keep<'a>(&'a self, _names: &'a [String]) -> Task<'a, ()> {
        Box::pin(async { anyhow::bail!("this engine's accounts have one password at a time") })
    }

    /// How many bytes it has logged so far.
    fn log_length(&self) -> Result<u64>;

    /// What it has logged from this byte on, and where that ends.
    fn log_from(&self, start: u64) -> Result<(String, u64)>;

    /// Every statement that tests ran on it themselves.
    fn own_statements(&self) -> Vec<String>;

    /// Whose password was refused, if this line of the log says that.
    fn refused<'l>(&self, line: &'l str) -> Option<&'l str>;

    /// How this user connected, if this line of the log says that.
    fn connected(&self, line: &str, user: &str) -> Option<Connected>;

    /// How many connections this log has, refused ones included.
    fn connections(&self, log: &str) -> usize;

    /// How many statements in this log set the password of this user.
    fn password_changes(&self, log: &str, user: &str) -> usize;
}

/// How often each user was refused, by these lines of the log.
pub(super) fn refusals(server: &dyn RealServer, log: &str) -> HashMap<String, usize> {
    let mut refusals = HashMap::new();
    for user in log.lines().filter_map(|line| server.refused(line)) {
        *refusals.entry(user.to_owned()).or_default() += 1;
    }
    refusals
}
