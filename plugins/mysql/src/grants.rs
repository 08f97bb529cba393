//! An account's rights (`SHOW GRANTS`), and what makes one account's those of another.
//!
//! Compared right by right, so that only differences are written. What one has and the other has
//! not is taken away before anything is given: whenever it stops, nobody has a right that the model
//! has not.

mod handing_on;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use windlass_sdk::Failure;

use crate::quote::identifier;
use crate::session::{AccountName, Session};
use crate::version::Version;

/// What a right is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Object {
    /// `PROXY ON`: becoming another account. First, because MariaDB gives `GRANT OPTION` on
    /// everything with it, which is taken back then.
    Proxy(AccountName),
    /// `*.*`.
    Global,
    /// A privilege of MySQL's that plugins may add to; each has its own `GRANT OPTION`.
    Dynamic(String),
    /// `database.*`, wildcards and all.
    Database(String),
    /// `database.table`.
    Table(String, String),
    /// A kind of routine, its database and its name.
    Routine(String, String, String),
    /// Membership; MariaDB's roles have no host.
    Role(String, Option<String>),
}

/// A privilege, and the column where it is for one.
pub(crate) type Privilege = (String, Option<String>);

/// The rights on one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    privileges: BTreeSet<Privilege>,
    /// `GRANT OPTION`, or `ADMIN OPTION` of a role.
    may_grant: bool,
}

/// All rights of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    pub(crate) rights: BTreeMap<Object, Rights>,
    pub(crate) default_roles: BTreeSet<(String, Option<String>)>,
}

/// A statement, and which right it gives; a statement that takes gives none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantChange {
    pub(crate) statement: String,
    pub(crate) gives: Option<(Object, BTreeSet<Privilege>)>,
    /// The right that is given or taken, for people.
    pub(crate) about: String,
    /// Whether the server understands the statement in its Oracle mode only, as MariaDB does where
    /// packages are named.
    pub(crate) in_oracle_mode: bool,
}

const ALL: &str = "ALL PRIVILEGES";

impl Grants {
    /// Asks the server about an account.
    pub(crate) fn ask(
        session: &mut Session,
        version: Version,
        name: &AccountName,
    ) -> Result<Self, Failure> {
        let statement = format!("SHOW GRANTS FOR {}", name.quoted());
        let rows = session.query(&statement, "reading the account's rights")?;
        let rows: Vec<String> = rows.into_iter().flatten().flatten().collect();
        Self::read(rows.iter().map(String::as_str), name, version.backslash())
    }

    /// Whether there is any right at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.rights.is_empty()
    }

    /// Whether anything of it may be handed on, or taken back: then the account can give another its
    /// own rights, and itself fewer.
    pub(crate) fn may_grant(&self) -> bool {
        self.rights.values().any(|rights| rights.may_grant)
    }

    /// The steps that make `current`, the rights of the account `who`, these.
    pub(crate) fn changes_from(&self, current: &Self, who: &str) -> Vec<GrantChange> {
        let mut taken = Vec::new();
        let mut given = Vec::new();
        let none = Rights::default();
        let objects: BTreeSet<_> = self.rights.keys().chain(current.rights.keys()).collect();
        for object in objects {
            let wanted = self.rights.get(object).unwrap_or(&none);
            let mut have = current.rights.get(object).unwrap_or(&none).clone();
            taken.extend(wanted.take_from(&mut have, object, who));
            given.extend(wanted.give_to(&have, object, who));
        }
        taken.extend(given);
        taken
    }
}

impl Rights {
    /// Those that `other` has not.
    fn without(&self, other: &Self) -> BTreeSet<Privilege> {
        if other.has_all() {
            return BTreeSet::new();
        }
        self.privileges.difference(&other.privileges).cloned().collect()
    }

    fn has_all(&self) -> bool {
        self.privileges.iter().any(|(name, _)| name == ALL)
    }

    /// What takes away from `have` everything that is not in these; `have` becomes what is left.
    fn take_from(&self, have: &mut Self, object: &Object, who: &str) -> Vec<GrantChange> {
        let mut steps = Vec::new();
        let mut take = |about: String, what: String| {
            let statement = format!("REVOKE {what} FROM {who}");
            steps.push(GrantChange::new(object, statement, None, about));
        };
        let excess = have.without(self);
        let option_too_many = have.may_grant && !self.may_grant;
        match object {
            // Here the option goes with the right itself.
            Object::Role(..) | Object::Proxy(_) | Object::Dynamic(_)
                if !excess.is_empty() || option_too_many =>
            {
                let about = match excess.is_empty() {
                    true => object.option(),
                    false => object.with(&have.privileges),
                };
                let what = match object {
                    Object::Role(..) => object.text(),
                    _ => object.with(&have.privileges),
                };
                take(about, what);
                *have = Self::default();
            }
            _ => {
                if !excess.is_empty() {
                    let what = object.with(&excess);
                    take(what.clone(), what);
                    have.privileges.retain(|privilege| !excess.contains(privilege));
                }
                if option_too_many {
                    take(object.option(), object.option());
                    have.may_grant = false;
                }
            }
        }
        steps
    }

    /// What gives `have` everything that it lacks of these.
    fn give_to(&self, have: &Self, object: &Object, who: &str) -> Option<GrantChange> {
        let missing = self.without(have);
        let option = self.may_grant && !have.may_grant;
        if missing.is_empty() && !option {
            return None;
        }
        let statement = grant(object, &missing, option, who);
        let about = match (missing.is_empty(), option) {
            (true, _) => object.option(),
            (false, false) => object.with(&missing),
            (false, true) => format!("{} and {}", object.with(&missing), object.option()),
        };
        Some(GrantChange::new(object, statement, Some(missing), about))
    }
}

impl GrantChange {
    fn new(
        object: &Object,
        statement: String,
        gives: Option<BTreeSet<Privilege>>,
        about: String,
    ) -> Self {
        let packages = matches!(object, Object::Routine(kind, ..) if kind.starts_with("PACKAGE"));
        let gives = gives.map(|privileges| (object.clone(), privileges));
        Self { statement, gives, about, in_oracle_mode: packages }
    }

    /// The same in statements of one privilege each, where one of several can't be given.
    pub(crate) fn apart(&self, who: &str) -> Vec<Self> {
        let Some((object, privileges)) = &self.gives else { return Vec::new() };
        let one = |privilege: &Privilege| {
            let privileges = BTreeSet::from([privilege.clone()]);
            let statement = grant(object, &privileges, false, who);
            let about = object.with(&privileges);
            Self::new(object, statement, Some(privileges), about)
        };
        privileges.iter().map(one).collect()
    }
}

impl Object {
    /// `ON …`.
    fn on(&self) -> String {
        format!("ON {}", self.text())
    }

    /// Rights on it, as statements and people name them.
    fn with(&self, privileges: &BTreeSet<Privilege>) -> String {
        match self {
            Self::Role(..) => format!("the role {}", self.text()),
            _ => format!("{} {}", list(privileges), self.on()),
        }
    }

    /// The right to hand this one on.
    fn option(&self) -> String {
        match self {
            Self::Role(..) => format!("ADMIN OPTION of the role {}", self.text()),
            _ => format!("GRANT OPTION {}", self.on()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Global | Self::Dynamic(_) => "*.*".to_owned(),
            Self::Database(database) => format!("{}.*", identifier(database)),
            Self::Table(database, table) => {
                format!("{}.{}", identifier(database), identifier(table))
            }
            Self::Routine(kind, database, name) => {
                format!("{kind} {}.{}", identifier(database), identifier(name))
            }
            Self::Proxy(account) => account.quoted(),
            Self::Role(name, host) => role_name(&(name.clone(), host.clone())),
        }
    }
}

/// `GRANT …`; without a privilege it is only the option that is given.
fn grant(object: &Object, privileges: &BTreeSet<Privilege>, option: bool, who: &str) -> String {
    match object {
        Object::Role(..) => {
            let option = if option { " WITH ADMIN OPTION" } else { "" };
            format!("GRANT {} TO {who}{option}", object.text())
        }
        _ => {
            let what = match object {
                Object::Proxy(_) => "PROXY".to_owned(),
                Object::Dynamic(name) => name.clone(),
                _ if privileges.is_empty() => "USAGE".to_owned(),
                _ => list(privileges),
            };
            let option = if option { " WITH GRANT OPTION" } else { "" };
            format!("GRANT {what} {} TO {who}{option}", object.on())
        }
    }
}

/// Privileges as a statement lists them.
fn list(privileges: &BTreeSet<Privilege>) -> String {
    let one = |(name, column): &Privilege| match column {
        Some(column) => format!("{name} ({})", identifier(column)),
        None => name.clone(),
    };
    privileges.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(crate) fn role_name((name, host): &(String, Option<String>)) -> String {
    match host {
        Some(host) => format!("{}@{}", identifier(name), identifier(host)),
        None => identifier(name),
    }
}

#[cfg(test)]
mod tests;
