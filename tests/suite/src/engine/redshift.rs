//! Redshift's way, on the PostgreSQL that stands for it: as PostgreSQL's, but that the halves of a
//! pair have rights of their own, and a group says which is whose clone.

use super::engine_sql::{Connected, EngineSql};
use super::postgres::Postgresql;
use crate::Login;

/// Redshift.
pub(super) struct Redshift;

/// The group is as the plugin makes it with the first clone.
const PREPARE: &str = "CREATE SCHEMA rights; GRANT USAGE ON SCHEMA rights TO PUBLIC; \
                       CREATE GROUP windlass_clones";

impl EngineSql for Redshift {
    fn prepare(&self) -> &'static str {
        PREPARE
    }

    fn database(&self) -> Option<&'static str> {
        Postgresql.database()
    }

    fn account(&self, login: &Login) -> String {
        Postgresql.account(login)
    }

    fn bare(&self, login: &Login) -> String {
        // No table is everybody's: rights on one can't be granted by two sessions at once.
        Postgresql.account(login)
    }

    fn clone_of(&self, base: &Login, clone: &Login) -> String {
        let (of, name) = (Login::identifier(&base.username), Login::identifier(&clone.username));
        Postgresql.bare(clone)
            + &format!(
                "GRANT SELECT, INSERT ON rights.{of} TO {name}; \
                 ALTER GROUP windlass_clones ADD USER {name}; "
            )
    }

    fn let_in_without_tls(&self, name: &str) -> Option<String> {
        Postgresql.let_in_without_tls(name)
    }

    fn change_rights(&self, name: &str) -> String {
        Postgresql.change_rights(name)
    }

    fn show_rights(&self, name: &str) -> String {
        Postgresql.show_rights(name)
    }

    fn nameless(&self, line: &str, name: &str) -> String {
        Postgresql.nameless(line, name)
    }

    fn count(&self, name: &str) -> String {
        Postgresql.count(name)
    }

    fn set_password(&self, login: &Login) -> String {
        Postgresql.set_password(login)
    }

    fn refused<'a>(&self, line: &'a str) -> Option<&'a str> {
        Postgresql.refused(line)
    }

    fn connected(&self, line: &str, user: &str) -> Option<Connected> {
        Postgresql.connected(line, user)
    }

    fn password_changes(&self, log: &str, user: &str) -> usize {
        Postgresql.password_changes(log, user)
    }
}
