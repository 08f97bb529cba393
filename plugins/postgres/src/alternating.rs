//! Two accounts that take turns: the change of the one that is not in force.
//!
//! The *base* is the account that people manage; the *clone* is a second key to it. The clone is a
//! member of the base and its sessions start as the base, so whatever either creates belongs to
//! the base, and a right granted to the base reaches both at once.
//!
//! - The clone's turn: it is created where it does not exist, and its attributes and settings are
//!   made equal to the base's, every time.
//! - The base's turn: it gets its password and is otherwise left alone. It is never rewritten from
//!   the clone, because what somebody changed since the last turn they changed on the base; where
//!   the two differ, the log says so.
//!
//! Whether the two are a pair, `proof` decides: a membership alone shows nothing. Nor is a clone
//! touched that may do what the base may not. Rights that were granted to the clone itself stay
//! granted, but its sessions, being the base's, don't use them.

use windlass_postgres_wire::{Session, literal};
use windlass_sdk::{Failure, LogLevel, Pair, Turn, log};

use crate::product::{PRODUCT, identifier};
use crate::proof::{self, Proof};
use crate::role::{Facts, Role};
use crate::transaction::{RunAs, begin, commit};

/// Changes the password of the half whose turn it is.
/// `administrator` is who signed in.
pub(crate) fn change(
    session: &mut Session,
    pair: &Pair,
    administrator: &str,
    password: &str,
) -> Result<(), Failure> {
    let begun = begin(session, RunAs::Configured, &Facts::queries(pair)?)?;
    let facts = Facts::read(begun.tables, pair)?;
    let plan = plan(pair, &facts, |name| begun.stored_as.make(name, password))?;
    commit(session, &plan.statements, &denied(pair, administrator)?)?;
    plan.notes.iter().for_each(|(level, note)| log(*level, note));
    Ok(())
}

/// What has to be done.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    statements: Vec<String>,
    /// What the operator should know once it is done.
    notes: Vec<(LogLevel, String)>,
}

/// Decides from the facts alone. `stored` makes the stored form of the new password for a name.
fn plan(pair: &Pair, facts: &Facts, stored: impl Fn(&str) -> String) -> Result<Plan, Failure> {
    let Pair { base: base_name, clone: clone_name, turn } = pair;
    let Some(base) = &facts.base else {
        return Err(Failure::declined(format!(
            "there is no role {base_name:?}, which {clone_name:?} would be the clone of"
        )));
    };
    if !base.can_login {
        return Err(Failure::declined(format!(
            "the role {base_name:?} may not log in: ALTER ROLE {} LOGIN",
            identifier(base_name)?
        )));
    }
    let Some(clone) = &facts.clone else {
        return match turn {
            Turn::Clone => create(pair, base, &stored(clone_name)),
            Turn::Base => Err(Failure::declined(format!(
                "there is no role {clone_name:?}, which should be in force now"
            ))),
        };
    };
    let proof = proof::check(pair, facts, base, clone)?;
    let mut plan = match turn {
        Turn::Clone => renew(pair, facts, base, clone, &stored(clone_name))?,
        Turn::Base => {
            let (name, stored) = (identifier(base_name)?, literal(&stored(base_name))?);
            let statements = vec![format!("ALTER ROLE {name} PASSWORD {stored}")];
            Plan { statements, notes: Vec::from_iter(drift(pair, base, clone)) }
        }
    };
    if proof == Proof::Equal {
        plan.statements.extend(proof::mark(pair, clone.comment.as_deref())?);
        let note = format!(
            "the role {clone_name:?} was not marked as the clone of {base_name:?}; it was taken for it \
             because it is a member of {base_name:?} and has nothing else"
        );
        plan.notes.push((LogLevel::Warn, note));
    }
    Ok(plan)
}

/// The clone's first turn. INHERIT whatever the base has: the right to connect to a database is
/// checked before the session becomes the base's, where the base's own INHERIT holds.
fn create(pair: &Pair, base: &Role, stored: &str) -> Result<Plan, Failure> {
    let clone = identifier(&pair.clone)?;
    let options = base.options_for(&Role::as_created())?;
    let mut statements = vec![
        format!("CREATE ROLE {clone} LOGIN INHERIT PASSWORD {}{options}", literal(stored)?),
        format!("GRANT {} TO {clone}", identifier(&pair.base)?),
    ];
    statements.extend(proof::mark(pair, None)?);
    let wanted = base.settings.starting_as(&pair.base);
    statements.extend(Role::as_created().settings.become_statements(
        &PRODUCT.dialect,
        &wanted,
        &pair.clone,
    )?);
    let note = format!("created the role {:?}, a member of {:?}", pair.clone, pair.base);
    Ok(Plan { statements, notes: vec![(LogLevel::Info, note)] })
}

/// Every further turn of the clone.
fn renew(
    pair: &Pair,
    facts: &Facts,
    base: &Role,
    clone: &Role,
    stored: &str,
) -> Result<Plan, Failure> {
    let name = identifier(&pair.clone)?;
    if let Some(excess) = clone.powers_beyond(base) {
        return Err(Failure::declined(format!(
            "the role {:?} is {excess} and {:?} is not, so it is not taken for its clone: ALTER \
             ROLE {name} NO{excess} if it is",
            pair.clone, pair.base
        )));
    }
    let wanted = base.settings.starting_as(&pair.base);
    if clone.settings.role().is_none() && facts.besides.objects {
        return Err(Failure::declined(format!(
            "the role {:?} owns objects that its sessions will not reach when they start as {:?}: \
             run REASSIGN OWNED BY {name} TO {} in each database first",
            pair.clone,
            pair.base,
            identifier(&pair.base)?
        )));
    }
    let options = base.options_for(clone)?;
    let mut statements = vec![format!("ALTER ROLE {name} PASSWORD {}{options}", literal(stored)?)];
    if facts.membership.is_some_and(|membership| !membership.is_full()) {
        // From PostgreSQL 16 on, where alone a membership can be less than that.
        let base = identifier(&pair.base)?;
        statements.push(format!("GRANT {base} TO {name} WITH INHERIT TRUE, SET TRUE"));
    }
    let settings = clone.settings.become_statements(&PRODUCT.dialect, &wanted, &pair.clone)?;
    let notes = (!settings.is_empty()).then(|| {
        let names = clone.settings.differences(&wanted).join(", ");
        (LogLevel::Info, format!("made {:?} equal to {:?} in: {names}", pair.clone, pair.base))
    });
    statements.extend(settings);
    Ok(Plan { statements, notes: Vec::from_iter(notes) })
}

/// On the base's turn: in what the clone, which was in force, was not like the base.
fn drift(pair: &Pair, base: &Role, clone: &Role) -> Option<(LogLevel, String)> {
    let wanted = base.settings.starting_as(&pair.base);
    let mut differences = base.differing_attributes(clone);
    differences.extend(clone.settings.differences(&wanted));
    (!differences.is_empty()).then(|| {
        let text = format!(
            "{:?} comes into force and differs from {:?} in: {}; make lasting changes on {:?}",
            pair.base,
            pair.clone,
            differences.join(", "),
            pair.base
        );
        (LogLevel::Warn, text)
    })
}

/// What an administrator lacks who may not do this.
fn denied(pair: &Pair, administrator: &str) -> Result<String, Failure> {
    let (base, clone) = (identifier(&pair.base)?, identifier(&pair.clone)?);
    let administrator = identifier(administrator)?;
    Ok(format!(
        "the administrator needs CREATEROLE and, from PostgreSQL 16 on, the admin option on both \
         accounts (GRANT {base} TO {administrator} WITH ADMIN OPTION, and the same for {clone} if \
         another administrator created it); what only a superuser may set has to be set on \
         {clone} by one; on RDS with rds.restrict_password_commands the administrator must be a \
         member of rds_password"
    ))
}

#[cfg(test)]
mod tests;
