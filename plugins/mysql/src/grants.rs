//! An account's rights (`SHOW GRANTS`), and what makes one account's those of another.
//!
//! Compared right by right, so that only differences are written. What one has and the other has
//! not is taken away before anything is given: whenever it stops, nobody has a right that the model
//! has not.

use std::collections::{BTreeMap, BTreeSet};

use windlass_sdk::Failure;

use crate::quote::identifier;
use crate::session::{AccountName, Session};
use crate::tokens::{Backslash, Token, Tokens, unreadable};
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
pub(crate) struct Step {
    pub(crate) statement: String,
    pub(crate) gives: Option<(Object, BTreeSet<Privilege>)>,
}

const ALL: &str = "ALL PRIVILEGES";

impl Grants {
    /// Asks the server.
    pub(crate) fn of(
        session: &mut Session,
        version: Version,
        name: &AccountName,
    ) -> Result<Self, Failure> {
        let statement = format!("SHOW GRANTS FOR {}", name.quoted());
        let rows = session.query(&statement, "reading the account's rights")?;
        let rows: Vec<String> = rows.into_iter().flatten().flatten().collect();
        Self::read(rows.iter().map(String::as_str), name, version.backslash())
    }

    pub(crate) fn read<'a>(
        rows: impl Iterator<Item = &'a str>,
        name: &AccountName,
        backslash: Backslash,
    ) -> Result<Self, Failure> {
        let mut grants = Self::default();
        for row in rows {
            grants.read_row(&mut Tokens::read(row, backslash)?, name)?;
        }
        grants.rights.retain(|_, rights| *rights != Rights::default());
        Ok(grants)
    }

    fn read_row(&mut self, tokens: &mut Tokens, name: &AccountName) -> Result<(), Failure> {
        if tokens.takes_all("SET DEFAULT ROLE")? {
            let role = role(tokens)?;
            tokens.expect("FOR")?;
            if account(tokens)?.as_ref() == Some(name) {
                self.default_roles.insert(role);
            }
            return Ok(());
        }
        if tokens.takes("REVOKE") {
            return Err(Failure::unsupported(
                "the account has partial revokes, which can't be given to another without giving \
                 it more for a moment",
            ));
        }
        tokens.expect("GRANT")?;
        let row = match tokens.name_if_there() {
            Some(first) => membership(first, tokens)?,
            None => privileges(tokens)?,
        };
        tokens.expect("TO")?;
        // Some versions list what the account has through its roles and PUBLIC as well.
        if account(tokens)?.as_ref() != Some(name) {
            return Ok(());
        }
        let may_grant = ends_in_option(tokens);
        for (object, privileges) in row {
            let own = self.rights.entry(object).or_default();
            own.privileges.extend(privileges);
            own.may_grant |= may_grant;
        }
        Ok(())
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

    /// What `other` lacks of these, for people.
    pub(crate) fn beyond(&self, other: &Self) -> Vec<String> {
        let mut beyond = Vec::new();
        for (object, own) in &self.rights {
            let theirs = other.rights.get(object).cloned().unwrap_or_default();
            let missing = own.without(&theirs);
            if !missing.is_empty() {
                beyond.push(format!("{} {}", list(&missing), object.on()));
            } else if own.may_grant && !theirs.may_grant {
                beyond.push(format!("GRANT OPTION {}", object.on()));
            }
        }
        let roles = self.default_roles.difference(&other.default_roles);
        beyond.extend(roles.map(|role| format!("the default role {}", role_name(role))));
        beyond
    }

    /// The steps that make `current`, the rights of the account `who`, these.
    pub(crate) fn steps_from(&self, current: &Self, who: &str) -> Vec<Step> {
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
    fn take_from(&self, have: &mut Self, object: &Object, who: &str) -> Vec<Step> {
        let mut statements = Vec::new();
        let excess = have.without(self);
        let option_too_many = have.may_grant && !self.may_grant;
        match object {
            // Here the option goes with the right itself.
            Object::Role(..) | Object::Proxy(_) | Object::Dynamic(_)
                if !excess.is_empty() || option_too_many =>
            {
                statements.push(match object {
                    Object::Role(..) => format!("REVOKE {} FROM {who}", object.text()),
                    _ => format!("REVOKE {} {} FROM {who}", list(&have.privileges), object.on()),
                });
                *have = Self::default();
            }
            _ => {
                if !excess.is_empty() {
                    statements.push(format!("REVOKE {} {} FROM {who}", list(&excess), object.on()));
                    have.privileges.retain(|privilege| !excess.contains(privilege));
                }
                if option_too_many {
                    statements.push(format!("REVOKE GRANT OPTION {} FROM {who}", object.on()));
                    have.may_grant = false;
                }
            }
        }
        let step = |statement| Step { statement, gives: None };
        statements.into_iter().map(step).collect()
    }

    /// What gives `have` everything that it lacks of these.
    fn give_to(&self, have: &Self, object: &Object, who: &str) -> Option<Step> {
        let missing = self.without(have);
        let option = self.may_grant && !have.may_grant;
        if missing.is_empty() && !option {
            return None;
        }
        let statement = grant(object, &missing, option, who);
        Some(Step { statement, gives: Some((object.clone(), missing)) })
    }
}

impl Step {
    /// The same in statements of one privilege each, where one of several can't be given.
    pub(crate) fn apart(&self, who: &str) -> Vec<Self> {
        let Some((object, privileges)) = &self.gives else { return Vec::new() };
        let one = |privilege: &Privilege| {
            let privileges = BTreeSet::from([privilege.clone()]);
            let statement = grant(object, &privileges, false, who);
            Self { statement, gives: Some((object.clone(), privileges)) }
        };
        privileges.iter().map(one).collect()
    }
}

impl Object {
    /// `ON …`, or a role's name.
    fn on(&self) -> String {
        match self {
            Self::Role(..) => format!("of the role {}", self.text()),
            _ => format!("ON {}", self.text()),
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

/// Everything that stands before `TO` in a grant of roles.
fn membership(
    first: String,
    tokens: &mut Tokens,
) -> Result<Vec<(Object, BTreeSet<Privilege>)>, Failure> {
    let mut all = Vec::new();
    let mut name = first;
    loop {
        let host = if tokens.takes_mark('@') { Some(tokens.name()?) } else { None };
        let member = BTreeSet::from([("MEMBER".to_owned(), None)]);
        all.push((Object::Role(name, host), member));
        if !tokens.takes_mark(',') {
            return Ok(all);
        }
        name = tokens.name()?;
    }
}

/// Everything that stands before `TO` in a grant of privileges.
fn privileges(tokens: &mut Tokens) -> Result<Vec<(Object, BTreeSet<Privilege>)>, Failure> {
    let mut all = BTreeSet::new();
    loop {
        let mut words = Vec::new();
        while let Some(word) = tokens.word_if(|word| word != "ON") {
            words.push(word);
        }
        let name = words.join(" ");
        if name.is_empty() {
            return Err(unreadable());
        }
        if tokens.takes_mark('(') {
            loop {
                let column = tokens.name_if_there().map_or_else(|| tokens.word(), Ok)?;
                all.insert((name.clone(), Some(column)));
                if !tokens.takes_mark(',') {
                    break;
                }
            }
            tokens.expect_mark(')')?;
        } else if name != "USAGE" {
            all.insert((name, None));
        }
        if !tokens.takes_mark(',') {
            break;
        }
    }
    tokens.expect("ON")?;
    if all.iter().any(|(name, _)| name == "PROXY") {
        let account = account(tokens)?.ok_or_else(unreadable)?;
        return Ok(vec![(Object::Proxy(account), all)]);
    }
    let object = object(tokens)?;
    if object != Object::Global {
        return Ok(vec![(object, all)]);
    }
    // Only names of dynamic privileges are one word with underscores.
    let (dynamic, fixed): (BTreeSet<_>, BTreeSet<_>) =
        all.into_iter().partition(|(name, _)| name.contains('_'));
    let mut rows: Vec<_> = dynamic
        .into_iter()
        .map(|privilege| (Object::Dynamic(privilege.0.clone()), BTreeSet::from([privilege])))
        .collect();
    if rows.is_empty() || !fixed.is_empty() {
        rows.push((Object::Global, fixed));
    }
    Ok(rows)
}

fn object(tokens: &mut Tokens) -> Result<Object, Failure> {
    if tokens.takes_mark('*') {
        tokens.expect_mark('.')?;
        tokens.expect_mark('*')?;
        return Ok(Object::Global);
    }
    let mut kind = Vec::new();
    while let Some(word) = tokens.word_if(|_| true) {
        kind.push(word);
    }
    let database = tokens.name()?;
    tokens.expect_mark('.')?;
    let any = tokens.takes_mark('*');
    match kind.join(" ").as_str() {
        "" | "TABLE" if any => Ok(Object::Database(database)),
        "" | "TABLE" => Ok(Object::Table(database, tokens.name()?)),
        kind @ ("FUNCTION" | "PROCEDURE" | "PACKAGE" | "PACKAGE BODY") if !any => {
            Ok(Object::Routine(kind.to_owned(), database, tokens.name()?))
        }
        _ => Err(unreadable()),
    }
}

/// An account, or `None` where it is a role of MariaDB's or PUBLIC.
fn account(tokens: &mut Tokens) -> Result<Option<AccountName>, Failure> {
    if tokens.takes("PUBLIC") {
        return Ok(None);
    }
    let user = tokens.name()?;
    if !tokens.takes_mark('@') {
        return Ok(None);
    }
    Ok(Some(AccountName { user, host: tokens.name()? }))
}

fn role(tokens: &mut Tokens) -> Result<(String, Option<String>), Failure> {
    let name = tokens.name()?;
    let host = if tokens.takes_mark('@') { Some(tokens.name()?) } else { None };
    Ok((name, host))
}

/// Whether the rest of a grant, which says other things as well, has the option.
fn ends_in_option(tokens: &mut Tokens) -> bool {
    let mut before = None;
    while let Some(token) = tokens.next() {
        let Token::Word(word) = token else { continue };
        if word == "OPTION" && before.as_deref().is_some_and(|it| it == "GRANT" || it == "ADMIN") {
            return true;
        }
        before = Some(word);
    }
    false
}

#[cfg(test)]
mod tests;
