//! What the catalog says about the two users of a pair, their rights left out; and the statements
//! that make the clone's equal to the base's.

use std::collections::{BTreeMap, BTreeSet};

use windlass_postgres_wire::{Settings, Value, is_longer, literal};
use windlass_sdk::{Failure, Pair, clean};

use crate::catalog::Catalog;
use crate::product::{PRODUCT, identifier, known};

/// The group whose members are clones. Nobody but an administrator makes somebody a member of a
/// group, and there is nothing else on Redshift that a user can be marked with.
pub(crate) const MARK: &str = "windlass_clones";

/// What separates settings that are read as one text: a character for nothing else.
const SEPARATOR: char = '\u{1f}';

/// One user.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Account {
    pub(crate) superuser: bool,
    create_database: bool,
    /// When its password expires, as the server writes it; absent: never.
    valid_until: Option<String>,
    settings: Settings,
    limits: Option<Limits>,
    groups: BTreeSet<String>,
    /// Roles, and whether it may grant them.
    roles: BTreeMap<String, bool>,
    /// Whether it is a member of [`MARK`].
    pub(crate) marked: bool,
}

/// Something that a clone has not as the base has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// For people.
    pub(crate) what: String,
    /// What makes it the same.
    pub(crate) statement: String,
}

/// What only Redshift's own views say, or PostgreSQL's.
#[derive(Debug, Clone, PartialEq)]
struct Limits {
    /// A number, or a word for "no limit".
    connections: String,
    syslog: Option<String>,
    /// Seconds; 0 where the cluster's holds.
    timeout: Option<u32>,
}

/// Both users, and what is there for the clone's mark.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Accounts {
    pub(crate) base: Option<Account>,
    pub(crate) clone: Option<Account>,
    pub(crate) has_mark_group: bool,
}

/// The queries, in the order in which [`read`] takes their rows.
pub(crate) fn queries(catalog: &Catalog, pair: &Pair) -> Result<Vec<String>, Failure> {
    let both = format!("({}, {})", literal(&pair.base)?, literal(&pair.clone)?);
    let limits = if catalog.has("svl_user_info", "sessiontimeout") {
        format!(
            "SELECT usename, useconnlimit, syslogaccess, sessiontimeout FROM svl_user_info \
             WHERE usename IN {both}"
        )
    } else if catalog.has("pg_roles", "rolconnlimit") {
        format!("SELECT rolname, rolconnlimit, NULL, NULL FROM pg_roles WHERE rolname IN {both}")
    } else {
        "SELECT NULL WHERE 1 = 0".to_owned()
    };
    let roles = if catalog.has("svv_user_grants", "admin_option") {
        format!(
            "SELECT user_name, role_name, admin_option FROM svv_user_grants WHERE user_name IN {both}"
        )
    } else {
        "SELECT NULL WHERE 1 = 0".to_owned()
    };
    Ok(vec![
        format!(
            "SELECT usename, usesuper, usecreatedb, valuntil, \
             array_to_string(useconfig, chr({})) FROM pg_user WHERE usename IN {both}",
            u32::from(SEPARATOR)
        ),
        format!(
            "SELECT u.usename, g.groname FROM pg_user u, pg_group g \
             WHERE u.usesysid = ANY (g.grolist) AND u.usename IN {both}"
        ),
        format!("SELECT groname FROM pg_group WHERE groname = '{MARK}'"),
        limits,
        roles,
    ])
}

/// How many queries that are.
pub(crate) const QUERIES: usize = 5;

pub(crate) fn read(tables: [Vec<Vec<Value>>; QUERIES], pair: &Pair) -> Result<Accounts, Failure> {
    let [users, groups, mark, limits, roles] = tables;
    let mut accounts = Accounts { base: None, clone: None, has_mark_group: !mark.is_empty() };
    for row in users {
        let (name, account) = Account::read(&row)?;
        if name == pair.base {
            accounts.base = Some(account);
        } else if name == pair.clone {
            accounts.clone = Some(account);
        }
    }
    for row in groups {
        let [Some(name), Some(group)] = row.as_slice() else { return Err(unreadable()) };
        let Some(account) = accounts.named(pair, name) else { continue };
        if group == MARK {
            account.marked = true;
        } else {
            account.groups.insert(group.clone());
        }
    }
    for row in limits {
        let [Some(name), connections, syslog, timeout] = row.as_slice() else {
            return Err(unreadable());
        };
        if let Some(account) = accounts.named(pair, name) {
            account.limits = Some(Limits::read(connections, syslog, timeout)?);
        }
    }
    for row in roles {
        let [Some(name), Some(role), may_grant] = row.as_slice() else {
            return Err(unreadable());
        };
        if let Some(account) = accounts.named(pair, name) {
            account.roles.insert(role.clone(), flag(may_grant)?);
        }
    }
    Ok(accounts)
}

impl Accounts {
    fn named(&mut self, pair: &Pair, name: &str) -> Option<&mut Account> {
        if name == pair.base {
            self.base.as_mut()
        } else if name == pair.clone {
            self.clone.as_mut()
        } else {
            None
        }
    }
}

impl Account {
    /// Its name, and what one row has of it.
    fn read(row: &[Value]) -> Result<(String, Self), Failure> {
        let [Some(name), superuser, create_database, valid_until, settings] = row else {
            return Err(unreadable());
        };
        let mut account = Self {
            superuser: flag(superuser)?,
            create_database: flag(create_database)?,
            valid_until: valid_until.clone().filter(|until| until != "infinity"),
            ..Self::default()
        };
        let entries = settings.as_deref().unwrap_or_default();
        for entry in entries.split(SEPARATOR).filter(|entry| !entry.is_empty()) {
            account.settings.add(&PRODUCT.dialect, None, entry)?;
        }
        Ok((name.clone(), account))
    }

    /// Whether there is anything by which another account could be like this one.
    pub(crate) fn has_memberships(&self) -> bool {
        !self.groups.is_empty() || !self.roles.is_empty()
    }

    /// Whether it may grant a role on.
    pub(crate) fn may_grant_roles(&self) -> bool {
        self.roles.values().any(|may_grant| *may_grant)
    }

    /// What makes `clone`, which is so now, the equal of this one, its rights and its mark left out: one
    /// for each attribute, in order. A setting's value may be nobody's business.
    pub(crate) fn changes_for(&self, clone: &Self, name: &str) -> Result<Vec<Change>, Failure> {
        let user = identifier(name)?;
        let mut changes = Vec::new();
        let mut alter = |what: String, option: &str| {
            changes.push(Change { what, statement: format!("ALTER USER {user} {option}") });
        };
        if self.create_database != clone.create_database {
            let word = |may: bool| if may { "CREATEDB" } else { "NOCREATEDB" };
            let (clones, own) = (word(clone.create_database), word(self.create_database));
            alter(format!("CREATEDB from {clones} to {own}"), own);
        }
        if self.valid_until != clone.valid_until {
            let shown =
                |until: &Option<String>| until.clone().unwrap_or_else(|| "infinity".to_owned());
            let what = format!(
                "VALID UNTIL from {} to {}",
                shown(&clone.valid_until),
                shown(&self.valid_until)
            );
            let until = self.valid_until.as_deref().unwrap_or("infinity");
            alter(what, &format!("VALID UNTIL {}", literal(until)?));
        }
        if let Some(limits) = &self.limits {
            for (what, option) in limits.options_for(clone.limits.as_ref()) {
                alter(what, &option);
            }
        }
        let settings = clone.settings.changes(&PRODUCT.dialect, &self.settings, name)?;
        changes.extend(settings.into_iter().map(|(setting, statement)| Change {
            what: format!("the setting {}", clean(&setting)),
            statement,
        }));
        changes.extend(self.memberships_for(clone, &user)?);
        Ok(changes)
    }

    /// The part of it that is about groups and roles; `user` is the clone's name, quoted.
    fn memberships_for(&self, clone: &Self, user: &str) -> Result<Vec<Change>, Failure> {
        let mut changes = Vec::new();
        let mut change = |what: String, statement: String| changes.push(Change { what, statement });
        for (action, groups) in [
            ("DROP", clone.groups.difference(&self.groups)),
            ("ADD", self.groups.difference(&clone.groups)),
        ] {
            for group in groups {
                let so = if action == "ADD" { "is not in" } else { "is in" };
                change(
                    format!("it {so} the group {:?}", clean(group)),
                    format!("ALTER GROUP {} {action} USER {user}", known(group)?),
                );
            }
        }
        for (role, may_grant) in &clone.roles {
            let (shown, role_name) = (clean(role), known(role)?);
            match self.roles.get(role) {
                None => change(
                    format!("it has the role {shown:?}"),
                    format!("REVOKE ROLE {role_name} FROM {user}"),
                ),
                Some(false) if *may_grant => change(
                    format!("it may grant the role {shown:?}"),
                    format!("REVOKE ADMIN OPTION FOR ROLE {role_name} FROM {user}"),
                ),
                Some(_) => {}
            }
        }
        for (role, may_grant) in &self.roles {
            let there = clone.roles.get(role);
            if there.is_none_or(|there| *may_grant && !there) {
                let option = if *may_grant { " WITH ADMIN OPTION" } else { "" };
                change(
                    format!("it has not the role {:?}{option}", clean(role)),
                    format!("GRANT ROLE {} TO {user}{option}", known(role)?),
                );
            }
        }
        Ok(changes)
    }

    /// Whether a clone made like this account lives longer than it does now.
    pub(crate) fn outlives(&self, clone: &Self) -> bool {
        is_longer(self.valid_until.as_deref(), clone.valid_until.as_deref())
    }

    /// Whether what only Redshift's own views say is known.
    pub(crate) fn has_limits(&self) -> bool {
        self.limits.is_some()
    }
}

impl Limits {
    fn read(connections: &Value, syslog: &Value, timeout: &Value) -> Result<Self, Failure> {
        let connections = connections.as_deref().unwrap_or_default().trim();
        let syslog = syslog.as_deref().map(str::trim).filter(|word| !word.is_empty());
        let is_number = connections.parse::<i32>().is_ok();
        if !(is_number || matches!(connections, "" | "UNLIMITED"))
            || !matches!(syslog, None | Some("RESTRICTED" | "UNRESTRICTED"))
        {
            return Err(unreadable());
        }
        let timeout = timeout.as_deref().map(str::parse).transpose().map_err(|_| unreadable())?;
        Ok(Self { connections: connections.to_owned(), syslog: syslog.map(str::to_owned), timeout })
    }

    /// The options of `ALTER USER` for a clone that has these, or was just created, each with what it
    /// changes.
    fn options_for(&self, clone: Option<&Self>) -> Vec<(String, String)> {
        let created = Self {
            connections: String::new(),
            syslog: self.syslog.as_ref().map(|_| "RESTRICTED".to_owned()),
            timeout: self.timeout.map(|_| 0),
        };
        let clone = clone.unwrap_or(&created);
        let mut options = Vec::new();
        if self.limit() != clone.limit() {
            let shown = |limit: Option<i32>| match limit {
                Some(limit) => limit.to_string(),
                None => "unlimited".to_owned(),
            };
            let what = format!(
                "CONNECTION LIMIT from {} to {}",
                shown(clone.limit()),
                shown(self.limit())
            );
            let option = match self.limit() {
                Some(limit) => format!("CONNECTION LIMIT {limit}"),
                // The word for it is the server's own.
                None if self.connections == "-1" => "CONNECTION LIMIT -1".to_owned(),
                None => "CONNECTION LIMIT UNLIMITED".to_owned(),
            };
            options.push((what, option));
        }
        if let Some(syslog) = self.syslog.as_ref().filter(|_| self.syslog != clone.syslog) {
            let before = clone.syslog.as_deref().unwrap_or("none");
            let what = format!("SYSLOG ACCESS from {before} to {syslog}");
            options.push((what, format!("SYSLOG ACCESS {syslog}")));
        }
        if self.timeout != clone.timeout {
            let shown = |timeout: Option<u32>| timeout.unwrap_or_default();
            let what = format!(
                "SESSION TIMEOUT from {} to {} seconds",
                shown(clone.timeout),
                shown(self.timeout)
            );
            let option = match self.timeout {
                Some(seconds) if seconds > 0 => format!("SESSION TIMEOUT {seconds}"),
                _ => "RESET SESSION TIMEOUT".to_owned(),
            };
            options.push((what, option));
        }
        options
    }

    fn limit(&self) -> Option<i32> {
        self.connections.parse().ok().filter(|limit| *limit >= 0)
    }
}

/// A boolean as either server writes it.
fn flag(value: &Value) -> Result<bool, Failure> {
    match value.as_deref() {
        Some("t" | "true" | "True" | "1") => Ok(true),
        Some("f" | "false" | "False" | "0") => Ok(false),
        _ => Err(unreadable()),
    }
}

fn unreadable() -> Failure {
    Failure::protocol("the catalog's rows about the users of the pair can't be read")
}

#[cfg(test)]
mod tests;
