//! What stands in the way of a change, and marks of pairs.

use windlass_sdk::FailureKind::*;
use windlass_sdk::PairState::*;

use super::super::Choice;
use super::super::wire::*;
use super::pairs::{MARK, base, besides, catalog, clone, role, settings};
use super::{begun, committed, let_in, seed};
use crate::ends::Conversation;
use crate::ends::Ends::*;

const OWN: u16 = Choice::ASSESS | Choice::OWN;
const BY_ADMINISTRATOR: u16 = Choice::ASSESS | Choice::BY_ADMINISTRATOR;
const PAIR: u16 = Choice::ASSESS | Choice::ALTERNATING;
const MARK_PAIR: u16 = Choice::MARK | Choice::ALTERNATING;

/// The session's own row.
fn actor(superuser: &str, create_role: &str, standby: &str, restricted: Option<&str>) -> Vec<u8> {
    actor_named("app", [Some(superuser), Some(create_role), Some(standby), restricted])
}

fn actor_named(name: &str, flags: [Option<&str>; 4]) -> Vec<u8> {
    let name = Some(name);
    table(&[row(&[&[name, name][..], &flags].concat())])
}

/// An account: whether it may log in, has expired, is a superuser, is administered.
fn account(name: &str, flags: [&str; 4]) -> Vec<u8> {
    row(&[&[Some(name)][..], &flags.map(Some)].concat())
}

/// An assessment by a superuser, or by an administrator that lacks nothing but that.
fn of_pair(superuser: &str, facts: &[Vec<u8>]) -> Vec<u8> {
    let good = ["t", "f", "f", "t"];
    let accounts = table(&[account("base", good), account("base_clone", good)]);
    let tables = [&[actor(superuser, "t", "f", None), accounts][..], facts].concat();
    [let_in(), begun(&tables)].concat()
}

pub(super) fn found() -> Vec<Conversation> {
    let restricted = actor("f", "f", "t", Some("t"));
    let own = table(&[account("app", ["f", "t", "f", "f"])]);
    let other = table(&[account("it's \"x\"", ["t", "f", "t", "f"])]);
    let nobody = [actor("t", "t", "f", None), table(&[])];
    let marked = catalog(&[base(), clone(MARK)], &settings(), true, &[]);
    let equal = catalog(&[base(), clone(None)], &[], true, &[]);
    let all = ["o", "a", "r", "member", "database"].map(|kind| besides(kind, "pay\nroll", "17"));
    let different = catalog(&[base(), clone(None)], &settings(), false, &all);
    let absent = catalog(&[base()], &settings(), false, &[]);
    let odd_base = role("f", "5", Some("2030-01-01\n00:00"), None);
    let odd = catalog(&[odd_base, clone(MARK)], &[], true, &[]);
    let granted = [table(&[row(&[Some("log_statement")])]), READY.to_vec()].concat();
    let unprintable = actor_named("a\u{7f}\np", [Some("f"), Some("f"), Some("f"), None]);
    let of_unprintable = [unprintable, other.clone()];
    let none_granted = [table(&[]), READY.to_vec()].concat();
    vec![
        seed(
            "assess-own",
            Finds(None, 3, 0),
            OWN,
            &[&let_in(), &begun(&[restricted.clone(), own])],
        ),
        seed(
            "assess-by-administrator",
            Finds(None, 4, 0),
            BY_ADMINISTRATOR,
            &[&let_in(), &begun(&[restricted, other])],
        ),
        // Once found: the name of the session as it is, and in a statement.
        seed(
            "assess-unprintable",
            Finds(None, 2, 0),
            BY_ADMINISTRATOR,
            &[&let_in(), &begun(&of_unprintable)],
        ),
        seed("assess-nobody", Finds(None, 1, 0), BY_ADMINISTRATOR, &[&let_in(), &begun(&nobody)]),
        seed("assess-marked", Finds(Some(Marked), 0, 7), PAIR, &[&of_pair("f", &marked), &granted]),
        seed(
            "assess-lacking",
            Finds(Some(Marked), 1, 7),
            PAIR,
            &[&of_pair("f", &marked), &none_granted],
        ),
        seed("assess-equal", Finds(Some(Equal), 0, 3), PAIR, &[&of_pair("t", &equal)]),
        seed("assess-different", Finds(Some(Different), 0, 11), PAIR, &[&of_pair("t", &different)]),
        // Once found: an expiry of two lines.
        seed("assess-unprintable-expiry", Finds(Some(Marked), 0, 3), PAIR, &[&of_pair("t", &odd)]),
        seed(
            "assess-absent",
            Finds(Some(Absent), 1, 0),
            PAIR,
            &[&of_pair("f", &absent), &none_granted],
        ),
    ]
}

pub(super) fn marked() -> Vec<Conversation> {
    let of = |roles: &[Vec<u8>]| [let_in(), begun(&catalog(roles, &[], false, &[]))].concat();
    let unmarked = of(&[base(), clone(Some("it's \\ ours"))]);
    let denied = error("42501", "permission denied");
    vec![
        seed("mark", Done, MARK_PAIR, &[&unmarked, &committed()]),
        seed("mark-again", Done, MARK_PAIR, &[&of(&[base(), clone(MARK)])]),
        seed("mark-absent", Fails(Declined, "can't be marked"), MARK_PAIR, &[&of(&[base()])]),
        seed("mark-denied", Fails(Declined, "permission"), MARK_PAIR, &[&unmarked, &denied]),
        seed("mark-one", Fails(Unsupported, "not a pair"), Choice::MARK | Choice::OWN, &[]),
    ]
}
