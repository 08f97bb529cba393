//! What the catalog says about the two accounts of a pair: everything from which is decided.

use std::collections::BTreeSet;

use windlass_postgres_wire::{Value, literal};
use windlass_sdk::{Failure, Pair};

use crate::product::PRODUCT;
use crate::role::{Role, flag};

/// How many things of one kind that a role has are named: what a message, or a list of findings, holds.
const NAMED_MAX: usize = 16;

/// How the clone is a member of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) inherit: bool,
    pub(crate) set: bool,
    /// Whether it may make others members of the base.
    pub(crate) admin: bool,
}

impl Membership {
    /// Whether the clone has the base's rights and may become it.
    pub(crate) fn is_full(self) -> bool {
        self.inherit && self.set
    }
}

/// Everything that decides what to do.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    pub(crate) base: Option<Role>,
    pub(crate) clone: Option<Role>,
    /// The clone's direct membership in the base.
    pub(crate) membership: Option<Membership>,
    /// What the clone has besides, in any database.
    pub(crate) besides: Besides,
    /// The settings of either role that only a superuser may set.
    pub(crate) superuser_settings: BTreeSet<String>,
}

/// Things of one kind that a role has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Things {
    pub(crate) count: usize,
    /// The first of them.
    pub(crate) names: Vec<String>,
}

/// What a role has, beside being a member of one other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Besides {
    /// What it owns.
    pub(crate) objects: Things,
    /// On what something was granted to it, or by it.
    pub(crate) rights: Things,
    /// Policies of row security that name it.
    pub(crate) policies: Things,
    /// The further roles that it is a member of.
    pub(crate) memberships: Things,
    /// The databases in which it owns objects.
    pub(crate) databases: Things,
}

impl Besides {
    /// Reads a kind of dependency (`pg_shdepend.deptype`), or a membership.
    fn add(&mut self, row: &[Value]) -> Option<()> {
        let [kind, name, count] = row else { return None };
        let things = match kind.as_deref()? {
            "o" => &mut self.objects,
            "r" => &mut self.policies,
            "member" => &mut self.memberships,
            "database" => &mut self.databases,
            // `a`, rights, and `i`, those that an extension came with; or what is not known yet.
            _ => &mut self.rights,
        };
        let count: usize = count.as_deref()?.parse().ok()?;
        things.names.push(name.clone()?);
        things.count = things.count.max(count);
        Some(())
    }
}

/// What a role has besides, a row for each of the first of a kind: the kind, what it is, and how many of
/// the kind there are. A name is only known in the database that the session is in.
fn besides_query(base: &str, clone: &str) -> String {
    format!(
        "SELECT kind, coalesce(pg_describe_object(classid, objid, objsubid), \
         concat('something in the database ', quote_ident(datname))), kinds \
         FROM (SELECT p.deptype::text AS kind, d.datname, p.dbid, \
         CASE WHEN p.dbid = 0 OR d.datname = current_database() THEN p.classid END AS classid, \
         p.objid, p.objsubid, count(*) OVER (PARTITION BY p.deptype) AS kinds, \
         row_number() OVER (PARTITION BY p.deptype ORDER BY p.dbid, p.classid, p.objid, p.objsubid) \
         AS number \
         FROM pg_shdepend p JOIN pg_roles c ON c.oid = p.refobjid \
         LEFT JOIN pg_database d ON d.oid = p.dbid \
         WHERE p.refclassid = 'pg_authid'::regclass AND c.rolname = {clone}) o \
         WHERE NOT number > {NAMED_MAX} \
         UNION ALL SELECT 'member', rolname, members FROM (SELECT g.rolname, \
         count(*) OVER () AS members FROM pg_auth_members m \
         JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles c ON c.oid = m.member \
         WHERE c.rolname = {clone} AND NOT g.rolname = {base} \
         GROUP BY g.rolname ORDER BY g.rolname LIMIT {NAMED_MAX}) m \
         UNION ALL SELECT 'database', datname, databases FROM (SELECT d.datname, \
         count(*) OVER () AS databases FROM pg_shdepend p JOIN pg_roles c ON c.oid = p.refobjid \
         JOIN pg_database d ON d.oid = p.dbid \
         WHERE p.refclassid = 'pg_authid'::regclass AND p.deptype = 'o' AND c.rolname = {clone} \
         GROUP BY d.datname ORDER BY d.datname LIMIT {NAMED_MAX}) d;"
    )
}

impl Facts {
    /// How many queries there are.
    pub(crate) const QUERIES: usize = 4;

    /// The queries, in the order in which [`Facts::read`] takes their rows.
    pub(crate) fn queries(pair: &Pair) -> Result<String, Failure> {
        let (base, clone) = (literal(&pair.base)?, literal(&pair.clone)?);
        // `to_jsonb` reads columns that only exist from PostgreSQL 16 on.
        Ok(format!(
            "SELECT rolname = {clone}, rolcanlogin, rolinherit, rolsuper, rolcreaterole, \
             rolcreatedb, rolreplication, rolbypassrls, rolconnlimit, \
             nullif(rolvaliduntil, 'infinity'), coalesce(NOT rolvaliduntil > now(), false), \
             shobj_description(oid, 'pg_authid') \
             FROM pg_roles WHERE rolname IN ({base}, {clone}); \
             SELECT r.rolname = {clone}, d.datname, e.entry, \
             EXISTS (SELECT FROM pg_settings g \
             WHERE lower(g.name) = lower(split_part(e.entry, '=', 1)) AND g.context LIKE 'superuser%') \
             FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole \
             LEFT JOIN pg_database d ON d.oid = s.setdatabase \
             CROSS JOIN LATERAL unnest(s.setconfig) AS e(entry) \
             WHERE r.rolname IN ({base}, {clone}); \
             SELECT coalesce(bool_or((to_jsonb(m) ->> 'inherit_option')::boolean), true), \
             coalesce(bool_or((to_jsonb(m) ->> 'set_option')::boolean), true), \
             bool_or(m.admin_option) \
             FROM pg_auth_members m JOIN pg_roles b ON b.oid = m.roleid \
             JOIN pg_roles c ON c.oid = m.member \
             WHERE b.rolname = {base} AND c.rolname = {clone} HAVING count(*) > 0; {}",
            besides_query(&base, &clone)
        ))
    }

    pub(crate) fn read(tables: Vec<Vec<Vec<Value>>>, pair: &Pair) -> Result<Self, Failure> {
        let unreadable = || {
            Failure::protocol(format!(
                "the catalog's rows about {:?} or {:?} can't be read",
                pair.base, pair.clone
            ))
        };
        let Ok([roles, settings, membership, besides]) = <[_; Self::QUERIES]>::try_from(tables)
        else {
            return Err(unreadable());
        };
        let mut facts = Self::default();
        for row in besides {
            facts.besides.add(&row).ok_or_else(unreadable)?;
        }
        for row in roles {
            let (is_clone, role) = Role::read(&row).ok_or_else(unreadable)?;
            *if is_clone { &mut facts.clone } else { &mut facts.base } = Some(role);
        }
        for row in settings {
            facts.add_setting(&row).ok_or_else(unreadable)??;
        }
        if let Some(row) = membership.first() {
            facts.membership = Some(Membership::read(row).ok_or_else(unreadable)?);
        }
        Ok(facts)
    }

    /// Reads a setting of either role; `None` if the row can't be read.
    fn add_setting(&mut self, row: &[Value]) -> Option<Result<(), Failure>> {
        let [is_clone, database, Some(entry), by_superuser] = row else { return None };
        if flag(by_superuser)? {
            self.superuser_settings.extend(entry.split_once('=').map(|(name, _)| name.to_owned()));
        }
        let role = if flag(is_clone)? { self.clone.as_mut() } else { self.base.as_mut() };
        Some(match role {
            Some(role) => role.settings.add(&PRODUCT.dialect, database.as_deref(), entry),
            None => Ok(()),
        })
    }
}

impl Membership {
    fn read(row: &[Value]) -> Option<Self> {
        let [inherit, set, admin] = row else { return None };
        Some(Self { inherit: flag(inherit)?, set: flag(set)?, admin: flag(admin)? })
    }
}
