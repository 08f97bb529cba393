//! Two accounts that take turns: the change of the one that is not in force.
//!
//! The *base* is the account that people manage; the *clone* is a second key to it. The clone is a
//! member of the base and its sessions start as the base, so whatever either creates belongs to
//! the base, and a right granted to the base reaches both at once.
//!
//! - The clone's turn: it is created where it does not exist, and its attributes and settings are
//!   made equal to the base's, every time. What changes is logged with both values, and a longer life
//!   is warned of.
//! - The base's turn: it gets its password and is otherwise left alone. It is never rewritten from
//!   the clone, because what somebody changed since the last turn they changed on the base; where
//!   the two differ, the log says so.
//! - A clone that owns objects while its sessions don't start as the base yet, as a pair of AWS's
//!   rotation function may, goes on so: else it would lose what it owns. The log says what to do.
//!
//! Whether the two are a pair, `proof` decides: a membership alone shows nothing. Nor is a clone
//! touched that may do what the base may not. Rights that were granted to the clone itself stay
//! granted, but its sessions, being the base's, don't use them; the turn that makes it so names them.

use windlass_postgres_wire::{Settings, is_one_line, literal};
use windlass_sdk::{Failure, Finding, LogLevel, Pair, Turn, clean, log};

use crate::facts::Facts;
use crate::names::{DIALECT, identifier};
use crate::new_password::Statement;
use crate::proof::{self, Proof};
use crate::role::Role;
use crate::role_change::{Change, alter, check_signs_in};
use crate::sign_in::asks;
use crate::transaction::{Access, RunAs, Stop, begin, commit};

/// Changes the password of the half whose turn it is.
pub(crate) fn change(change: Change<'_>, pair: &Pair) -> Result<(), Stop> {
    let begun = begin(change.session, RunAs::Configured, Access::Write, &Facts::queries(pair)?)?;
    let facts = Facts::read(begun.tables, pair)?;
    let plan = plan(pair, &facts)?;
    let actor = &change.request.actor;
    let password = change.password(begun.encryption, || asks(actor, &change.request.username))?;
    let denied = denied(pair, &facts, &actor.username, begun.version)?;
    commit(change.session, &password, &plan.password, &plan.statements, &denied)?;
    plan.notes.iter().for_each(|(level, note)| log(*level, note));
    Ok(())
}

/// What has to be done.
#[derive(Debug, PartialEq)]
struct Plan {
    /// The statement with the password, which goes first.
    password: Statement,
    statements: Vec<String>,
    /// What the operator should know once it is done.
    notes: Vec<(LogLevel, String)>,
}

/// Decides from the facts alone.
fn plan(pair: &Pair, facts: &Facts) -> Result<Plan, Failure> {
    let Pair { base: base_name, clone: clone_name, turn } = pair;
    let Some(base) = &facts.base else {
        return Err(Failure::declined(format!(
            "there is no role {base_name:?}, which {clone_name:?} would be the clone of"
        ))
        .with_remedy("set \"username\" in the secret to a role that exists"));
    };
    check_signs_in(base_name, base.can_login, base.expired)?;
    let Some(clone) = &facts.clone else {
        return match turn {
            Turn::Clone => create(pair, base),
            Turn::Base => Err(Failure::declined(format!(
                "there is no role {clone_name:?}, which should be in force now"
            ))
            .with_remedy(format!("set \"username\" in the secret to {base_name:?}"))),
        };
    };
    let proof = proof::check(pair, facts, base, clone)?;
    let mut plan = match turn {
        Turn::Clone => renew(pair, facts, base, clone)?,
        Turn::Base => Plan {
            password: alter(base_name)?,
            statements: Vec::new(),
            notes: Vec::from_iter(drift(pair, facts, base, clone)),
        },
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
fn create(pair: &Pair, base: &Role) -> Result<Plan, Failure> {
    let clone = identifier(&pair.clone)?;
    let before = format!("CREATE ROLE {clone} LOGIN INHERIT PASSWORD");
    let password = Statement { before, after: base.options_for(&Role::as_created())? };
    let mut statements = vec![format!("GRANT {} TO {clone}", identifier(&pair.base)?)];
    statements.extend(proof::mark(pair, None)?);
    let wanted = base.settings.starting_as(&pair.base);
    let settings = Role::as_created().settings;
    statements.extend(settings.become_statements(&DIALECT, &wanted, &pair.clone)?);
    let note = format!("created the role {:?}, a member of {:?}", pair.clone, pair.base);
    Ok(Plan { password, statements, notes: vec![(LogLevel::Info, note)] })
}

/// Every further turn of the clone.
fn renew(pair: &Pair, facts: &Facts, base: &Role, clone: &Role) -> Result<Plan, Failure> {
    let name = identifier(&pair.clone)?;
    if let Some(excess) = clone.powers_beyond(base) {
        return Err(Failure::declined(format!(
            "the role {:?} is {excess} and {:?} is not, so it can't be made its equal",
            pair.clone, pair.base
        ))
        .with_remedy(format!("ALTER ROLE {name} NO{excess}")));
    }
    let mut password = alter(&pair.clone)?;
    password.after = base.options_for(clone)?;
    let mut statements = Vec::new();
    // From PostgreSQL 16 on, where alone a membership can be less than that; or it is marked only.
    match facts.membership {
        None => statements.push(format!("GRANT {} TO {name}", identifier(&pair.base)?)),
        Some(membership) if !membership.is_full() => statements.push(format!(
            "GRANT {} TO {name} WITH INHERIT TRUE, SET TRUE",
            identifier(&pair.base)?
        )),
        Some(_) => {}
    }
    let wanted = wanted(pair, facts, base, clone);
    statements.extend(clone.settings.become_statements(&DIALECT, &wanted, &pair.clone)?);
    let mut notes = Vec::from_iter(changes(pair, base, clone, &wanted));
    notes.extend(out_of_reach(pair, facts, clone, &wanted)?);
    Ok(Plan { password, statements, notes })
}

/// Whether the clone owns what its sessions would not reach if they started as the base.
fn keeps_its_own(facts: &Facts, clone: &Role) -> bool {
    clone.settings.role().is_none() && facts.besides.objects.count > 0
}

/// The settings that the clone should have.
fn wanted(pair: &Pair, facts: &Facts, base: &Role, clone: &Role) -> Settings {
    if keeps_its_own(facts, clone) {
        base.settings.starting_like(&clone.settings)
    } else {
        base.settings.starting_as(&pair.base)
    }
}

/// On the clone's turn: what is changed in it, attributes with both values. A setting's value may be
/// nobody's business.
fn changes(
    pair: &Pair,
    base: &Role,
    clone: &Role,
    wanted: &Settings,
) -> Option<(LogLevel, String)> {
    let mut changes: Vec<String> =
        base.differing_attributes(clone).iter().map(ToString::to_string).collect();
    let settings = clone.settings.differences(wanted);
    if !settings.is_empty() {
        changes.push(format!("the settings {}", settings.join(", ")));
    }
    if changes.is_empty() {
        return None;
    }
    let level = if base.outlives(clone) { LogLevel::Warn } else { LogLevel::Info };
    let text = format!("made {:?} equal to {:?}: {}", pair.clone, pair.base, changes.join("; "));
    Some((level, text))
}

/// What of the clone's own its sessions don't reach from now on, or would not.
fn out_of_reach(
    pair: &Pair,
    facts: &Facts,
    clone: &Role,
    wanted: &Settings,
) -> Result<Option<(LogLevel, String)>, Failure> {
    let Pair { base, clone: name, .. } = pair;
    let besides = &facts.besides;
    if keeps_its_own(facts, clone) {
        let text = format!(
            "{name:?} owns {}; to keep them accessible, its sessions don't start as {base:?}, \
             and {base:?} has no right on what it creates: {}",
            besides.objects.listed(),
            proof::reassign(pair, facts)?
        );
        return Ok(Some((LogLevel::Warn, text)));
    }
    let starts_anew = clone.settings.role() != wanted.role();
    let lost: Vec<String> = [("on ", &besides.rights), ("as a member of ", &besides.memberships)]
        .into_iter()
        .filter(|(_, things)| starts_anew && things.count > 0)
        .map(|(how, things)| format!("{how}{}", things.listed()))
        .collect();
    if lost.is_empty() {
        return Ok(None);
    }
    let text = format!(
        "the sessions of {name:?} start as {base:?} from now on and don't use the rights of its own \
         ({}): GRANT what they need of them to {}",
        lost.join("; "),
        identifier(base)?
    );
    Ok(Some((LogLevel::Warn, text)))
}

/// On the base's turn: in what the clone, which was in force, was not like the base.
fn drift(pair: &Pair, facts: &Facts, base: &Role, clone: &Role) -> Option<(LogLevel, String)> {
    let wanted = wanted(pair, facts, base, clone);
    let mut differences: Vec<String> = base
        .differing_attributes(clone)
        .iter()
        .map(|one| format!("{} ({}, not {})", one.name, one.own, one.clones))
        .collect();
    differences.extend(clone.settings.differences(&wanted).into_iter().map(str::to_owned));
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

/// In what the clone is not like the base, each of which its next turn changes.
pub(crate) fn differences(
    pair: &Pair,
    facts: &Facts,
    base: &Role,
    clone: &Role,
) -> Result<Vec<Finding>, Failure> {
    let name = identifier(&pair.base)?;
    let remedy =
        format!("make lasting changes on {name}: the next turn of the clone makes it the same");
    let attributes = base.differing_attributes(clone).into_iter().map(|one| {
        let (own, clones) = (one.own, one.clones);
        format!("{} of {:?} is {clones}, of {:?} {own}", one.name, pair.clone, pair.base)
    });
    let wanted = wanted(pair, facts, base, clone);
    let settings = clone.settings.differences(&wanted).into_iter();
    let settings = settings.map(|setting| format!("the setting {} differs", clean(setting)));
    let texts = attributes.chain(settings);
    Ok(texts.map(|text| Finding { text, remedy: remedy.clone() }).collect())
}

/// What an administrator lacks who may not do this.
fn denied(
    pair: &Pair,
    facts: &Facts,
    administrator: &str,
    version: u32,
) -> Result<String, Failure> {
    let (base, clone) = (identifier(&pair.base)?, identifier(&pair.clone)?);
    let administrator = identifier(administrator)?;
    if let Some(remedy) = superuser_settings(pair, facts, &administrator, version)? {
        return Ok(remedy);
    }
    Ok(format!(
        "as a superuser, ALTER ROLE {administrator} CREATEROLE, and from PostgreSQL 16 on GRANT {base} \
         TO {administrator} WITH ADMIN OPTION and the same for {clone} if another administrator created \
         it; on RDS with rds.restrict_password_commands, GRANT rds_password TO {administrator}"
    ))
}

/// What a superuser has to do where a setting of the base's is to be given to the clone that only a
/// superuser may give.
pub(crate) fn superuser_settings(
    pair: &Pair,
    facts: &Facts,
    administrator: &str,
    version: u32,
) -> Result<Option<String>, Failure> {
    let Some(base) = &facts.base else { return Ok(None) };
    let created = Role::as_created();
    let clone = facts.clone.as_ref().unwrap_or(&created);
    let wanted = wanted(pair, facts, base, clone);
    let changes = clone.settings.changes(&DIALECT, &wanted, &pair.clone)?;
    let mut statements = Vec::new();
    let mut grants = Vec::new();
    for (name, statement) in changes {
        if facts.superuser_settings.contains(&name) {
            statements.push(statement);
            grants.push(identifier(&name)?);
        }
    }
    if statements.is_empty() {
        return Ok(None);
    }
    let (of_base, of_clone) = (identifier(&pair.base)?, identifier(&pair.clone)?);
    if facts.clone.is_none() {
        let mark = literal(&proof::text(pair)?)?;
        let create = [
            format!("CREATE ROLE {of_clone} LOGIN"),
            format!("GRANT {of_base} TO {of_clone}"),
            format!("COMMENT ON ROLE {of_clone} IS {mark}"),
        ];
        statements.splice(0..0, create);
        if version >= 160_000 {
            statements.push(format!("GRANT {of_clone} TO {administrator} WITH ADMIN OPTION"));
        }
    }
    let by_grant = if version >= 150_000 {
        format!("GRANT SET ON PARAMETER {} TO {administrator}; or: ", grants.join(", "))
    } else {
        String::new()
    };
    let statements = statements.join("; ");
    let literal = format!("as a superuser: {by_grant}{statements}");
    if is_one_line(&literal) {
        return Ok(Some(literal));
    }
    // What has several lines is in no message.
    Ok(Some(format!(
        "as a superuser: ALTER ROLE {of_clone} SET to what {of_base} has (SELECT * FROM \
         pg_db_role_setting): {}",
        clean(&grants.join(", "))
    )))
}

#[cfg(test)]
mod tests;
