//! What the catalog says about the two accounts of a pair.

use windlass_postgres_wire::{Settings, Value, literal};
use windlass_sdk::{Failure, Pair};

use crate::product::PRODUCT;

/// One account.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Role {
    pub(crate) can_login: bool,
    pub(crate) inherit: bool,
    pub(crate) superuser: bool,
    pub(crate) create_role: bool,
    pub(crate) create_database: bool,
    pub(crate) replication: bool,
    pub(crate) bypass_row_security: bool,
    /// -1: no limit.
    pub(crate) connection_limit: i32,
    /// When its password expires, as the server writes it; absent: never.
    pub(crate) valid_until: Option<String>,
    pub(crate) settings: Settings,
    /// What `COMMENT ON ROLE` says about it.
    pub(crate) comment: Option<String>,
}

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
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) base: Option<Role>,
    pub(crate) clone: Option<Role>,
    /// The clone's direct membership in the base.
    pub(crate) membership: Option<Membership>,
    /// What the clone has besides, in any database.
    pub(crate) besides: Besides,
}

/// What a role has, beside being a member of one other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Besides {
    /// It owns something.
    pub(crate) objects: bool,
    /// Something was granted to it, or by it.
    pub(crate) rights: bool,
    /// A policy of row security names it.
    pub(crate) policies: bool,
    /// The further roles that it is a member of.
    pub(crate) memberships: Vec<String>,
}

impl Besides {
    /// Reads a kind of dependency (`pg_shdepend.deptype`), or a membership.
    fn add(&mut self, row: &[Value]) -> Option<()> {
        let [kind, name] = row else { return None };
        match (kind.as_deref()?, name) {
            ("o", None) => self.objects = true,
            ("r", None) => self.policies = true,
            ("member", Some(role)) => self.memberships.push(role.clone()),
            // `a`, rights, and `i`, those that an extension came with; or what is not known yet.
            (_, None) => self.rights = true,
            _ => return None,
        }
        Some(())
    }
}

impl Facts {
    /// The queries, in the order in which [`Facts::read`] takes their rows.
    pub(crate) fn queries(pair: &Pair) -> Result<String, Failure> {
        let (base, clone) = (literal(&pair.base)?, literal(&pair.clone)?);
        // `to_jsonb` reads columns that only exist from PostgreSQL 16 on.
        Ok(format!(
            "SELECT rolname = {clone}, rolcanlogin, rolinherit, rolsuper, rolcreaterole, \
             rolcreatedb, rolreplication, rolbypassrls, rolconnlimit, \
             nullif(rolvaliduntil, 'infinity'), shobj_description(oid, 'pg_authid') \
             FROM pg_roles WHERE rolname IN ({base}, {clone}); \
             SELECT r.rolname = {clone}, d.datname, e.entry \
             FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole \
             LEFT JOIN pg_database d ON d.oid = s.setdatabase \
             CROSS JOIN LATERAL unnest(s.setconfig) AS e(entry) \
             WHERE r.rolname IN ({base}, {clone}); \
             SELECT coalesce(bool_or((to_jsonb(m) ->> 'inherit_option')::boolean), true), \
             coalesce(bool_or((to_jsonb(m) ->> 'set_option')::boolean), true), \
             bool_or(m.admin_option) \
             FROM pg_auth_members m JOIN pg_roles b ON b.oid = m.roleid \
             JOIN pg_roles c ON c.oid = m.member \
             WHERE b.rolname = {base} AND c.rolname = {clone} HAVING count(*) > 0; \
             SELECT DISTINCT p.deptype::text, NULL::text \
             FROM pg_shdepend p JOIN pg_roles c ON c.oid = p.refobjid \
             WHERE p.refclassid = 'pg_authid'::regclass AND c.rolname = {clone} \
             UNION ALL SELECT 'member', g.rolname FROM pg_auth_members m \
             JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles c ON c.oid = m.member \
             WHERE c.rolname = {clone} AND NOT g.rolname = {base};"
        ))
    }

    pub(crate) fn read(tables: Vec<Vec<Vec<Value>>>, pair: &Pair) -> Result<Self, Failure> {
        let unreadable = || {
            Failure::protocol(format!(
                "the server's catalog says something unreadable about {:?} or {:?}",
                pair.base, pair.clone
            ))
        };
        let Ok([roles, settings, membership, besides]) = <[_; 4]>::try_from(tables) else {
            return Err(unreadable());
        };
        let mut facts =
            Self { base: None, clone: None, membership: None, besides: Besides::default() };
        for row in besides {
            facts.besides.add(&row).ok_or_else(unreadable)?;
        }
        for row in roles {
            let (is_clone, role) = Role::read(&row).ok_or_else(unreadable)?;
            *if is_clone { &mut facts.clone } else { &mut facts.base } = Some(role);
        }
        for row in settings {
            let [is_clone, database, Some(entry)] = row.as_slice() else {
                return Err(unreadable());
            };
            let role = match flag(is_clone).ok_or_else(unreadable)? {
                true => facts.clone.as_mut(),
                false => facts.base.as_mut(),
            };
            if let Some(role) = role {
                role.settings.add(&PRODUCT.dialect, database.as_deref(), entry)?;
            }
        }
        if let Some(row) = membership.first() {
            let [inherit, set, admin] = row.as_slice() else { return Err(unreadable()) };
            facts.membership = Some(Membership {
                inherit: flag(inherit).ok_or_else(unreadable)?,
                set: flag(set).ok_or_else(unreadable)?,
                admin: flag(admin).ok_or_else(unreadable)?,
            });
        }
        Ok(facts)
    }
}

impl Role {
    /// What `CREATE ROLE … LOGIN INHERIT` makes.
    pub(crate) fn as_created() -> Self {
        Self {
            can_login: true,
            inherit: true,
            superuser: false,
            create_role: false,
            create_database: false,
            replication: false,
            bypass_row_security: false,
            connection_limit: -1,
            valid_until: None,
            settings: Settings::default(),
            comment: None,
        }
    }

    /// Whether the row is the clone's, and the account without its settings.
    fn read(row: &[Value]) -> Option<(bool, Self)> {
        let [
            is_clone,
            login,
            inherit,
            superuser,
            role,
            database,
            replication,
            bypass,
            limit,
            until,
            comment,
        ] = row
        else {
            return None;
        };
        let read = Self {
            can_login: flag(login)?,
            inherit: flag(inherit)?,
            superuser: flag(superuser)?,
            create_role: flag(role)?,
            create_database: flag(database)?,
            replication: flag(replication)?,
            bypass_row_security: flag(bypass)?,
            connection_limit: limit.as_deref()?.parse().ok()?,
            valid_until: until.clone(),
            settings: Settings::default(),
            comment: comment.clone(),
        };
        Some((flag(is_clone)?, read))
    }

    /// The options of `ALTER ROLE` that give `clone` the attributes that matter at sign-in, each
    /// with a blank before it. The others (SUPERUSER, CREATEROLE, CREATEDB, BYPASSRLS) are asked
    /// of the role that a session runs as, and that is this one.
    pub(crate) fn options_for(&self, clone: &Self) -> Result<String, Failure> {
        let mut options = String::new();
        if !clone.can_login {
            options.push_str(" LOGIN");
        }
        if !clone.inherit {
            options.push_str(" INHERIT");
        }
        if self.replication && !clone.replication {
            options.push_str(" REPLICATION");
        }
        if self.connection_limit != clone.connection_limit {
            options.push_str(&format!(" CONNECTION LIMIT {}", self.connection_limit));
        }
        if self.valid_until != clone.valid_until {
            let until = self.valid_until.as_deref().unwrap_or("infinity");
            options.push_str(&format!(" VALID UNTIL {}", literal(until)?));
        }
        Ok(options)
    }

    /// The attributes in which a clone should be like this account, and is not.
    pub(crate) fn differing_attributes(&self, clone: &Self) -> Vec<&'static str> {
        let mut differing = Vec::new();
        if self.connection_limit != clone.connection_limit {
            differing.push("CONNECTION LIMIT");
        }
        if self.valid_until != clone.valid_until {
            differing.push("VALID UNTIL");
        }
        differing
    }

    /// A power that this account has and `other` has not.
    pub(crate) fn powers_beyond(&self, other: &Self) -> Option<&'static str> {
        [
            ("SUPERUSER", self.superuser, other.superuser),
            ("REPLICATION", self.replication, other.replication),
            ("BYPASSRLS", self.bypass_row_security, other.bypass_row_security),
            ("CREATEROLE", self.create_role, other.create_role),
            ("CREATEDB", self.create_database, other.create_database),
        ]
        .into_iter()
        .find_map(|(name, own, others)| (own && !others).then_some(name))
    }
}

/// A boolean as the server writes it.
fn flag(value: &Value) -> Option<bool> {
    match value.as_deref()? {
        "t" => Some(true),
        "f" => Some(false),
        _ => None,
    }
}
