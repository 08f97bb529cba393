//! Changes of two accounts that take turns.

use windlass_sdk::FailureKind::*;

use super::super::Choice;
use super::super::wire::*;
use super::{begun, changes, committed, let_in, seed};
use crate::ends::Conversation;
use crate::ends::Ends::*;

const CLONE: u16 = Choice::ALTERNATING;
const BASE: u16 = Choice::ALTERNATING | Choice::TURN_OF_BASE;

/// A comment with a mark in it.
pub(super) const MARK: Option<&str> = Some("it's \\ ours; windlass: the clone of \"base\"");

/// What the catalog says about a pair.
pub(super) fn catalog(
    roles: &[Vec<u8>],
    settings: &[Vec<u8>],
    member: bool,
    besides: &[Vec<u8>],
) -> Vec<Vec<u8>> {
    let membership = row(&[Some("t"), Some("f"), Some("f")]);
    let membership = if member { vec![membership] } else { Vec::new() };
    vec![table(roles), table(settings), table(&membership), table(besides)]
}

/// The base, with much that its clone should have.
pub(super) fn base() -> Vec<u8> {
    role("f", "5", Some("2030-01-01 00:00:00+00"), None)
}

/// The clone, which lacks all of it.
pub(super) fn clone(comment: Option<&str>) -> Vec<u8> {
    role("t", "-1", None, comment)
}

/// Whether it is the clone, how many sessions it may have, until when it is valid, and its comment.
pub(super) fn role(
    is_clone: &str,
    limit: &str,
    until: Option<&str>,
    comment: Option<&str>,
) -> Vec<u8> {
    let (yes, no) = (Some("t"), Some("f"));
    let powers = [no, no, no, no, no];
    let attributes = [Some(limit), until, no, comment];
    row(&[&[Some(is_clone), yes, yes][..], &powers, &attributes].concat())
}

/// A setting of a role: whose, in which database, which, and whether only a superuser may set it.
pub(super) fn setting(
    is_clone: &str,
    database: Option<&str>,
    entry: &str,
    by_superuser: &str,
) -> Vec<u8> {
    row(&[Some(is_clone), database, Some(entry), Some(by_superuser)])
}

/// Settings of every kind.
pub(super) fn settings() -> [Vec<u8>; 4] {
    [
        setting("f", Some("db"), "work_mem=8MB", "f"),
        setting("f", None, "search_path=\"$user\", public, \"it's\"", "f"),
        setting("f", None, "log_statement=none", "t"),
        setting("t", None, "my.setting=a\\b'c", "f"),
    ]
}

/// Something that the clone has besides.
pub(super) fn besides(kind: &str, name: &str, count: &str) -> Vec<u8> {
    row(&[Some(kind), Some(name), Some(count)])
}

pub(super) fn taken() -> Vec<Conversation> {
    let created = catalog(&[base()], &settings(), false, &[]);
    let marked = [base(), clone(MARK)];
    let own = [besides("a", "table \"pay\nroll\"", "9"), besides("member", "payers", "1")];
    let renewed = catalog(&marked, &settings(), true, &own);
    let keeps = [besides("o", "table t", "2"), besides("database", "d", "1")];
    let keeps = catalog(&marked, &settings(), true, &keeps);
    let unmarked = [base(), clone(Some("it's \\ ours"))];
    let adopted = catalog(&unmarked, &settings(), true, &[]);
    let in_full = |facts: &[Vec<u8>]| [let_in(), begun(facts), committed()].concat();
    let by_text = changes::shown("it is hashed", &renewed);
    let may_see_text = Choice::TLS | Choice::SEND_TEXT;
    vec![
        seed("created", Done, CLONE, &[&in_full(&created)]),
        seed("renewed", Done, CLONE, &[&in_full(&renewed)]),
        seed("keeps-its-own", Done, CLONE, &[&in_full(&keeps)]),
        seed("turned", Done, BASE, &[&in_full(&renewed)]),
        seed("adopted", Done, CLONE, &[&in_full(&adopted)]),
        seed("renewed-by-text", Done, CLONE | may_see_text, &[&by_text, &committed()]),
    ]
}

pub(super) fn refused() -> Vec<Conversation> {
    let unmarked = [base(), clone(Some("it's \\ ours"))];
    let strangers = catalog(&unmarked, &[], false, &[]);
    let all = ["o", "a", "r", "member", "database"].map(|kind| besides(kind, "pay\nroll", "17"));
    let differing = catalog(&unmarked, &[], true, &all);
    let renewed = catalog(&[base(), clone(MARK)], &settings(), true, &[]);
    let undone = changes::undone("it is hashed", &renewed);
    let may_see_text = Choice::TLS | Choice::SEND_TEXT;
    let answered = |facts: &[Vec<u8>]| [let_in(), begun(facts)].concat();
    let denied = error("42501", "permission denied");
    vec![
        seed("strangers", Fails(NotAPair, "is not a member"), CLONE, &[&answered(&strangers)]),
        seed(
            "differing",
            Fails(NotAPair, "owns pay roll, and 16"),
            CLONE,
            &[&answered(&differing)],
        ),
        seed(
            "without-base",
            Fails(Declined, "\"base\""),
            CLONE,
            &[&answered(&catalog(&[], &[], false, &[]))],
        ),
        seed(
            "without-clone",
            Fails(Declined, "should be in force"),
            BASE,
            &[&answered(&catalog(&[base()], &[], false, &[]))],
        ),
        seed(
            "strangers-by-then",
            Fails(NotAPair, "is not a member"),
            CLONE | may_see_text,
            &[&undone, &begun(&strangers)],
        ),
        seed(
            "denied-to-superusers-settings",
            Fails(Declined, "permission denied"),
            CLONE,
            &[&answered(&renewed), &denied],
        ),
    ]
}

/// Names and values that once got where they should not.
pub(super) fn once_found() -> Vec<Conversation> {
    let of_setting = |database, entry: &str| {
        let facts = catalog(&[base()], &[setting("f", database, entry, "f")], false, &[]);
        [let_in(), begun(&facts)].concat()
    };
    let control = format!("{}{}=1", "x".repeat(30), "\u{8a}".repeat(20));
    let begun = begun(&[]);
    let before_ready = &begun[..begun.len() - READY.len()];
    let zero = [message(b'T', b"\0\0"), role("f", "5", Some("203\0"), None)].concat();
    vec![
        seed(
            "control-character-in-the-name-of-a-setting",
            Fails(Declined, "can't be written"),
            CLONE,
            &[&of_setting(None, &control)],
        ),
        seed(
            "long-name-of-a-setting",
            Fails(Declined, "can't be written"),
            CLONE,
            &[&of_setting(None, &format!("{}=1", "x".repeat(64)))],
        ),
        seed(
            "empty-name-of-a-database",
            Fails(Declined, "name is empty"),
            CLONE,
            &[&of_setting(Some(""), "x=1")],
        ),
        seed(
            "zero-byte-in-a-value",
            Fails(Protocol, "zero byte"),
            CLONE,
            &[&let_in(), before_ready, &zero],
        ),
    ]
}
