//! Whether one statement allows what another one does.
//!
//! Careful in one direction: where it can't tell, it says no.

use super::document::{Condition, Statement};

/// A single thing that is allowed: an action on a resource, for a principal, under conditions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant<'a> {
    pub(super) statement: &'a Statement,
    pub(super) action: &'a str,
    /// Empty in a trust policy.
    pub(super) resource: &'a str,
}

/// Every single thing that a statement allows or denies.
pub(super) fn grants(statement: &Statement) -> impl Iterator<Item = Grant<'_>> {
    let resources: Vec<&str> = match statement.resources.as_slice() {
        [] => vec![""],
        all => all.iter().map(String::as_str).collect(),
    };
    statement.actions.iter().flat_map(move |action| {
        let of_action = move |resource| Grant { statement, action, resource };
        resources.clone().into_iter().map(of_action)
    })
}

/// Whether `statement` applies wherever the grant is asked for.
pub(super) fn covers(statement: &Statement, grant: Grant<'_>) -> bool {
    about(statement, grant) && unmet(statement, grant).next().is_none()
}

/// Whether `statement` is about this action, resource and principal, whatever its conditions.
pub(super) fn about(statement: &Statement, grant: Grant<'_>) -> bool {
    let resource = |pattern: &String| matches(pattern, grant.resource);
    is_of_action(statement, grant)
        && (grant.resource.is_empty() || statement.resources.iter().any(resource))
        && statement.principal == grant.statement.principal
}

/// Whether `statement` is about this action.
pub(super) fn is_of_action(statement: &Statement, grant: Grant<'_>) -> bool {
    statement.actions.iter().any(|pattern| action_matches(pattern, grant.action))
}

/// The conditions of `statement` that do not hold wherever the grant is asked for.
pub(super) fn unmet<'a>(
    statement: &'a Statement,
    grant: Grant<'a>,
) -> impl Iterator<Item = &'a Condition> {
    let known = &grant.statement.conditions;
    statement.conditions.iter().filter(|one| !known.iter().any(|known| implies(known, one)))
}

/// Whether `other` holds wherever `known` does.
fn implies(known: &Condition, other: &Condition) -> bool {
    let (has, wants) = (family(&known.operator), family(&other.operator));
    let is_exact = known.values.iter().all(|value| !value.contains(['*', '?']));
    let alike = match (has, wants) {
        (Family::Equals, Family::Equals | Family::Like) | (Family::Like, Family::Like) => true,
        (Family::Like, Family::Equals) => is_exact,
        (Family::Other(has), Family::Other(wants)) => has == wants,
        _ => false,
    };
    // One that holds where the key is missing promises nothing about its value.
    let may_be_absent = known.operator.ends_with(IF_EXISTS) && !other.operator.ends_with(IF_EXISTS);
    let within = |value: &String| {
        other.values.iter().any(|pattern| match wants {
            Family::Like => matches(pattern, value),
            _ => pattern == value,
        })
    };
    let same_key = known.key.eq_ignore_ascii_case(&other.key);
    alike && !may_be_absent && same_key && known.values.iter().all(within)
}

/// Ends an operator that also holds where the request has no such key.
const IF_EXISTS: &str = "IfExists";

/// Operators that mean the same for the values here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family<'a> {
    Equals,
    /// `*` and `?` stand for more.
    Like,
    Other(&'a str),
}

fn family(operator: &str) -> Family<'_> {
    match operator.strip_suffix(IF_EXISTS).unwrap_or(operator) {
        "StringEquals" => Family::Equals,
        "ArnEquals" | "ArnLike" | "StringLike" => Family::Like,
        other => Family::Other(other),
    }
}

fn action_matches(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Whether every text of `text`, which may itself be a pattern, is one of `pattern`. `*` stands for any
/// characters, `?` for one.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // Which ends of `text` the pattern so far can stand for.
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for symbol in pattern {
        let mut next = vec![false; text.len() + 1];
        let mut open = false;
        for (at, slot) in next.iter_mut().enumerate() {
            let before = at.checked_sub(1);
            let from = before.and_then(|at| reached.get(at)).copied().unwrap_or(false);
            let letter = before.and_then(|at| text.get(at)).copied();
            match symbol {
                '*' => {
                    open |= reached.get(at).copied().unwrap_or(false);
                    *slot = open;
                }
                // A `*` of the text stands for any number of characters.
                '?' => *slot = from && letter != Some('*'),
                exact => *slot = from && letter == Some(exact),
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_a_text_or_a_narrower_pattern() {
        for (pattern, text, expected) in [
            ("*", "arn:aws:x", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abc", true),
            ("a*c", "a*c", true),
            ("a*c", "ab*", false),
            ("a?c", "abc", true),
            ("a?c", "a*c", false),
            ("a?c", "a?c", true),
            ("a*", "a??????", true),
            ("a??????", "a*", false),
            ("secret:app-*", "secret:app-??????", true),
            ("*b*b", "abab", true),
            ("*b*b", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_condition_implies_itself_in_other_words_and_no_narrower_one() {
        let one =
            |operator: &str, value: &str| Condition::new(operator, "aws:SourceAccount", value);
        for (known, other, expected) in [
            (one("StringEquals", "1"), one("StringEquals", "1"), true),
            (one("StringEquals", "1"), one("StringLike", "*"), true),
            (one("StringEquals", "1"), one("ArnEquals", "1"), true),
            (one("StringEquals", "1"), one("StringEqualsIfExists", "1"), true),
            (one("StringEqualsIfExists", "1"), one("StringEquals", "1"), false),
            (one("ArnEquals", "1"), one("StringEquals", "1"), true),
            (one("ArnLike", "1*"), one("StringEquals", "1*"), false),
            (one("StringEquals", "1"), one("StringEquals", "2"), false),
            (one("StringLike", "*"), one("StringLike", "1*"), false),
            (one("StringEquals", "1"), one("StringNotEquals", "2"), false),
            (one("StringEquals", "1"), Condition::new("StringEquals", "aws:x", "1"), false),
        ] {
            assert_eq!(implies(&known, &other), expected, "{known:?} {other:?}");
        }
        let several = Condition { values: vec!["1".into(), "2".into()], ..one("StringEquals", "") };
        assert!(implies(&one("StringEquals", "1"), &several));
        assert!(!implies(&several, &one("StringEquals", "1")));
    }
}
