//! Whether two roles whose names fit are a pair.
//!
//! An administrator is about to change the password of one because a secret speaks of the other. A
//! membership does not show that they are a pair: up to PostgreSQL 14 every role may make others
//! its members, and later who has the admin option on it. So, in this order:
//!
//! - a comment on the clone names the base. `COMMENT ON ROLE` takes `CREATEROLE`, also for oneself, and
//!   from PostgreSQL 16 on the admin option on that role, too: who may set it may change the clone's
//!   password as well. What somebody else wrote there is kept;
//! - without the comment, as in the pairs of AWS's rotation function, the clone must be a member of
//!   the base and have **nothing but** that, so that there is nothing in it to be taken over: no power
//!   that the base has not, no object, no right, no policy, no other membership, no admin option. That
//!   is logged, and the comment is written;
//! - any other two are refused, with what differs.

use windlass_postgres_wire::{is_one_line, literal};
use windlass_sdk::{Failure, Finding, Pair, clean};

use crate::facts::{Facts, Things};
use crate::names::identifier;
use crate::role::Role;

/// What stands between the mark and what somebody else wrote. No end of a line: messages have none.
const SEPARATOR: &str = "; ";

/// How many names a message has.
const NAMED_MAX: usize = 5;

/// What shows that two roles are a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The comment.
    Marked,
    /// That the clone has nothing of its own.
    Equal,
}

/// Refuses two roles that are not surely a pair.
pub(crate) fn check(
    pair: &Pair,
    facts: &Facts,
    base: &Role,
    clone: &Role,
) -> Result<Proof, Failure> {
    if is_marked(pair, clone)? {
        return Ok(Proof::Marked);
    }
    let doubts = doubts(pair, facts, base, clone)?;
    if doubts.is_empty() {
        return Ok(Proof::Equal);
    }
    let texts: Vec<String> = doubts.into_iter().map(|doubt| doubt.text).collect();
    let message = format!(
        "the role {:?} is not marked as the clone of {:?} and is not its equal, so it may be \
         somebody else's and neither was changed: {}",
        pair.clone,
        pair.base,
        texts.join("; ")
    );
    Err(Failure::not_a_pair(message).with_remedy(format!(
        "if it is not the clone, rename it; if it is, as an administrator: {}",
        remedy(pair, clone.comment.as_deref())?
    )))
}

/// The statement that marks the clone; absent where what is written there already can't be kept: not
/// what the server has, see `session::values` of the protocol.
pub(crate) fn mark(pair: &Pair, comment: Option<&str>) -> Result<Option<String>, Failure> {
    let is_kept = comment.is_none_or(|comment| !comment.contains(char::REPLACEMENT_CHARACTER));
    is_kept.then(|| statement(pair, comment)).transpose()
}

fn statement(pair: &Pair, comment: Option<&str>) -> Result<String, Failure> {
    let mark = text(pair)?;
    let comment = match comment {
        Some(comment) if !comment.is_empty() => format!("{comment}{SEPARATOR}{mark}"),
        _ => mark,
    };
    Ok(format!("COMMENT ON ROLE {} IS {}", identifier(&pair.clone)?, literal(&comment)?))
}

/// The statement for a message, which is one line of bounded length.
pub(crate) fn remedy(pair: &Pair, comment: Option<&str>) -> Result<String, Failure> {
    match comment {
        Some(comment) if clean(comment) != comment => {
            let statement = statement(pair, Some("…"))?;
            Ok(format!("{statement}, with the comment that is there now in the place of …"))
        }
        comment => statement(pair, comment),
    }
}

/// What the comment says, alone or beside something else.
pub(crate) fn text(pair: &Pair) -> Result<String, Failure> {
    Ok(format!("windlass: the clone of {}", identifier(&pair.base)?))
}

/// Whether the comment says so.
pub(crate) fn is_marked(pair: &Pair, clone: &Role) -> Result<bool, Failure> {
    let (mark, comment) = (text(pair)?, clone.comment.as_deref().unwrap_or_default());
    let is_apart = |(at, _): (usize, &str)| {
        let (before, after) = (comment.get(..at), comment.get(at + mark.len()..));
        let ends = ["\n", SEPARATOR];
        before.is_some_and(|it| it.is_empty() || ends.iter().any(|end| it.ends_with(end)))
            && after.is_some_and(|it| it.is_empty() || ends.iter().any(|end| it.starts_with(end)))
    };
    Ok(comment.match_indices(mark.as_str()).any(is_apart))
}

/// What the clone has that no clone without a mark may have, or lacks.
pub(crate) fn doubts(
    pair: &Pair,
    facts: &Facts,
    base: &Role,
    clone: &Role,
) -> Result<Vec<Finding>, Failure> {
    let mut doubts = membership_doubts(pair, facts)?;
    if let Some(power) = clone.powers_beyond(base) {
        doubts.push(Finding {
            text: format!("{:?} is {power} and {:?} is not", pair.clone, pair.base),
            remedy: format!("ALTER ROLE {} NO{power}", identifier(&pair.clone)?),
        });
    }
    doubts.extend(possession_doubts(pair, facts)?);
    Ok(doubts)
}

/// Whether the clone is a member of the base, and of that alone.
fn membership_doubts(pair: &Pair, facts: &Facts) -> Result<Vec<Finding>, Failure> {
    let Pair { base, clone, .. } = pair;
    let (of_base, of_clone) = (identifier(base)?, identifier(clone)?);
    let mut doubts = Vec::new();
    match facts.membership {
        None => doubts.push(Finding {
            text: format!("{clone:?} is not a member of {base:?}"),
            remedy: format!("GRANT {of_base} TO {of_clone}"),
        }),
        Some(membership) if membership.admin => doubts.push(Finding {
            text: format!("{clone:?} may make others members of {base:?} (ADMIN OPTION)"),
            remedy: format!("REVOKE ADMIN OPTION FOR {of_base} FROM {of_clone}"),
        }),
        Some(_) => {}
    }
    let memberships = &facts.besides.memberships;
    if memberships.count > 0 {
        let other = memberships.names.first().map(String::as_str).unwrap_or_default();
        // A name of several lines is in no message, and a statement with another would be of another.
        let remedy = if is_one_line(other) {
            let other = identifier(other)?;
            format!(
                "GRANT {other} TO {of_base} if the pair needs it, and REVOKE {other} FROM {of_clone}"
            )
        } else {
            format!(
                "GRANT to {of_base} those that the pair needs, and REVOKE all of them from {of_clone}"
            )
        };
        let others = memberships.listed();
        let text = format!("{clone:?} is a member of other roles: {others}");
        doubts.push(Finding { text, remedy });
    }
    Ok(doubts)
}

/// What the clone owns, may do or is named in by itself.
fn possession_doubts(pair: &Pair, facts: &Facts) -> Result<Vec<Finding>, Failure> {
    let (clone, besides) = (&pair.clone, &facts.besides);
    let of_base = identifier(&pair.base)?;
    let mut doubts = Vec::new();
    if besides.objects.count > 0 {
        let objects = besides.objects.listed();
        let text = format!("{clone:?} owns {objects}");
        doubts.push(Finding { text, remedy: reassign(pair, facts)? });
    }
    if besides.rights.count > 0 {
        let rights = besides.rights.listed();
        doubts.push(Finding {
            text: format!("{clone:?} has, or granted, rights of its own: {rights}"),
            remedy: format!("GRANT to {of_base} what the pair needs of them"),
        });
    }
    if besides.policies.count > 0 {
        let policies = besides.policies.listed();
        doubts.push(Finding {
            text: format!("policies of row security name {clone:?}: {policies}"),
            remedy: format!("ALTER POLICY … TO {of_base}"),
        });
    }
    Ok(doubts)
}

/// The statement that gives what the clone owns to the base, and where to run it.
pub(crate) fn reassign(pair: &Pair, facts: &Facts) -> Result<String, Failure> {
    let databases = &facts.besides.databases;
    let places = match databases.count {
        0 => "in any database".to_owned(),
        1 => format!("in the database {}", databases.listed()),
        _ => format!("in each of the databases {}", databases.listed()),
    };
    Ok(format!(
        "run, as a superuser or a member of both, {places}: REASSIGN OWNED BY {} TO {}",
        identifier(&pair.clone)?,
        identifier(&pair.base)?
    ))
}

impl Things {
    /// The first few.
    pub(crate) fn listed(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|name| clean(name)).collect();
        listed(&names, self.count)
    }
}

/// The first few of `count`.
fn listed(names: &[String], count: usize) -> String {
    let first = names.get(..NAMED_MAX.min(names.len())).unwrap_or_default();
    match count.saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{}, and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_apart_in_the_comment_and_leaves_the_rest() {
        let pair = Pair::new("a\"p\np", "a\"p\np_clone").unwrap();
        let marked = |comment: &str| {
            let role = Role { comment: Some(comment.into()), ..Role::as_created() };
            is_marked(&pair, &role).unwrap()
        };
        let own = "windlass: the clone of \"a\"\"p\np\"";
        for (comment, is) in [
            (own.to_owned(), true),
            (format!("owner: payments\n{own}"), true),
            (format!("{own}\nowner: payments"), true),
            (format!("owner: payments; {own}"), true),
            (format!("{own}; owner: payments"), true),
            (format!("owner: payments {own}"), false),
            (format!("{own}, too"), false),
            ("windlass: the clone of \"a\"".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(marked(&comment), is, "{comment:?}");
        }
        for before in [None, Some(""), Some("it's \\ ours")] {
            let statement = mark(&pair, before).unwrap().unwrap();
            let kept = before.unwrap_or_default().replace('\'', "''").replace('\\', "\\\\");
            assert!(statement.contains(&kept) && statement.contains("the clone of"), "{statement}");
        }
        let remedy = remedy(&pair, Some("two\nlines")).unwrap();
        assert!(remedy.contains("IS '…; windlass: the clone of "), "{remedy}");
        assert_eq!(mark(&pair, Some("\u{fffd}")).unwrap(), None, "it can't be written again");
    }
}
