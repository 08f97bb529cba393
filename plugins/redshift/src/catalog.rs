//! What can be read of the catalog, and the transaction in which that is done.
//!
//! Redshift's own views differ by its release and by who asks. So the first round trip asks which
//! there are and may be read; nothing else is named afterwards. On PostgreSQL there are none of
//! them, and its own catalog has the same names for the rest: the same code runs on it.

use std::collections::BTreeSet;

use windlass_postgres_wire::{Session, Value};
use windlass_sdk::Failure;

use crate::statement::STATEMENT_TIMEOUT;

/// What there is: relations of `pg_catalog`, with columns of theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalog(BTreeSet<(String, String)>);

/// The columns that are asked for, by relation.
const COLUMNS: &[(&str, &str)] = &[
    ("pg_attribute", "attacl"),
    ("pg_attribute_info", "attacl"),
    // The same by two names: PostgreSQL's, and Redshift's.
    ("pg_default_acl", "defaclrole"),
    ("pg_default_acl", "defacluser"),
    ("pg_proc", "prokind"),
    ("pg_proc_info", "prokind"),
    ("pg_roles", "rolconnlimit"),
    ("svl_user_info", "sessiontimeout"),
    ("svl_user_info", "syslogaccess"),
    ("svl_user_info", "useconnlimit"),
    ("svv_user_grants", "admin_option"),
];

impl Catalog {
    pub(crate) fn has(&self, relation: &str, column: &str) -> bool {
        self.0.contains(&(relation.to_owned(), column.to_owned()))
    }

    /// Whether letters in access lists have Redshift's meaning.
    pub(crate) fn is_redshift(&self) -> bool {
        self.has("pg_proc_info", "prokind")
    }

    /// Of several relations that hold the same, the first that there is.
    pub(crate) fn first_with(
        &self,
        relations: &[&'static str],
        column: &str,
    ) -> Option<&'static str> {
        relations.iter().copied().find(|relation| self.has(relation, column))
    }

    #[cfg(test)]
    pub(crate) fn from_columns(columns: &[(&str, &str)]) -> Self {
        Self(columns.iter().map(|(table, column)| ((*table).into(), (*column).into())).collect())
    }
}

/// What the transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything.
    Write,
    /// Nothing but reading.
    Read,
}

/// Begins the transaction.
///
/// - Serializable is the only level that Redshift has: all reads see one state.
/// - Nothing but the system's own catalog is found under an unqualified name.
/// - Points in time are written in one form, so that they can be compared and repeated.
pub(crate) fn begin(session: &mut Session, access: Access) -> Result<Catalog, Failure> {
    let (access, operation) = match access {
        Access::Write => ("READ WRITE", "beginning the change"),
        Access::Read => ("READ ONLY", "reading the catalog"),
    };
    let list = |names: BTreeSet<&str>| {
        names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
    };
    let relations = list(COLUMNS.iter().map(|(relation, _)| *relation).collect());
    let columns = list(COLUMNS.iter().map(|(_, column)| *column).collect());
    let statements = format!(
        "BEGIN ISOLATION LEVEL SERIALIZABLE {access}; {STATEMENT_TIMEOUT}; \
         SET LOCAL search_path TO pg_catalog; SET LOCAL datestyle TO 'ISO'; \
         SET LOCAL timezone TO 'UTC'; \
         SELECT c.relname, a.attname FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE n.nspname = 'pg_catalog' AND c.relname IN ({relations}) \
         AND a.attname IN ({columns}) AND has_table_privilege(c.oid, 'SELECT')"
    );
    let answer = session.run(&statements, operation)?;
    let rows = answer.tables.into_iter().next().unwrap_or_default();
    let found = rows.into_iter().map(|row| match <[Value; 2]>::try_from(row) {
        Ok([Some(relation), Some(column)]) => Ok((relation, column)),
        _ => Err(Failure::protocol("the server's catalog can't be read")),
    });
    Ok(Catalog(found.collect::<Result<_, _>>()?))
}
