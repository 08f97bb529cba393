//! Rights: what is granted to the base itself is granted to the clone itself, and nothing else.
//!
//! Here they are read, and written in the server's words; `compare` decides. What either has through
//! PUBLIC, a group or a role is not written here: the memberships are equal.

mod compare;
mod select;

use windlass_postgres_wire::Value;
use windlass_sdk::{Failure, clean};

use crate::acl::Privileges;
use crate::product::known;

pub(crate) use compare::{Difference, compare};
pub(crate) use select::query;

/// How many rows are read at once, so that an answer stays within what one may be long (1 MiB): a
/// kilobyte for each, which are the rights of thirty users.
pub(crate) const PAGE: usize = 1000;

/// How many objects are looked at. With as many the host's own bound on what one call may receive
/// (8 MiB) is near.
pub(crate) const OBJECTS_MAX: usize = 100 * PAGE;

/// How many objects one statement names. Each needs the table's lock until the end of it.
const OBJECTS_AT_ONCE: usize = 100;

/// An object on which either user has a right, or that one of them owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    kind: Kind,
    schema: String,
    name: String,
    /// Of a routine the types of its arguments, of a column its name, of default privileges what they
    /// are about.
    detail: String,
    owner: String,
    list: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Database,
    Schema,
    Table,
    Column,
    Function,
    Procedure,
    Language,
    /// What somebody, the owner here, grants on what they will make.
    Default,
}

impl Object {
    /// Reads a row.
    pub(crate) fn read(row: Vec<Value>) -> Result<Self, Failure> {
        let unreadable = || Failure::protocol("the server's list of rights can't be read");
        let [kind, schema, name, detail, owner, list] =
            <[Value; 6]>::try_from(row).map_err(|_| unreadable())?.map(Option::unwrap_or_default);
        let kind = match kind.as_str() {
            "d" => Kind::Database,
            "n" => Kind::Schema,
            "t" => Kind::Table,
            "c" => Kind::Column,
            "f" => Kind::Function,
            "p" => Kind::Procedure,
            "l" => Kind::Language,
            "a" => Kind::Default,
            _ => return Err(unreadable()),
        };
        Ok(Self { kind, schema, name, detail, owner, list })
    }

    /// For messages.
    fn shown(&self) -> String {
        let parts = [&self.schema, &self.name, &self.detail];
        let parts: Vec<_> =
            parts.iter().filter(|part| !part.is_empty()).map(|part| &***part).collect();
        clean(&parts.join("."))
    }

    /// What stands behind ON, and what comes before GRANT or REVOKE.
    fn written(&self) -> Result<(String, String), Failure> {
        let name = |name: &str| known(name);
        let qualified =
            || Ok::<_, Failure>(format!("{}.{}", name(&self.schema)?, name(&self.name)?));
        let routine = || Ok::<_, Failure>(format!("{}({})", qualified()?, types(&self.detail)?));
        let object = match self.kind {
            Kind::Database | Kind::Schema | Kind::Language => name(&self.name)?,
            Kind::Table | Kind::Column => qualified()?,
            Kind::Function | Kind::Procedure => routine()?,
            Kind::Default => {
                let place = match self.schema.as_str() {
                    "" => String::new(),
                    schema => format!("IN SCHEMA {} ", name(schema)?),
                };
                let user = name(&self.owner)?;
                let what = format!("ALTER DEFAULT PRIVILEGES FOR USER {user} {place}");
                return Ok((String::new(), what));
            }
        };
        Ok((object, String::new()))
    }

    fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Database => "DATABASE ",
            Kind::Schema => "SCHEMA ",
            Kind::Table | Kind::Column => "TABLE ",
            Kind::Function => "FUNCTION ",
            Kind::Procedure => "PROCEDURE ",
            Kind::Language => "LANGUAGE ",
            Kind::Default => match self.detail.as_str() {
                "r" => "TABLES",
                "f" => "FUNCTIONS",
                "p" => "PROCEDURES",
                _ => "SCHEMAS",
            },
        }
    }

    /// The privilege of a letter, in words; `None` where it is not known.
    fn privilege(&self, letter: char, redshift: bool) -> Option<&'static str> {
        let kind = match (self.kind, self.detail.as_str()) {
            (Kind::Default, "r") => Kind::Table,
            (Kind::Default, "f" | "p") => Kind::Function,
            (Kind::Default, "n") => Kind::Schema,
            (Kind::Default, _) => return None,
            (kind, _) => kind,
        };
        Some(match (kind, letter) {
            (Kind::Table | Kind::Column, 'r') => "SELECT",
            (Kind::Table | Kind::Column, 'a') => "INSERT",
            (Kind::Table | Kind::Column, 'w') => "UPDATE",
            (Kind::Table | Kind::Column, 'x') => "REFERENCES",
            (Kind::Table, 'd') => "DELETE",
            (Kind::Table, 't') => "TRIGGER",
            (Kind::Table, 'R') if redshift => "RULE",
            // `P` and `A` are TRUNCATE and ALTER, but which is which nothing says for certain.
            (Kind::Table, 'D') if redshift => "DROP",
            (Kind::Table, 'D') => "TRUNCATE",
            (Kind::Database | Kind::Schema, 'C') => "CREATE",
            (Kind::Database, 'T') => "TEMPORARY",
            (Kind::Database, 'c') if !redshift => "CONNECT",
            (Kind::Database | Kind::Schema | Kind::Language, 'U') => "USAGE",
            (Kind::Function | Kind::Procedure, 'X') => "EXECUTE",
            _ => return None,
        })
    }

    /// The letters of everything that there is, in order, where that is known: it can be granted
    /// without naming each.
    fn all(&self, redshift: bool) -> Option<&'static str> {
        (redshift && self.kind == Kind::Table).then_some("ADPRadrtwx")
    }

    /// What an owner may do that can be granted.
    fn of_owner(&self) -> Privileges {
        let letters = match self.kind {
            Kind::Database => "CT",
            Kind::Schema => "CU",
            Kind::Table => "rawdx",
            Kind::Function | Kind::Procedure => "X",
            Kind::Column | Kind::Language | Kind::Default => "",
        };
        letters.chars().map(|letter| (letter, false)).collect()
    }
}

/// The types of a routine's arguments, which are the server's own words: names of types, separated by
/// commas, quoted where they must be. Nothing else goes into a statement.
fn types(list: &str) -> Result<&str, Failure> {
    let is_in_types = |one: char| one.is_ascii_alphanumeric() || "_ ,.[]".contains(one);
    // A doubled quote closes a name and opens it again, so that what is between is quoted all along.
    let mut parts = list.split('"');
    let is_plain = parts.by_ref().step_by(2).all(|bare| bare.chars().all(is_in_types));
    if is_plain && list.matches('"').count().is_multiple_of(2) {
        return Ok(list);
    }
    Err(Failure::protocol("the server's list of a routine's arguments can't be read"))
}

#[cfg(test)]
mod tests;
