//! Whether two users whose names fit are a pair, and in what they differ.
//!
//! In this order: a superuser is nobody's clone; a member of the group of clones is one, since only an
//! administrator puts anybody there; of any other the two must be equal in a way that neither of them
//! can have made. Each reason why they are not is a finding, with what corrects it.

use windlass_postgres_wire::is_one_line;
use windlass_sdk::{Failure, Finding, Pair, clean};

use crate::account::{Account, Accounts, MARK};
use crate::product::identifier;
use crate::rights::Difference;

/// How many things a message names.
const NAMED_MAX: usize = 5;

/// Refuses two users that are not surely a pair.
pub(crate) fn check(
    pair: &Pair,
    accounts: &Accounts,
    base: &Account,
    clone: &Account,
    difference: &Difference,
) -> Result<(), Failure> {
    if clone.superuser {
        return Err(Failure::declined(format!(
            "the user {:?} is a superuser and {:?} is not, so it can't be made its equal",
            pair.clone, pair.base
        ))
        .with_remedy(format!("ALTER USER {} NOCREATEUSER", identifier(&pair.clone)?)));
    }
    if clone.marked {
        return Ok(());
    }
    let doubts = doubts(pair, base, clone, difference)?;
    if doubts.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = doubts.into_iter().map(|doubt| doubt.text).collect();
    Err(Failure::not_a_pair(format!(
        "the user {:?} is not a member of the group {MARK:?} and nothing else shows that it is the \
         clone of {:?}, so neither was changed: {}",
        pair.clone,
        pair.base,
        first_of(&texts)
    ))
    .with_remedy(format!(
        "if it is not the clone, rename it; if it is, as a superuser: {}",
        mark(pair, accounts)?.join("; ")
    )))
}

/// The statements that mark the clone.
pub(crate) fn mark(pair: &Pair, accounts: &Accounts) -> Result<Vec<String>, Failure> {
    let group = identifier(MARK)?;
    let mut statements = Vec::new();
    if !accounts.has_mark_group {
        statements.push(format!("CREATE GROUP {group}"));
    }
    statements.push(format!("ALTER GROUP {group} ADD USER {}", identifier(&pair.clone)?));
    Ok(statements)
}

/// In what the clone is not as the base is: what a turn changes.
pub(crate) fn differences(
    pair: &Pair,
    base: &Account,
    clone: &Account,
    difference: &Difference,
) -> Result<Vec<Finding>, Failure> {
    let name = &pair.clone;
    let mut found = Vec::new();
    for change in base.changes_for(clone, name)? {
        let text = format!("{name:?} differs from {:?}: {}", pair.base, change.what);
        found.push(Finding::new(text).with_remedy(remedy(change.statement)));
    }
    for one in &difference.differing {
        let text = format!("{name:?} {} on {}", one.how, one.object);
        found.push(Finding::new(text).with_remedy(remedy(one.statements.join("; "))));
    }
    for unknown in &difference.unknown {
        found.push(
            Finding::new(format!("a privilege that this plugin does not know differs: {unknown}"))
                .with_remedy("grant or revoke it on both users"),
        );
    }
    Ok(found)
}

/// The statements, where a message can hold them.
fn remedy(statements: String) -> String {
    if is_one_line(&statements) { statements } else { "make it the same for both users".to_owned() }
}

/// Why the equality of two users does not show that they are a pair; nothing where it does.
pub(crate) fn doubts(
    pair: &Pair,
    base: &Account,
    clone: &Account,
    difference: &Difference,
) -> Result<Vec<Finding>, Failure> {
    let mut doubts = differences(pair, base, clone, difference)?;
    if base.superuser || clone.superuser {
        doubts.push(Finding::new("a superuser does not take turns"));
    }
    let mut owns = |name: &str, other: &str, objects: &[String]| -> Result<(), Failure> {
        if !objects.is_empty() {
            let remedy = format!("ALTER … OWNER TO another user than {} and", identifier(name)?);
            let remedy = format!("{remedy} {}", identifier(other)?);
            let text = format!("{name:?} owns objects: {}", first_of(objects));
            doubts.push(Finding::new(text).with_remedy(remedy));
        }
        Ok(())
    };
    owns(&pair.base, &pair.clone, &difference.owned_by_base)?;
    owns(&pair.clone, &pair.base, &difference.owned_by_clone)?;
    if difference.own_defaults {
        doubts.push(Finding::new(format!(
            "{:?} has default privileges for what it creates",
            pair.base
        )));
    }
    if difference.base_may_grant || base.may_grant_roles() {
        doubts.push(Finding::new("they may grant rights on, so either could have made them equal"));
    }
    if doubts.is_empty() && !(difference.base_has_rights || base.has_memberships()) {
        doubts.push(Finding::new("they have no rights, so their equality proves nothing"));
    }
    Ok(doubts)
}

/// The first few, and how many more there are.
pub(crate) fn first_of(names: &[String]) -> String {
    let first: Vec<String> = names.iter().take(NAMED_MAX).map(|name| clean(name)).collect();
    match names.len().saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{}, and {more} more", first.join(", ")),
    }
}
