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
//! equal. That is said in the log, and the clone becomes a member. Any other user is left alone, and
//! what differs is said (`pairs`).

use windlass_postgres_wire::Session;
use windlass_sdk::{Failure, LogLevel, Pair, Turn, log};

use crate::account::{self, Account, Accounts, Change, MARK};
use crate::catalog::{self, Access, Catalog};
use crate::pairs;
use crate::product::identifier;
use crate::rights::{self, Difference, OBJECTS_MAX, Object, PAGE};
use crate::statement::{alter, commit};
use crate::stored::Form;

/// What an administrator lacks who may not do this.
pub(crate) const DENIED: &str = "make the administrator of alternating users a superuser (ALTER USER … \
                                 CREATEUSER): it creates users and groups and grants every right of the \
                                 other user";

/// How many statements go in one round trip: each may name a hundred objects, and the host waits 20 s
/// for an answer.
const STATEMENTS_AT_ONCE: usize = 25;

/// What was read.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) accounts: Accounts,
    pub(crate) objects: Vec<Object>,
}

/// Changes the password of the half whose turn it is to what is `stored`.
pub(crate) fn change(session: &mut Session, pair: &Pair, stored: &str) -> Result<(), Failure> {
    let catalog = catalog::begin(session, Access::Write)?;
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
pub(crate) fn read(
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
                "the users have rights on more than {OBJECTS_MAX} objects"
            ))
            .with_remedy("grant them to a group that both are in"));
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
    let base = model(pair, &state.accounts)?;
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
            ))
            .with_remedy(format!("set \"username\" in the secret to {base_name:?}")));
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
            pairs::check(pair, &state.accounts, base, clone, &difference)?;
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
    let changes = base.changes_for(clone, clone_name)?;
    if state.accounts.clone.is_some() {
        plan.notes.extend(corrections(pair, base, clone, &changes, &difference));
    }
    plan.statements.extend(changes.into_iter().map(|change| change.statement));
    plan.statements.extend(difference.statements.iter().cloned());
    // Without this Redshift reads even a quoted name in small letters, those of users excepted. Where
    // there is no capital it is not needed, and not asked for.
    if catalog.is_redshift() && plan.statements.iter().any(|one| has_capitals(one)) {
        plan.statements.insert(0, "SET LOCAL enable_case_sensitive_identifier TO true".to_owned());
    }
    plan.notes.extend(warnings(pair, base, &difference));
    Ok(plan)
}

/// The user that the clone is to be the equal of.
fn model<'a>(pair: &Pair, accounts: &'a Accounts) -> Result<&'a Account, Failure> {
    let Pair { base: base_name, clone: clone_name, .. } = pair;
    let Some(base) = &accounts.base else {
        return Err(Failure::declined(format!(
            "there is no user {base_name:?}, which {clone_name:?} would be the clone of"
        ))
        .with_remedy("set \"username\" in the secret to a user that exists"));
    };
    if base.superuser {
        return Err(Failure::declined(format!(
            "the user {base_name:?} is a superuser, so no second user is made its equal"
        ))
        .with_remedy("use the strategy single-user, in which it changes its own password"));
    }
    Ok(base)
}

/// Whether a quoted name in the statement has a capital letter.
fn has_capitals(statement: &str) -> bool {
    let mut quoted = statement.split('"').skip(1).step_by(2);
    quoted.any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase()))
}

/// What is changed in a clone that was there, attributes with both values. A longer life is warned of.
fn corrections(
    pair: &Pair,
    base: &Account,
    clone: &Account,
    changes: &[Change],
    difference: &Difference,
) -> Option<(LogLevel, String)> {
    let mut parts: Vec<String> = changes.iter().map(|change| change.what.clone()).collect();
    if !difference.differing.is_empty() {
        let objects = difference.differing.iter().map(|one| one.object.clone());
        let objects: Vec<_> = objects.collect();
        parts.push(format!("rights on {} objects{}", objects.len(), listed(&objects)));
    }
    if parts.is_empty() {
        return None;
    }
    let level = if base.outlives(clone) { LogLevel::Warn } else { LogLevel::Info };
    let text = format!(
        "made {:?} equal to {:?}: {}; make lasting changes on {1:?}",
        pair.clone,
        pair.base,
        pairs::first_of(&parts)
    );
    Some((level, text))
}

/// After the change: nothing may be left to do.
fn check_equal(catalog: &Catalog, pair: &Pair, after: &State) -> Result<(), Failure> {
    let left = |what: &str| {
        Failure::declined(format!(
            "making the users equal: {:?} still differs from {:?} in {what}; nothing was changed",
            pair.clone, pair.base
        ))
        .with_remedy(
            "REVOKE, as the owner or as whoever granted it, what somebody else than the owner granted to \
             the clone",
        )
    };
    let (Some(base), Some(clone)) = (&after.accounts.base, &after.accounts.clone) else {
        return Err(left("being there"));
    };
    if !clone.marked || !base.changes_for(clone, &pair.clone)?.is_empty() {
        return Err(left("its attributes or memberships"));
    }
    let difference = rights::compare(&after.objects, pair, catalog.is_redshift())?;
    if difference.statements.is_empty() {
        Ok(())
    } else {
        let objects = difference.differing.into_iter().map(|one| one.object);
        Err(left(&format!("rights{}", listed(&objects.collect::<Vec<_>>()))))
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
    if names.is_empty() { String::new() } else { format!(" ({})", pairs::first_of(names)) }
}

fn explain_denied(failure: Failure) -> Failure {
    if failure.code == "42501" { failure.with_remedy(DENIED) } else { failure }
}

#[cfg(test)]
mod tests;
