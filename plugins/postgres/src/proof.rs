//! Whether two roles whose names fit are a pair.
//!
//! An administrator is about to change the password of one because a secret speaks of the other. A
//! membership alone does not show that they are a pair: up to PostgreSQL 14 every role may make others
//! its members, and later who has the admin option on it. So, beside the membership:
//!
//! - a comment on the clone names the base. `COMMENT ON ROLE` takes `CREATEROLE`, also for oneself, and
//!   from PostgreSQL 16 on the admin option on that role, too: who may set it may change the clone's
//!   password as well. What somebody else wrote there is kept;
//! - without the comment, as in the pairs of AWS's rotation function, the clone must have **nothing
//!   but** that membership, so that there is nothing in it to be taken over: no power that the base
//!   has not, no object, no right, no policy, no other membership, no admin option. That is said in
//!   the log, and the comment is written.

use windlass_postgres_wire::literal;
use windlass_sdk::{Failure, Pair, clean};

use crate::product::identifier;
use crate::role::{Facts, Membership, Role};

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
    let Some(membership) = facts.membership else {
        return Err(Failure::declined(format!(
            "the role {clone:?} exists but is not a member of {base:?}, so the two are no pair of \
             alternating users and neither was changed: rename {clone:?}, or, if it is the clone, \
             GRANT {} TO {}; {}",
            identifier(&pair.base)?,
            identifier(&pair.clone)?,
            remedy(pair, clone_comment(facts))?,
            clone = pair.clone,
            base = pair.base,
        )));
    };
    if is_marked(pair, clone)? {
        return Ok(Proof::Marked);
    }
    let doubts = doubts(pair, facts, membership, base, clone)?;
    if doubts.is_empty() {
        return Ok(Proof::Equal);
    }
    Err(Failure::declined(format!(
        "the role {clone:?} is a member of {base:?} but not marked as its clone, and it has more than \
         that: {}; so it may be somebody else's, and neither was changed: rename {clone:?}, or, if it \
         is the clone, {}",
        doubts.join(", "),
        remedy(pair, clone_comment(facts))?,
        clone = pair.clone,
        base = pair.base,
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
fn remedy(pair: &Pair, comment: Option<&str>) -> Result<String, Failure> {
    match comment {
        Some(comment) if clean(comment) != comment => {
            let statement = statement(pair, Some("…"))?;
            Ok(format!("{statement}, with the comment that is there now in the place of …"))
        }
        comment => statement(pair, comment),
    }
}

fn clone_comment(facts: &Facts) -> Option<&str> {
    facts.clone.as_ref()?.comment.as_deref()
}

/// What the comment says, alone or beside something else.
fn text(pair: &Pair) -> Result<String, Failure> {
    Ok(format!("windlass: the clone of {}", identifier(&pair.base)?))
}

fn is_marked(pair: &Pair, clone: &Role) -> Result<bool, Failure> {
    let (mark, comment) = (text(pair)?, clone.comment.as_deref().unwrap_or_default());
    let is_apart = |(at, _): (usize, &str)| {
        let (before, after) = (comment.get(..at), comment.get(at + mark.len()..));
        let ends = ["\n", SEPARATOR];
        before.is_some_and(|it| it.is_empty() || ends.iter().any(|end| it.ends_with(end)))
            && after.is_some_and(|it| it.is_empty() || ends.iter().any(|end| it.starts_with(end)))
    };
    Ok(comment.match_indices(mark.as_str()).any(is_apart))
}

/// What the clone has that no clone without a mark may have.
fn doubts(
    pair: &Pair,
    facts: &Facts,
    membership: Membership,
    base: &Role,
    clone: &Role,
) -> Result<Vec<String>, Failure> {
    let besides = &facts.besides;
    let mut doubts = Vec::new();
    doubts.extend(clone.powers_beyond(base).map(|power| format!("it is {power}")));
    if besides.objects {
        doubts.push(format!(
            "it owns objects (REASSIGN OWNED BY {} TO {}, run in each database, gives them to the \
             other)",
            identifier(&pair.clone)?,
            identifier(&pair.base)?
        ));
    }
    if besides.rights {
        doubts.push("rights were granted to it".into());
    }
    if besides.policies {
        doubts.push("a policy of row security names it".into());
    }
    if !besides.memberships.is_empty() {
        let names = besides.memberships.iter().take(NAMED_MAX);
        let names: Vec<_> = names.map(|name| format!("{:?}", clean(name))).collect();
        doubts.push(format!("it is a member of other roles ({})", names.join(", ")));
    }
    if membership.admin {
        doubts.push(format!("it may make others members of {:?} (ADMIN OPTION)", pair.base));
    }
    Ok(doubts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_apart_in_the_comment_and_leaves_the_rest() {
        let pair = Pair::of("a\"p\np", "a\"p\np_clone").unwrap();
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
