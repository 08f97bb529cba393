//! PostgreSQL, and the PostgreSQL that stands for Redshift.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use windlass_harness::{Ca, Opening, Postgres, PostgresOptions, everything};

use super::spec::{Connected, Depth, EngineSpec, NewAccount, RealServer, Task, Tls};
use crate::cost::{self, Errand};
use crate::{Login, hostile};

/// What all versions have in common.
const ANY: EngineSpec = EngineSpec {
    key: "postgres",
    name: "postgres",
    title: "PostgreSQL",
    plugin: "postgres",
    missing: || None,
    start: |ca, tls| Box::pin(async move { started(ca, tls, Pairs::Members, None).await }),
    opening: Opening::Postgres,
    bytes_before_tls: REQUEST_FOR_TLS,
    database: Some("postgres"),
    names: LONG_NAMES,
    dual_passwords: false,
    clones_one_by_one: false,
    depth: Depth::Full,
    hostile: hostile::postgres::cases,
    cost: &cost::Cost {
        sign_in: |_| 5,
        errands: cost::usual_errands,
        beyond: |errand| match errand {
            Errand::OwnChange => {
                "the settings and what the role is, before the transaction that changes it"
            }
            _ => "the transaction, whose every statement depends on the one before",
        },
    },
};

/// The PostgreSQL that is installed.
pub static POSTGRES: EngineSpec = ANY;

/// A major version beside it.
macro_rules! version {
    ($spec:ident, $major:literal) => {
        #[doc = concat!("PostgreSQL ", $major, ".")]
        pub static $spec: EngineSpec = EngineSpec {
            key: concat!("postgres", $major),
            title: concat!("PostgreSQL ", $major),
            missing: || missing($major),
            start: |ca, tls| {
                Box::pin(async move { started(ca, tls, Pairs::Members, Some($major)).await })
            },
            depth: Depth::Messages,
            ..ANY
        };
    };
}

version!(POSTGRES_13, 13);
version!(POSTGRES_14, 14);
version!(POSTGRES_16, 16);
version!(POSTGRES_17, 17);
version!(POSTGRES_18, 18);

/// The newest is always tested: what changes between versions changes there.
const NEWEST: u32 = 18;

fn missing(major: u32) -> Option<String> {
    if major != NEWEST && !everything() {
        return Some("only with `cargo xtask test --all`".to_owned());
    }
    Postgres::missing(major)
}

/// The request for TLS: a length and a code.
pub(super) const REQUEST_FOR_TLS: u64 = 8;

pub(super) const LONG_NAMES: &[&str] =
    &["😀", "sixty_three_bytes_sixty_three_bytes_sixty_three_bytes_sixty_thr"];

/// How the two accounts of a pair share rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    /// PostgreSQL's: the clone is a member of the base, and acts as it.
    Members,
    /// Redshift's: each half has rights of its own, and a group says which is a clone.
    OwnRights,
}

/// A running PostgreSQL.
pub(crate) struct Postgresql {
    server: Arc<Postgres>,
    pairs: Pairs,
}

/// Starts a server and makes what accounts will have rights on.
pub(super) async fn started(
    ca: &Ca,
    tls: Tls,
    pairs: Pairs,
    version: Option<u32>,
) -> Result<Arc<dyn RealServer>> {
    let method = match pairs {
        Pairs::Members => "scram-sha-256",
        Pairs::OwnRights => "md5",
    };
    let rules = match tls {
        Tls::On => [("hostssl", "all"), ("hostnossl", "+plain_signers")],
        Tls::Off => [("host", "all"), ("host", "all")],
    };
    let rule = |(how, who)| format!("{how} all {who} 127.0.0.1/32 {method}");
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = PostgresOptions {
        version,
        first_rules: rules.map(rule).to_vec(),
        settings: vec![
            setting("ssl", if tls == Tls::On { "on" } else { "off" }),
            setting("password_encryption", method),
        ],
        ..PostgresOptions::default()
    };
    let server = Postgres::start(ca, options).await?;
    let server = Arc::new(server);
    if tls == Tls::Off {
        // `psql` has to have TLS: nobody signs in here but whom a test expects to be stopped.
        return Ok(Arc::new(Postgresql { server, pairs }));
    }
    server.admin("CREATE ROLE plain_signers").await?;
    if pairs == Pairs::OwnRights {
        // Stored anew, in the form that the server is set to; it was made with another.
        let password = Login::literal(server.admin_password());
        server.admin(&format!("ALTER ROLE {} PASSWORD {password}", Postgres::ADMIN)).await?;
    }
    Ok(Arc::new(Postgresql::prepared(server, pairs).await?))
}

impl Postgresql {
    /// The server of which tests of PostgreSQL's own ask more.
    pub(crate) async fn shared(server: Arc<Postgres>) -> Result<Arc<dyn RealServer>> {
        Ok(Arc::new(Self::prepared(server, Pairs::Members).await?))
    }

    async fn prepared(server: Arc<Postgres>, pairs: Pairs) -> Result<Self> {
        // The tables that accounts have rights on are named as the accounts.
        server.admin("CREATE SCHEMA rights; GRANT USAGE ON SCHEMA rights TO PUBLIC").await?;
        if pairs == Pairs::OwnRights {
            // As the plugin makes it with the first clone.
            server.admin("CREATE GROUP windlass_clones").await?;
        }
        Ok(Self { server, pairs })
    }

    async fn admin(&self, sql: &str) -> Result<String> {
        Ok(self.server.admin(sql).await?)
    }

    fn creation(&self, account: &NewAccount) -> String {
        let name = Login::identifier(&account.login.username);
        let mut sql = role(&account.login);
        // Redshift's clones copy rights: none is on a table of everybody's, where two sessions can't
        // grant at once.
        if account.has_rights || self.pairs == Pairs::OwnRights {
            sql += &format!(
                "CREATE TABLE rights.{name} (id int); GRANT SELECT, INSERT ON rights.{name} TO {name}; "
            );
        }
        if let Some(clone) = &account.clone {
            sql += &self.clone_of(&name, clone);
        }
        sql
    }

    /// With the mark that says whose clone it is.
    fn clone_of(&self, of: &str, clone: &Login) -> String {
        let name = Login::identifier(&clone.username);
        let shared = match self.pairs {
            Pairs::Members => {
                let mark = Login::literal(&format!("windlass: the clone of {of}"));
                format!(
                    "GRANT {of} TO {name}; ALTER ROLE {name} SET role = {of}; \
                     COMMENT ON ROLE {name} IS {mark}; "
                )
            }
            Pairs::OwnRights => format!(
                "GRANT SELECT, INSERT ON rights.{of} TO {name}; \
                 ALTER GROUP windlass_clones ADD USER {name}; "
            ),
        };
        role(clone) + &shared
    }
}

fn role(login: &Login) -> String {
    let (name, password) = (Login::identifier(&login.username), Login::literal(&login.password));
    format!("CREATE ROLE {name} LOGIN PASSWORD {password}; ")
}

impl RealServer for Postgresql {
    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn superuser(&self) -> Login {
        Login::new(Postgres::ADMIN, self.server.admin_password())
    }

    fn create<'a>(&'a self, accounts: &'a [NewAccount]) -> Task<'a, ()> {
        let sql: String = accounts.iter().map(|account| self.creation(account)).collect();
        Box::pin(async move { self.admin(&sql).await.map(drop) })
    }

    fn sign_in<'a>(&'a self, login: &'a Login) -> Task<'a, Option<String>> {
        let Login { username, password } = login;
        Box::pin(async move {
            match self.server.psql(username, password, "postgres", "SELECT session_user").await {
                Ok(user) => Ok(Some(user)),
                Err(error) if error.is_refused() => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn run<'a>(&'a self, login: &'a Login, text: &'a str) -> Task<'a, String> {
        let Login { username, password } = login;
        Box::pin(async move { Ok(self.server.psql(username, password, "postgres", text).await?) })
    }

    fn set_password<'a>(&'a self, login: &'a Login) -> Task<'a, ()> {
        let (name, password) =
            (Login::identifier(&login.username), Login::literal(&login.password));
        let sql = format!("ALTER ROLE {name} PASSWORD {password}");
        Box::pin(async move { self.admin(&sql).await.map(drop) })
    }

    fn rights<'a>(&'a self, name: &'a str) -> Task<'a, Vec<String>> {
        let name = Login::literal(name);
        // Tables have the base's name, whoever of the pair may use them.
        let sql = format!(
            "SELECT relname || ' ' || privilege FROM pg_class, \
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege \
             WHERE relnamespace = 'rights'::regnamespace AND relkind = 'r' \
             AND has_table_privilege({name}, pg_class.oid, privilege) \
             UNION ALL SELECT 'limit ' || rolconnlimit || ', until ' || \
             coalesce(rolvaliduntil::text, 'ever') FROM pg_roles WHERE rolname = {name}"
        );
        Box::pin(async move { Ok(self.admin(&sql).await?.lines().map(str::to_owned).collect()) })
    }

    fn change_rights<'a>(&'a self, name: &'a str) -> Task<'a, ()> {
        let name = Login::identifier(name);
        let sql = format!(
            "GRANT DELETE ON rights.{name} TO {name}; REVOKE INSERT ON rights.{name} FROM {name}"
        );
        Box::pin(async move { self.admin(&sql).await.map(drop) })
    }

    fn count<'a>(&'a self, name: &'a str) -> Task<'a, usize> {
        let name = Login::literal(name);
        let sql = format!("SELECT count(*) FROM pg_roles WHERE rolname = {name}");
        Box::pin(async move { self.admin(&sql).await?.trim().parse().context("a number") })
    }

    fn let_in_without_tls<'a>(&'a self, name: &'a str) -> Task<'a, ()> {
        let sql = format!("GRANT plain_signers TO {}", Login::identifier(name));
        Box::pin(async move { self.admin(&sql).await.map(drop) })
    }

    fn log_length(&self) -> Result<u64> {
        self.server.log_length()
    }

    fn log_from(&self, start: u64) -> Result<(String, u64)> {
        let (log, end) = self.server.log_from(start)?;
        Ok((log.text().to_owned(), end))
    }

    fn own_statements(&self) -> Vec<String> {
        self.server.own_statements()
    }

    fn refused<'l>(&self, line: &'l str) -> Option<&'l str> {
        let (_, user) = line.split_once("password authentication failed for user \"")?;
        user.strip_suffix('"')
    }

    fn connected(&self, line: &str, user: &str) -> Option<Connected> {
        if !line.contains(&format!("connection authorized: user={user} ")) {
            return None;
        }
        let encrypted = line.contains("SSL enabled (protocol=TLSv1.3");
        Some(if encrypted { Connected::Encrypted } else { Connected::InClear })
    }

    fn connections(&self, log: &str) -> usize {
        log.lines().filter(|line| line.contains("connection received:")).count()
    }

    fn password_changes(&self, log: &str, user: &str) -> usize {
        let user = Login::identifier(user);
        let statements = ["ROLE", "USER"].map(|kind| format!("ALTER {kind} {user} PASSWORD "));
        log.lines().filter(|line| statements.iter().any(|it| line.contains(it))).count()
    }
}
