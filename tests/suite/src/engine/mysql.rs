//! MySQL's way, and MariaDB's. Accounts are at every host.

use std::collections::HashSet;

use super::engine_sql::{Connected, EngineSql};
use crate::Login;

/// MySQL or MariaDB.
pub(super) struct Mysql {
    pub(super) mariadb: bool,
}

/// The tables that accounts have rights on, by the accounts' names.
const PREPARE: &str = "CREATE DATABASE rights; CREATE TABLE rights.common (id INT)";

/// An account as SQL writes it.
fn account(name: &str) -> String {
    format!("{}@'%'", literal(name))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

impl EngineSql for Mysql {
    fn prepare(&self) -> &'static str {
        PREPARE
    }

    fn database(&self) -> Option<&'static str> {
        None
    }

    fn account(&self, login: &Login) -> String {
        let (table, name) = (identifier(&login.username), account(&login.username));
        self.bare(login)
            + &format!(
                "CREATE TABLE rights.{table} (id INT); \
                 GRANT SELECT, INSERT ON rights.{table} TO {name}; "
            )
    }

    fn bare(&self, login: &Login) -> String {
        let (name, password) = (account(&login.username), literal(&login.password));
        format!(
            "CREATE USER {name} IDENTIFIED BY {password}; GRANT SELECT ON rights.common TO {name}; "
        )
    }

    fn clone_of(&self, base: &Login, clone: &Login) -> String {
        let (name, password) = (account(&clone.username), literal(&clone.password));
        // With the mark that says whose clone it is.
        let (mut mark_base, mut mark_clone) = (String::new(), String::new());
        let identified = if self.mariadb {
            let role = identifier(&format!("windlass:{}", base.username));
            mark_clone = format!("CREATE ROLE {role}; GRANT {role} TO {name}; ");
            format!("BY {password}")
        } else {
            let of = serde_json::json!({ "windlass_clone_of": base.username }).to_string();
            let clone = serde_json::json!({ "windlass_clone": clone.username }).to_string();
            let base = account(&base.username);
            mark_base = format!("ALTER USER {base} ATTRIBUTE {}; ", literal(&clone));
            format!("BY {password} ATTRIBUTE {}", literal(&of))
        };
        format!(
            "{mark_base}CREATE USER {name} IDENTIFIED {identified}; \
             GRANT SELECT ON rights.common TO {name}; {mark_clone}"
        )
    }

    fn let_in_without_tls(&self, _: &str) -> Option<String> {
        None
    }

    fn change_rights(&self, name: &str) -> String {
        let (table, name) = (identifier(name), account(name));
        format!(
            "GRANT DELETE ON rights.{table} TO {name}; REVOKE INSERT ON rights.{table} FROM {name}"
        )
    }

    fn show_rights(&self, name: &str) -> String {
        if !self.mariadb {
            return format!("SHOW GRANTS FOR {}", account(name));
        }
        // The role that marks a clone is no right.
        let of = |table: &str, what: &str| {
            format!(
                "SELECT CONCAT_WS(' ', {what}, PRIVILEGE_TYPE, IS_GRANTABLE) FROM \
                 information_schema.{table} WHERE GRANTEE = {}",
                literal(&account(name))
            )
        };
        [
            of("USER_PRIVILEGES", "'*.*'"),
            of("SCHEMA_PRIVILEGES", "TABLE_SCHEMA"),
            of("TABLE_PRIVILEGES", "TABLE_SCHEMA, TABLE_NAME"),
        ]
        .join(" UNION ALL ")
    }

    fn nameless(&self, line: &str, name: &str) -> String {
        let named = format!("{}@`%`", identifier(name));
        let line = line.replace(&named, "ACCOUNT");
        line.split(" IDENTIFIED ").next().unwrap_or_default().to_owned()
    }

    fn count(&self, name: &str) -> String {
        format!("SELECT COUNT(*) FROM mysql.user WHERE BINARY User = {}", literal(name))
    }

    fn set_password(&self, login: &Login) -> String {
        let (name, password) = (account(&login.username), literal(&login.password));
        format!("ALTER USER {name} IDENTIFIED BY {password}")
    }

    fn refused<'a>(&self, line: &'a str) -> Option<&'a str> {
        let (_, user) = line.split_once("Connect\tAccess denied for user '")?;
        user.rsplit_once("'@'").map(|(user, _)| user)
    }

    fn connected(&self, line: &str, user: &str) -> Option<Connected> {
        let (_, rest) = line.split_once("Connect\t")?;
        let rest = rest.strip_prefix(user)?.strip_prefix("@127.0.0.1 on ")?;
        let encrypted = rest.ends_with("using SSL/TLS");
        Some(if encrypted { Connected::Encrypted } else { Connected::InClear })
    }

    fn password_changes(&self, log: &str, user: &str) -> usize {
        // A session's own account is not named in its statements.
        let mut own = HashSet::new();
        let named = [account(user), format!("{}@`%`", identifier(user))];
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
