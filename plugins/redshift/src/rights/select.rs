//! The query for all rights of a pair: one branch for each kind of object, of those that this server's
//! catalog has.

use windlass_postgres_wire::literal;
use windlass_sdk::{Failure, Pair};

use super::PAGE;
use crate::acl::searchable;
use crate::catalog::Catalog;

/// A page of rows, in an order that is the same every time.
pub(crate) fn query(catalog: &Catalog, pair: &Pair, offset: usize) -> Result<String, Failure> {
    let mut branches = vec![databases(), schemas(), tables(), languages()];
    branches.extend(routines(catalog));
    branches.extend(columns(catalog));
    branches.extend(defaults(catalog));
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

/// The first branch names the columns.
fn databases() -> String {
    branch(
        'd',
        &format!(
            "''::text AS object_schema, d.datname::text AS object_name, \
             ''::text AS object_detail, {}",
            owner("d.datdba")
        ),
        "d.datacl",
        "pg_database d",
    )
}

fn schemas() -> String {
    branch(
        'n',
        &format!("''::text, n.nspname::text, ''::text, {}", owner("n.nspowner")),
        "n.nspacl",
        &format!("pg_namespace n WHERE {}", is_listed("n")),
    )
}

fn tables() -> String {
    let places = in_schema("pg_class", "relnamespace", "c");
    branch(
        't',
        &format!("n.nspname::text, c.relname::text, ''::text, {}", owner("c.relowner")),
        "c.relacl",
        &format!("{places} AND c.relkind IN ('r', 'v', 'm', 'p', 'f')"),
    )
}

fn languages() -> String {
    branch('l', "''::text, l.lanname::text, ''::text, ''::text", "l.lanacl", "pg_language l")
}

fn routines(catalog: &Catalog) -> Option<String> {
    let routines = catalog.first_with(&["pg_proc_info", "pg_proc"], "prokind")?;
    Some(format!(
        "SELECT CASE WHEN p.prokind = 'p' THEN 'p' ELSE 'f' END::text, n.nspname::text, \
         p.proname::text, oidvectortypes(p.proargtypes)::text, {}, \
         coalesce(array_to_string(p.proacl, ','), '') FROM {}",
        owner("p.proowner"),
        in_schema(routines, "pronamespace", "p")
    ))
}

fn columns(catalog: &Catalog) -> Option<String> {
    let columns = catalog.first_with(&["pg_attribute_info", "pg_attribute"], "attacl")?;
    let places = in_schema(&format!("{columns} a, pg_class"), "relnamespace", "c");
    Some(branch(
        'c',
        "n.nspname::text, c.relname::text, a.attname::text, ''::text",
        "a.attacl",
        &format!("{places} AND a.attrelid = c.oid AND NOT a.attisdropped"),
    ))
}

/// Default privileges, by who makes the objects.
fn defaults(catalog: &Catalog) -> Option<String> {
    let makers = ["defacluser", "defaclrole"];
    let maker = makers.into_iter().find(|column| catalog.has("pg_default_acl", column))?;
    Some(branch(
        'a',
        &format!(
            "coalesce(n.nspname::text, ''), ''::text, f.defaclobjtype::text, {}",
            owner(&format!("f.{maker}"))
        ),
        "f.defaclacl",
        "pg_default_acl f LEFT JOIN pg_namespace n ON n.oid = f.defaclnamespace",
    ))
}

fn branch(kind: char, columns: &str, list: &str, rest: &str) -> String {
    format!(
        "SELECT '{kind}'::text AS object_kind, {columns}, coalesce(array_to_string({list}, ','), '') AS object_acl FROM {rest}"
    )
}

fn owner(column: &str) -> String {
    format!("pg_get_userbyid({column})::text AS object_owner")
}

/// Without Redshift's own schemas, and what belongs to one session.
fn is_listed(schema: &str) -> String {
    format!(
        "{schema}.nspname NOT IN ('pg_internal', 'pg_automv', 'pg_toast') \
         AND substring({schema}.nspname::text, 1, 7) <> 'pg_temp'"
    )
}

fn in_schema(objects: &str, schema: &str, alias: &str) -> String {
    format!(
        "{objects} {alias} JOIN pg_namespace n ON n.oid = {alias}.{schema} WHERE {}",
        is_listed("n")
    )
}
