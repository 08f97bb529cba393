//! MySQL and MariaDB. Accounts are at every host.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use windlass_harness::{Ca, Mariadb, MariadbOptions, MysqlKind, Opening, SqlError, everything};

use super::spec::{Connected, Depth, EngineSpec, NewAccount, RealServer, Task, Tls};
use crate::cost::{self, Errand};
use crate::{Login, hostile};

/// What all versions of MariaDB have in common.
const ANY_MARIADB: EngineSpec = EngineSpec {
    key: "mariadb",
    name: "mariadb",
    title: "MariaDB",
    plugin: "mysql",
    missing: || Mariadb::missing(MysqlKind::Mariadb),
    start: |ca, tls| Box::pin(async move { started(ca, tls, MysqlKind::Mariadb, None).await }),
    opening: Opening::Mysql,
    // The server's greeting says it.
    bytes_before_tls: 0,
    database: None,
    names: &["eighty characters eighty characters eighty characters eighty characters eighty c"],
    dual_passwords: false,
    clones_one_by_one: false,
    depth: Depth::Messages,
    hostile: hostile::mysql::cases,
    cost: &cost::Cost {
        sign_in: |_| 3,
        errands: cost::usual_errands,
        beyond: |errand| match errand {
            Errand::OwnChange => {
                "the version, the session's settings, and whether a second method would go on to \
                 sign in with the old password"
            }
            _ => BY_ADMIN,
        },
    },
};

/// The MariaDB that is installed.
pub static MARIADB: EngineSpec = ANY_MARIADB;

/// MariaDB 11.8, which wants TLS by default and has other methods to sign in.
pub static MARIADB_11_8: EngineSpec = EngineSpec {
    key: "mariadb11",
    title: "MariaDB 11.8",
    missing: || {
        if !everything() {
            return Some("only with `cargo xtask test --all`".to_owned());
        }
        Mariadb::missing_version("11.8")
    },
    start: |ca, tls| {
        Box::pin(async move { started(ca, tls, MysqlKind::Mariadb, Some("11.8")).await })
    },
    ..ANY_MARIADB
};

/// Oracle's MySQL, caching_sha2_password.
pub static MYSQL: EngineSpec = EngineSpec {
    key: "mysql",
    name: "mysql",
    title: "MySQL",
    plugin: "mysql",
    missing: || Mariadb::missing(MysqlKind::Mysql),
    start: |ca, tls| Box::pin(async move { started(ca, tls, MysqlKind::Mysql, None).await }),
    opening: Opening::Mysql,
    bytes_before_tls: 0,
    database: None,
    names: &["thirty-two characters thirty-two"],
    dual_passwords: true,
    clones_one_by_one: false,
    depth: Depth::Messages,
    hostile: hostile::mysql::cases,
    cost: &cost::Cost {
        // The password itself, the first time after each change.
        sign_in: |errand| 3 + usize::from(errand == Errand::CheckNew),
        errands: cost::usual_errands,
        beyond: |errand| match errand {
            Errand::OwnChange => {
                "the version, the session's settings, and the end of a second password"
            }
            _ => BY_ADMIN,
        },
    },
};

const BY_ADMIN: &str = "the version, the session's settings, and the accounts and rights of both \
                        halves, each in a statement of its own";

/// A running server.
struct Mysql {
    server: Mariadb,
    kind: MysqlKind,
}

async fn started(
    ca: &Ca,
    tls: Tls,
    kind: MysqlKind,
    version: Option<&'static str>,
) -> Result<Arc<dyn RealServer>> {
    let options =
        MariadbOptions { kind, version, tls: tls == Tls::On, ..MariadbOptions::default() };
    let server = Mariadb::start(ca, options).await?;
    // The tables that accounts have rights on are named as the accounts.
    server.admin("CREATE DATABASE rights; CREATE TABLE rights.common (id INT)").await?;
    Ok(Arc::new(Mysql { server, kind }))
}

impl Mysql {
    async fn admin(&self, sql: &str) -> Result<String> {
        Ok(self.server.admin(sql).await?)
    }

    fn creation(&self, account: &NewAccount) -> String {
        let (name, password) = (at_every_host(&account.login.username), &account.login.password);
        let mut sql = format!(
            "CREATE USER {name} IDENTIFIED BY {}; GRANT SELECT ON rights.common TO {name}; ",
            literal(password)
        );
        if account.has_rights {
            let table = identifier(&account.login.username);
            sql += &format!(
                "CREATE TABLE rights.{table} (id INT); \
                 GRANT SELECT, INSERT ON rights.{table} TO {name}; "
            );
        }
        if let Some(clone) = &account.clone {
            sql += &self.clone_of(&account.login, clone);
        }
        sql
    }

    /// With the mark that says whose clone it is.
    fn clone_of(&self, base: &Login, clone: &Login) -> String {
        let (name, password) = (at_every_host(&clone.username), literal(&clone.password));
        let (mut mark_base, mut mark_clone) = (String::new(), String::new());
        let identified = match self.kind {
            MysqlKind::Mariadb => {
                let role = identifier(&format!("windlass:{}", base.username));
                mark_clone = format!("CREATE ROLE {role}; GRANT {role} TO {name}; ");
                format!("BY {password}")
            }
            MysqlKind::Mysql => {
                let of = json!({ "windlass_clone_of": base.username }).to_string();
                let clone = json!({ "windlass_clone": clone.username }).to_string();
                let base = at_every_host(&base.username);
                mark_base = format!("ALTER USER {base} ATTRIBUTE {}; ", literal(&clone));
                format!("BY {password} ATTRIBUTE {}", literal(&of))
            }
        };
        format!(
            "{mark_base}CREATE USER {name} IDENTIFIED {identified}; \
             GRANT SELECT ON rights.common TO {name}; {mark_clone}"
        )
    }

    fn rights_query(&self, name: &str) -> String {
        if self.kind == MysqlKind::Mysql {
            return format!("SHOW GRANTS FOR {}", at_every_host(name));
        }
        // The role that marks a clone is no right.
        let of = |table: &str, what: &str| {
            format!(
                "SELECT CONCAT_WS(' ', {what}, PRIVILEGE_TYPE, IS_GRANTABLE) FROM \
                 information_schema.{table} WHERE GRANTEE = {}",
                literal(&at_every_host(name))
            )
        };
        [
            of("USER_PRIVILEGES", "'*.*'"),
            of("SCHEMA_PRIVILEGES", "TABLE_SCHEMA"),
            of("TABLE_PRIVILEGES", "TABLE_SCHEMA, TABLE_NAME"),
        ]
        .join(" UNION ALL ")
    }
}

/// An account as SQL writes it.
fn at_every_host(name: &str) -> String {
    format!("{}@'%'", literal(name))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A line of what an account may do, without the account's name.
fn nameless(line: &str, name: &str) -> String {
    let line = line.replace(&format!("{}@`%`", identifier(name)), "ACCOUNT");
    line.split(" IDENTIFIED ").next().unwrap_or_default().to_owned()
}

impl RealServer for Mysql {
    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn superuser(&self) -> Login {
        Login::new(Mariadb::ADMIN, self.server.admin_password())
    }

    fn create<'a>(&'a self, accounts: &'a [NewAccount]) -> Task<'a, ()> {
        let sql: String = accounts.iter().map(|account| self.creation(account)).collect();
        Box::pin(async move { self.admin(&sql).await.map(drop) })
    }

    fn sign_in<'a>(&'a self, login: &'a Login) -> Task<'a, Option<String>> {
        let Login { username, password } = login;
        Box::pin(async move {
            let named = "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1), CURRENT_USER()";
            match self.server.sql(username, password, named).await {
                Ok(answer) => {
                    let (host, user) = answer.split_once('\t').context("two columns")?;
                    let user = user.strip_suffix(host).and_then(|user| user.strip_suffix('@'));
                    Ok(user.map(str::to_owned))
                }
                Err(SqlError::Refused { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn run<'a>(&'a self, login: &'a Login, text: &'a str) -> Task<'a, String> {
        let Login { username, password } = login;
        Box::pin(async move { Ok(self.server.sql(username, password, text).await?) })
    }

    fn set_password<'a>(&'a self, login: &'a Login) -> Task<'a, ()> {
        let (name, password) = (at_every_host(&login.username), literal(&login.password));
        let sql = format!("ALTER USER {name} IDENTIFIED BY {password}");
        Box::pin(async move { self.admin(&sql).await.map(drop) })
    }

    fn rights<'a>(&'a self, name: &'a str) -> Task<'a, Vec<String>> {
        let sql = self.rights_query(name);
        Box::pin(async move {
            Ok(self.admin(&sql).await?.lines().map(|line| nameless(line, name)).collect())
        })
    }

    fn change_rights<'a>(&'a self, name: &'a str) -> Task<'a, ()> {
        let (table, name) = (identifier(name), at_every_host(name));
        let sql = format!(
            "GRANT DELETE ON rights.{table} TO {name}; REVOKE INSERT ON rights.{table} FROM {name}"
        );
        Box::pin(async move { self.admin(&sql).await.map(drop) })
    }

    fn count<'a>(&'a self, name: &'a str) -> Task<'a, usize> {
        let sql = format!("SELECT COUNT(*) FROM mysql.user WHERE BINARY User = {}", literal(name));
        Box::pin(async move { self.admin(&sql).await?.trim().parse().context("a number") })
    }

    fn without_tls<'a>(&'a self, secret: &'a mut Map<String, Value>) -> Task<'a, ()> {
        Box::pin(async move {
            if self.kind == MysqlKind::Mysql {
                let asked = "SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'";
                let answer = self.admin(asked).await?;
                let (_, key) = answer.split_once('\t').context("the server answered no key")?;
                secret.insert("serverRsaPem".to_owned(), Value::from(key));
            }
            Ok(())
        })
    }

    fn let_keep<'a>(&'a self, names: &'a [String]) -> Task<'a, ()> {
        let grant = |name: &String| {
            format!("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {}; ", at_every_host(name))
        };
        let sql: String = names.iter().map(grant).collect();
        Box::pin(async move { self.admin(&sql).await.map(drop) })
    }

    fn log_length(&self) -> Result<u64> {
        self.server.log_length()
    }

    fn log_from(&self, start: u64) -> Result<(String, u64)> {
        self.server.log_from(start)
    }

    fn own_statements(&self) -> Vec<String> {
        self.server.own_statements()
    }

    fn refused<'l>(&self, line: &'l str) -> Option<&'l str> {
        let (_, user) = line.split_once("Connect\tAccess denied for user '")?;
        user.rsplit_once("'@'").map(|(user, _)| user)
    }

    fn connected(&self, line: &str, user: &str) -> Option<Connected> {
        let (_, rest) = line.split_once("Connect\t")?;
        let rest = rest.strip_prefix(user)?.strip_prefix("@127.0.0.1 on ")?;
        let encrypted = rest.ends_with("using SSL/TLS");
        Some(if encrypted { Connected::Encrypted } else { Connected::InClear })
    }

    fn connections(&self, log: &str) -> usize {
        // Whoever is refused has two lines: who it is, and that it is refused.
        let connects = log.lines().filter(|line| line.contains(" Connect\t"));
        connects.filter(|line| !line.contains("Access denied")).count()
    }

    fn password_changes(&self, log: &str, user: &str) -> usize {
        // A session's own account is not named in its statements.
        let mut own = HashSet::new();
        let named = [at_every_host(user), format!("{}@`%`", identifier(user))];
        let mut changes = 0;
        for line in log.lines() {
            if let Some((before, said)) = line.split_once(" Connect\t") {
                if said.starts_with(&format!("{user}@")) {
                    own.insert(session(before));
                } else {
                    own.remove(session(before));
                }
            }
            let Some((before, said)) = line.split_once(" Query\t") else { continue };
            let own = own.contains(session(before))
                && ["SET PASSWORD = ", "ALTER USER USER() IDENTIFIED "]
                    .iter()
                    .any(|it| said.starts_with(it));
            let by_name = said.starts_with("ALTER USER ")
                && said.contains(" IDENTIFIED ")
                && named.iter().any(|name| said.contains(name));
            changes += usize::from(own || by_name);
        }
        changes
    }
}

/// The number of the session, which stands before what it did.
fn session(before: &str) -> &str {
    before.rsplit([' ', '\t']).next().unwrap_or_default()
}
