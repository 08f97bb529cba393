//! PostgreSQL's way.

use super::engine_sql::{Connected, EngineSql};
use crate::Login;

/// PostgreSQL.
pub(super) struct Postgresql;

/// The tables that accounts have rights on, by the accounts' names.
const PREPARE: &str = "CREATE SCHEMA rights; GRANT USAGE ON SCHEMA rights TO PUBLIC";

impl EngineSql for Postgresql {
    fn prepare(&self) -> &'static str {
        PREPARE
    }

    fn database(&self) -> Option<&'static str> {
        Some("postgres")
    }

    fn account(&self, login: &Login) -> String {
        let name = Login::identifier(&login.username);
        self.bare(login)
            + &format!(
                "CREATE TABLE rights.{name} (id int); GRANT SELECT, INSERT ON rights.{name} TO {name}; "
            )
    }

    fn bare(&self, login: &Login) -> String {
        let (name, password) =
            (Login::identifier(&login.username), Login::literal(&login.password));
        format!("CREATE ROLE {name} LOGIN PASSWORD {password}; ")
    }

    fn clone_of(&self, base: &Login, clone: &Login) -> String {
        let (of, name) = (Login::identifier(&base.username), Login::identifier(&clone.username));
        // With the mark that says whose clone it is.
        let mark = Login::literal(&format!("windlass: the clone of {of}"));
        self.bare(clone)
            + &format!(
                "GRANT {of} TO {name}; ALTER ROLE {name} SET role = {of}; \
                 COMMENT ON ROLE {name} IS {mark}; "
            )
    }

    fn let_in_without_tls(&self, name: &str) -> Option<String> {
        Some(format!("GRANT plain_signers TO {}", Login::identifier(name)))
    }

    fn change_rights(&self, name: &str) -> String {
        let name = Login::identifier(name);
        format!(
            "GRANT DELETE ON rights.{name} TO {name}; REVOKE INSERT ON rights.{name} FROM {name}"
        )
    }

    fn show_rights(&self, name: &str) -> String {
        let name = Login::literal(name);
        format!(
            "SELECT relname || ' ' || privilege FROM pg_class, \
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege \
             WHERE relnamespace = 'rights'::regnamespace AND relkind = 'r' \
             AND has_table_privilege({name}, pg_class.oid, privilege) \
             UNION ALL SELECT 'limit ' || rolconnlimit || ', until ' || \
             coalesce(rolvaliduntil::text, 'ever') FROM pg_roles WHERE rolname = {name}"
        )
    }

    fn nameless(&self, line: &str, _: &str) -> String {
        // Tables have the base's name, whoever of the pair may use them.
        line.to_owned()
    }

    fn count(&self, name: &str) -> String {
        format!("SELECT count(*) FROM pg_roles WHERE rolname = {}", Login::literal(name))
    }

    fn set_password(&self, login: &Login) -> String {
        let (name, password) =
            (Login::identifier(&login.username), Login::literal(&login.password));
        format!("ALTER ROLE {name} PASSWORD {password}")
    }

    fn refused<'a>(&self, line: &'a str) -> Option<&'a str> {
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

    fn password_changes(&self, log: &str, user: &str) -> usize {
        let user = Login::identifier(user);
        let statements = ["ROLE", "USER"].map(|kind| format!("ALTER {kind} {user} PASSWORD "));
        log.lines().filter(|line| statements.iter().any(|it| line.contains(it))).count()
    }
}
