//! Changes of two accounts that take turns.

use windlass_sdk::FailureKind::*;

use super::super::proof::native_hash;
use super::super::{Choice, PASSWORD};
use super::changes::warnings;
use super::{MARIA, NATIVE, V8, created, error, granted, ok, prepared, rows, seed};
use crate::ends::Conversation;
use crate::ends::Ends::*;

const CLONE: u16 = Choice::ALTERNATING;
const BASE: u16 = Choice::ALTERNATING | Choice::TURN_OF_BASE;

pub(super) const USAGE: &str = "USAGE ON *.*";
pub(super) const READ: &str = "SELECT ON `d`.*";
/// MariaDB's mark, as a right of the clone.
pub(super) const MARK: &str = "`windlass:base`";

/// An account as MariaDB describes it, and its rights.
pub(super) fn half(name: &str, identified: &str, rights: &[&str]) -> Vec<u8> {
    let account = format!("`{name}`@`%`");
    [created(&account, identified), granted(&account, rights)].concat()
}

/// By which both sign in.
pub(super) fn old_password() -> String {
    format!("BY PASSWORD '{}'", native_hash(PASSWORD))
}

/// The accounts of both names.
pub(super) fn both() -> Vec<u8> {
    rows(&[&["%", "base"], &["%", "base_clone"]])
}

/// What MariaDB says about a pair, the clone first.
pub(super) fn halves(base: &[&str], clone: &[&str]) -> Vec<u8> {
    let by = old_password();
    [both(), half("base_clone", &by, clone), half("base", &by, base)].concat()
}

/// The beginning of a turn on MariaDB: who is there, and that nobody else is at work.
fn locked() -> Vec<u8> {
    [prepared(MARIA, "app@%"), rows(&[&["c0ffee"]]), rows(&[&["1"]])].concat()
}

/// Both are a pair, the policy has nothing against the password, and the role is as it should be.
fn begun(base: &[&str], clone: &[&str]) -> Vec<u8> {
    [locked(), halves(base, clone), asked(), role_is_there()].concat()
}

fn asked() -> Vec<u8> {
    [error(1372, "not a hash"), warnings("1372", "not a hash")].concat()
}

fn role_is_there() -> Vec<u8> {
    [ok(), rows(&[&["GRANT USAGE ON *.* TO `windlass:base`"]])].concat()
}

pub(super) fn on_mariadb() -> Vec<Conversation> {
    let reads = begun(&[READ], &[MARK, READ]);
    let columns = "SELECT (`a``b`), UPDATE ON `d`.`t`";
    let differ = begun(&[USAGE, columns], &[MARK, USAGE, "INSERT ON `d`.*"]);
    let like_base = half("base_clone", &old_password(), &[MARK, USAGE, columns]);
    let told = format!("VIA ed25519 USING 'x' OR {NATIVE} USING 'invalid' REQUIRE SSL");
    let base = half("base", "BY PASSWORD '*24' REQUIRE SSL", &[USAGE]);
    let alone = [locked(), rows(&[&["%", "base"]]), base, asked(), role_is_there()].concat();
    let made = half("base_clone", &told, &[MARK, USAGE]);
    let another_s = error(1698, "Access denied for user 'app'");
    let unmarked = begun(&[READ], &[READ]);
    let marked = half("base_clone", &old_password(), &[MARK, READ]);
    let given_away = rows(&[&["GRANT SELECT ON `d`.* TO `windlass:base`"]]);
    let anew = [locked(), halves(&[READ], &[MARK, READ]), asked(), ok(), given_away].concat();
    vec![
        seed("turned", Done, CLONE, &[&reads, &ok()]),
        seed("back", Done, BASE, &[&reads, &ok()]),
        seed("mended", Done, CLONE, &[&differ, &ok(), &ok(), &like_base, &ok()]),
        seed("created", Done, CLONE, &[&alone, &ok(), &made, &ok()]),
        seed(
            "created-with-another-s-role",
            Done,
            CLONE,
            &[&alone, &another_s, &ok(), &ok(), &made, &ok()],
        ),
        seed("adopted", Done, CLONE, &[&unmarked, &ok(), &ok(), &marked, &ok()]),
        seed("role-made-anew", Done, CLONE, &[&anew, &ok(), &ok(), &ok()]),
    ]
}

/// The accounts of a pair on MySQL, the attributes that they have, and themselves.
pub(super) fn on_mysql_with(marks: [[&str; 2]; 2], base: &str, clone: &str) -> Vec<u8> {
    let with = format!("WITH '{NATIVE}' AS '{}' REQUIRE NONE", native_hash(PASSWORD));
    let [of_base, of_clone] = [half("base", &with, &[base]), half("base_clone", &with, &[clone])];
    [both(), attributes(marks), of_clone, of_base].concat()
}

fn attributes([base, clone]: [[&str; 2]; 2]) -> Vec<u8> {
    rows(&[&["base", "%", base[0], base[1]], &["base_clone", "%", clone[0], clone[1]]])
}

/// Both have their half of the mark.
pub(super) const MARKED: [[&str; 2]; 2] = [["base_clone", ""], ["", "base"]];
/// Neither has.
pub(super) const UNMARKED: [[&str; 2]; 2] = [["", ""], ["", ""]];

pub(super) fn on_mysql() -> Vec<Conversation> {
    let begun = prepared(V8, "app@%");
    let marked = on_mysql_with(MARKED, READ, READ);
    let unmarked = on_mysql_with(UNMARKED, READ, READ);
    let with = format!("WITH '{NATIVE}' AS '{}' REQUIRE NONE", native_hash(PASSWORD));
    let again = [attributes(MARKED), half("base_clone", &with, &[READ])].concat();
    vec![
        seed("turned-on-mysql", Done, CLONE, &[&begun, &marked, &ok(), &ok(), &ok()]),
        seed(
            "adopted-on-mysql",
            Done,
            CLONE,
            &[&begun, &unmarked, &ok(), &ok(), &ok(), &again, &ok(), &ok()],
        ),
        seed(
            "strangers-on-mysql",
            Fails(NotAPair, "has INSERT"),
            CLONE,
            &[&begun, &on_mysql_with(UNMARKED, READ, "INSERT ON `d`.*")],
        ),
    ]
}

pub(super) fn refused() -> Vec<Conversation> {
    let strangers = halves(&[READ], &["ALL PRIVILEGES ON *.*"]);
    let base = half("base", &old_password(), &["USA$E ON *.*"]);
    let no_word = [rows(&[&["%", "base"]]), base].concat();
    let named = rows(&[&["c0ffee"]]);
    let unlocked = [prepared(MARIA, "app@%"), named, rows(&[&["0"]])].concat();
    vec![
        seed("strangers", Fails(NotAPair, "`base_clone`@`%`"), CLONE, &[&locked(), &strangers]),
        seed("another-at-work", Fails(Unreachable, "another attempt"), CLONE, &[&unlocked]),
        // Once found: what is not a word went into a statement, a control character into a message.
        seed("a-right-in-no-word", Fails(Unsupported, "in words"), CLONE, &[&locked(), &no_word]),
        seed(
            "control-character-in-the-host-of-an-account",
            Fails(Protocol, "impossible host"),
            CLONE,
            &[&locked(), &rows(&[&["%", "base"], &["\u{1b}\n", "base_clone"]])],
        ),
    ]
}
