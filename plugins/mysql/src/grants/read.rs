//! Rights as the servers write them (`SHOW GRANTS`). What can't be read is refused, never guessed.

use std::collections::BTreeSet;

use windlass_sdk::Failure;

use super::{Grants, Object, Privilege, Rights};
use crate::quote::{NAMED_MAX, for_people};
use crate::session::AccountName;
use crate::tokens::{Backslash, Token, Tokens, unreadable};

impl Grants {
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
            return Err(partial_revoke(tokens));
        }
        tokens.expect("GRANT")?;
        let row = row(tokens)?;
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
}

/// Everything that stands between `GRANT` and `TO`.
pub(super) fn row(tokens: &mut Tokens) -> Result<Vec<(Object, BTreeSet<Privilege>)>, Failure> {
    match tokens.name_if_there() {
        Some(first) => membership(first, tokens),
        None => privileges(tokens),
    }
}

/// A right on everything from which a database is taken again.
fn partial_revoke(tokens: &mut Tokens) -> Failure {
    let Ok(rights) = privileges(tokens) else { return unreadable() };
    let rights: Vec<_> = rights.iter().map(|(object, all)| object.with(all)).collect();
    let rights = for_people(&rights.join(", "), NAMED_MAX);
    Failure::unsupported(format!(
        "the account has a partial revoke ({rights}), which can't be given to another without \
         giving it more for a moment"
    ))
    .with_remedy(format!(
        "grant {rights} and grant the rights on *.* for the databases that are meant instead, or \
         let the user change its own password (strategy \"single-user\")"
    ))
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

/// The roles of a session, `NONE` where it has no role.
pub(super) fn roles(tokens: &mut Tokens) -> Result<Vec<(String, Option<String>)>, Failure> {
    let mut all = Vec::new();
    if tokens.takes("NONE") || tokens.is_empty() {
        return Ok(all);
    }
    loop {
        all.push(role(tokens)?);
        if !tokens.takes_mark(',') {
            return Ok(all);
        }
    }
}

fn role(tokens: &mut Tokens) -> Result<(String, Option<String>), Failure> {
    let name = tokens.name()?;
    let host = if tokens.takes_mark('@') { Some(tokens.name()?) } else { None };
    Ok((name, host))
}

/// Whether the rest of a grant, which says other things as well, has the option.
pub(super) fn ends_in_option(tokens: &mut Tokens) -> bool {
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
