//! Rights: what is granted to the base itself is granted to the clone itself, and nothing else.
//!
//! Here they are read, and written in the server's words; `compare` decides. What either has through
//! PUBLIC, a group or a role is not written here: the memberships are equal.

mod compare;

use windlass_postgres_wire::{Value, literal};
use windlass_sdk::{Failure, Pair, clean};

use crate::acl::{Privileges, searchable};
use crate::catalog::Catalog;
use crate::product::known;

pub(crate) use compare::{Difference, compare};

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

/// A page of rows, in an order that is the same every time.
pub(crate) fn query(catalog: &Catalog, pair: &Pair, offset: usize) -> Result<String, Failure> {
    let branch = |kind: char, columns: &str, list: &str, rest: &str| {
        format!(
            "SELECT '{kind}'::text AS object_kind, {columns}, coalesce(array_to_string({list}, ','), '') AS object_acl FROM {rest}"
        )
    };
    let schemas = |schema: &str| {
        // Redshift's own, and what belongs to one session.
        format!(
            "{schema}.nspname NOT IN ('pg_internal', 'pg_automv', 'pg_toast') \
             AND substring({schema}.nspname::text, 1, 7) <> 'pg_temp'"
        )
    };
    let owner = |column: &str| format!("pg_get_userbyid({column})::text AS object_owner");
    let in_schema = |kind_of_object: &str, schema_of_object: &str, alias: &str| {
        format!(
            "{kind_of_object} {alias} JOIN pg_namespace n ON n.oid = {alias}.{schema_of_object} \
             WHERE {}",
            schemas("n")
        )
    };
    let mut branches = vec![
        branch(
            'd',
            &format!(
                "''::text AS object_schema, d.datname::text AS object_name, \
                 ''::text AS object_detail, {}",
                owner("d.datdba")
            ),
            "d.datacl",
            "pg_database d",
        ),
        branch(
            'n',
            &format!("''::text, n.nspname::text, ''::text, {}", owner("n.nspowner")),
            "n.nspacl",
            &format!("pg_namespace n WHERE {}", schemas("n")),
        ),
        branch(
            't',
            &format!("n.nspname::text, c.relname::text, ''::text, {}", owner("c.relowner")),
            "c.relacl",
            &format!(
                "{} AND c.relkind IN ('r', 'v', 'm', 'p', 'f')",
                in_schema("pg_class", "relnamespace", "c")
            ),
        ),
        branch('l', "''::text, l.lanname::text, ''::text, ''::text", "l.lanacl", "pg_language l"),
    ];
    if let Some(routines) = catalog.first_with(&["pg_proc_info", "pg_proc"], "prokind") {
        branches.push(format!(
            "SELECT CASE WHEN p.prokind = 'p' THEN 'p' ELSE 'f' END::text, n.nspname::text, \
             p.proname::text, oidvectortypes(p.proargtypes)::text, {}, \
             coalesce(array_to_string(p.proacl, ','), '') FROM {}",
            owner("p.proowner"),
            in_schema(routines, "pronamespace", "p")
        ));
    }
    if let Some(columns) = catalog.first_with(&["pg_attribute_info", "pg_attribute"], "attacl") {
        branches.push(branch(
            'c',
            "n.nspname::text, c.relname::text, a.attname::text, ''::text",
            "a.attacl",
            &format!(
                "{} AND a.attrelid = c.oid AND NOT a.attisdropped",
                in_schema(&format!("{columns} a, pg_class"), "relnamespace", "c")
            ),
        ));
    }
    let makers = ["defacluser", "defaclrole"];
    if let Some(maker) = makers.into_iter().find(|column| catalog.has("pg_default_acl", column)) {
        branches.push(branch(
            'a',
            &format!(
                "coalesce(n.nspname::text, ''), ''::text, f.defaclobjtype::text, {}",
                owner(&format!("f.{maker}"))
            ),
            "f.defaclacl",
            "pg_default_acl f LEFT JOIN pg_namespace n ON n.oid = f.defaclnamespace",
        ));
    }
    Ok(format!(
        // Names that are no key words anywhere.
        "SELECT object_kind, object_schema, object_name, object_detail, object_owner, object_acl \
         FROM ({}) o \
         WHERE object_owner IN ({}, {}) OR strpos(object_acl, {}) > 0 \
         ORDER BY 1, 2, 3, 4, 5 LIMIT {PAGE} OFFSET {offset}",
        branches.join(" UNION ALL "),
        literal(&pair.base)?,
        literal(&pair.clone)?,
        literal(searchable(&pair.base))?
    ))
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
