//! Two users that take turns: the change of the one that is not in force.
//!
//! The *base* is the user that people manage; the *clone* is its equal: in attributes, settings,
//! groups, roles and rights. On every turn, whoever's it is, the clone is compared with the base, and
//! what differs is changed on the clone. Nothing is ever changed on the base but its password.
//!
//! Order: all is read and decided; then attributes, what the clone has too much, what it lacks; then
//! all is read again and must agree; the password comes last. It is one transaction. Were a statement
//! to hold at once all the same, the clone would have no right that the base has not, and a password
//! that nobody knows.
//!
//! Whether a user of the clone's name is the clone, a group says, of which the clone is made a member
//! at its creation; only an administrator can put anybody there. A user who is no member is taken for
//! it only if the two are equal in a way that neither can have made: the same rights and memberships,
//! and some of them, none that may be granted on, and nothing that either owns, which can't be made
//! equal. That is said in the log, and the clone becomes a member. Any other user is left alone.

use windlass_postgres_wire::Session;
use windlass_sdk::{Failure, LogLevel, Pair, Turn, clean, log};

use crate::account::{self, Account, Accounts, MARK};
use crate::catalog::{self, Catalog};
use crate::change::{alter, commit};
use crate::product::identifier;
use crate::rights::{self, Difference, OBJECTS_MAX, Object, PAGE};
use crate::stored::Form;

/// What an administrator lacks who may not do this.
const DENIED: &str = "the administrator of alternating users must be a superuser: it creates users and \
                      groups and grants every right of the other user";

/// How many objects a message names.
const NAMED: usize = 5;

/// How many statements go in one round trip: each may name a hundred objects, and the host waits 20 s
/// for an answer.
const STATEMENTS_AT_ONCE: usize = 25;

/// What was read.
#[derive(Debug)]
struct State {
    accounts: Accounts,
    objects: Vec<Object>,
}

/// Changes the password of the half whose turn it is to what is `stored`.
pub(crate) fn change(session: &mut Session, pair: &Pair, stored: &str) -> Result<(), Failure> {
    let catalog = catalog::begin(session)?;
    let state = read(session, &catalog, pair, &[], "reading what the users may do")?;
    let plan = plan(&catalog, pair, &state)?;
    if !plan.statements.is_empty() {
        let operation = "making the users equal";
        let after =
            read(session, &catalog, pair, &plan.statements, operation).map_err(explain_denied)?;
        check_equal(&catalog, pair, &after)?;
    }
    let next = match pair.turn {
        Turn::Base => &pair.base,
        Turn::Clone => &pair.clone,
    };
    commit(session, &alter(next, stored)?, next)?;
    plan.notes.iter().for_each(|(level, note)| log(*level, note));
    Ok(())
}

/// Runs `statements`, and reads what is there then: in one round trip for each page of rights.
fn read(
    session: &mut Session,
    catalog: &Catalog,
    pair: &Pair,
    statements: &[String],
    operation: &str,
) -> Result<State, Failure> {
    let ahead = statements.len().saturating_sub(STATEMENTS_AT_ONCE);
    let (ahead, with_queries) = statements.split_at(ahead);
    for some in ahead.chunks(STATEMENTS_AT_ONCE) {
        session.run(&some.join("; "), operation)?;
    }
    let mut first = with_queries.to_vec();
    first.extend(account::queries(catalog, pair)?);
    first.push(rights::query(catalog, pair, 0)?);
    let mut tables = session.run(&first.join("; "), operation)?.tables;
    let unreadable =
        || Failure::protocol(format!("{operation}: the server's catalog can't be read"));
    let mut page = tables.pop().ok_or_else(unreadable)?;
    let tables = <[_; account::QUERIES]>::try_from(tables).map_err(|_| unreadable())?;
    let accounts = account::read(tables, pair)?;
    let mut objects = Vec::new();
    loop {
        let is_last = page.len() < PAGE;
        for row in page {
            objects.push(Object::read(row)?);
        }
        if is_last {
            return Ok(State { accounts, objects });
        }
        if objects.len() >= OBJECTS_MAX {
            return Err(Failure::unsupported(format!(
                "the users have rights on more than {OBJECTS_MAX} objects: grant them to a group that \
                 both are in"
            )));
        }
        let query = rights::query(catalog, pair, objects.len())?;
        page = session.run(&query, operation)?.tables.pop().ok_or_else(unreadable)?;
    }
}

/// What has to be done before the password.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    statements: Vec<String>,
    /// What the operator should know once it is done.
    notes: Vec<(LogLevel, String)>,
}

/// Decides from what was read alone.
fn plan(catalog: &Catalog, pair: &Pair, state: &State) -> Result<Plan, Failure> {
    let Pair { base: base_name, clone: clone_name, .. } = pair;
    let Some(base) = &state.accounts.base else {
        return Err(Failure::declined(format!(
            "there is no user {base_name:?}, which {clone_name:?} would be the clone of"
        )));
    };
    if base.superuser {
        return Err(Failure::declined(format!(
            "the user {base_name:?} is a superuser, and is not given an equal: let it change its own \
             password (the strategy single-user)"
        )));
    }
    let difference = rights::compare(&state.objects, pair, catalog.is_redshift())?;
    let mut plan = Plan::default();
    let user = identifier(clone_name)?;
    if !state.accounts.has_mark_group {
        plan.statements.push(format!("CREATE GROUP {}", identifier(MARK)?));
    }
    let add_mark = format!("ALTER GROUP {} ADD USER {user}", identifier(MARK)?);
    let clone = match (&state.accounts.clone, pair.turn) {
        (None, Turn::Base) => {
            return Err(Failure::declined(format!(
                "there is no user {clone_name:?}, which should be in force now"
            )));
        }
        (None, Turn::Clone) => {
            let nobody_knows = Form::locked(clone_name);
            plan.statements.push(format!("CREATE USER {user} PASSWORD '{nobody_knows}'"));
            plan.statements.push(add_mark);
            let note = format!("created the user {clone_name:?} as the equal of {base_name:?}");
            plan.notes.push((LogLevel::Info, note));
            &Account::default()
        }
        (Some(clone), _) => {
            check_clone(pair, base, clone, &difference)?;
            if !clone.marked {
                plan.statements.push(add_mark);
                let note = format!(
                    "the user {clone_name:?} was not marked as the clone of {base_name:?} (the group \
                     {MARK:?}); it was taken for it because the two are equal in their rights and in \
                     everything else that only an administrator sets"
                );
                plan.notes.push((LogLevel::Warn, note));
            }
            clone
        }
    };
    let attributes = base.statements_for(clone, clone_name)?;
    if state.accounts.clone.is_some()
        && !(attributes.is_empty() && difference.statements.is_empty())
    {
        let named = listed(&difference.differing);
        let attributes = attributes.len();
        let note = format!(
            "made {clone_name:?} equal to {base_name:?}: {attributes} attributes and memberships, \
             rights on {} objects{named}; make lasting changes on {base_name:?}",
            difference.differing.len()
        );
        plan.notes.push((LogLevel::Info, note));
    }
    plan.statements.extend(attributes);
    plan.statements.extend(difference.statements.iter().cloned());
    // Without this Redshift reads even a quoted name in small letters, those of users excepted. Where
    // there is no capital it is not needed, and not asked for.
    if catalog.is_redshift() && plan.statements.iter().any(|one| has_capitals(one)) {
        plan.statements.insert(0, "SET LOCAL enable_case_sensitive_identifier TO true".to_owned());
    }
    plan.notes.extend(warnings(pair, base, &difference));
    Ok(plan)
}

/// Whether a quoted name in the statement has a capital letter.
fn has_capitals(statement: &str) -> bool {
    let mut quoted = statement.split('"').skip(1).step_by(2);
    quoted.any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase()))
}

fn check_clone(
    pair: &Pair,
    base: &Account,
    clone: &Account,
    difference: &Difference,
) -> Result<(), Failure> {
    let user = identifier(&pair.clone)?;
    if clone.superuser {
        return Err(Failure::declined(format!(
            "the user {:?} is a superuser and {:?} is not, so it is not taken for its clone: ALTER \
             USER {user} NOCREATEUSER if it is",
            pair.clone, pair.base
        )));
    }
    if clone.marked {
        return Ok(());
    }
    let Some(doubt) = doubt(pair, base, clone, difference)? else { return Ok(()) };
    Err(Failure::declined(format!(
        "the user {:?} is not a member of the group {MARK:?} and nothing else shows that it is the \
         clone of {:?} ({doubt}), so neither was changed: rename it, or, if it is the clone, CREATE \
         GROUP {MARK} if there is none, and ALTER GROUP {MARK} ADD USER {user}",
        pair.clone, pair.base
    )))
}

/// Why the equality of two users does not show that they are a pair.
fn doubt(
    pair: &Pair,
    base: &Account,
    clone: &Account,
    difference: &Difference,
) -> Result<Option<&'static str>, Failure> {
    let differ = !base.statements_for(clone, &pair.clone)?.is_empty()
        || !difference.statements.is_empty()
        || !difference.unknown.is_empty();
    let owns = difference.base_owns || !difference.owned_by_clone.is_empty();
    let may_grant = difference.base_may_grant || base.may_grant_roles();
    let has_any = difference.base_has_rights || base.has_memberships();
    Ok(if differ {
        Some("their rights, memberships or attributes differ")
    } else if owns || difference.own_defaults {
        Some("one of them owns something, or has default privileges for what it creates")
    } else if may_grant {
        Some("they may grant rights on, so either could have made them equal")
    } else if has_any {
        None
    } else {
        Some("they have nothing in which they are equal")
    })
}

/// After the change: nothing may be left to do.
fn check_equal(catalog: &Catalog, pair: &Pair, after: &State) -> Result<(), Failure> {
    let left = |what: &str| {
        Failure::declined(format!(
            "making the users equal: {:?} still differs from {:?} in {what}: what somebody else than \
             the owner granted, that one or the owner has to take back; nothing was changed",
            pair.clone, pair.base
        ))
    };
    let (Some(base), Some(clone)) = (&after.accounts.base, &after.accounts.clone) else {
        return Err(left("being there"));
    };
    if !clone.marked || !base.statements_for(clone, &pair.clone)?.is_empty() {
        return Err(left("its attributes or memberships"));
    }
    let difference = rights::compare(&after.objects, pair, catalog.is_redshift())?;
    if difference.statements.is_empty() {
        Ok(())
    } else {
        Err(left(&format!("rights{}", listed(&difference.differing))))
    }
}

/// What could not be made equal.
fn warnings(pair: &Pair, base: &Account, difference: &Difference) -> Vec<(LogLevel, String)> {
    let Pair { base: base_name, clone: clone_name, .. } = pair;
    let mut warnings = Vec::new();
    if !difference.owned_by_clone.is_empty() {
        warnings.push(format!(
            "{clone_name:?} owns {} objects, which {base_name:?} may not use as an owner{}: ALTER … \
             OWNER TO {base_name:?}, and let users that take turns own nothing",
            difference.owned_by_clone.len(),
            listed(&difference.owned_by_clone)
        ));
    }
    if !difference.unknown.is_empty() {
        let unknown: Vec<_> = difference.unknown.iter().cloned().collect();
        warnings.push(format!(
            "privileges that this plugin does not know are not made equal{}: grant or revoke them on \
             both users",
            listed(&unknown)
        ));
    }
    if difference.own_defaults {
        warnings.push(format!(
            "{base_name:?} has default privileges for what it creates, which are not given to \
             {clone_name:?}: ALTER DEFAULT PRIVILEGES FOR USER … for both"
        ));
    }
    if !base.has_limits() {
        warnings.push(format!(
            "the connection limit, the session timeout and the access to system logs of {base_name:?} \
             can't be read and are not made equal: that takes a superuser"
        ));
    }
    warnings.into_iter().map(|warning| (LogLevel::Warn, warning)).collect()
}

/// The first few, in brackets.
fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let more = if names.len() > NAMED { ", …" } else { "" };
    let first: Vec<_> = names.iter().take(NAMED).map(|name| clean(name)).collect();
    format!(" ({}{more})", first.join(", "))
}

fn explain_denied(mut failure: Failure) -> Failure {
    if failure.code == "42501" {
        failure.message = format!("{}: {DENIED}", failure.message);
    }
    failure
}

#[cfg(test)]
mod tests;
