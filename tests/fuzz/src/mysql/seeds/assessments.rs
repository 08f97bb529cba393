//! What stands in the way of a change, and marks of pairs.

use windlass_sdk::FailureKind::*;
use windlass_sdk::PairState::*;

use super::super::Choice;
use super::changes::{described, held};
use super::pairs::{MARK, MARKED, READ, UNMARKED, both, half, halves, old_password, on_mysql_with};
use super::{MARIA, NATIVE, V8, error, granted, ok, prepared, rows, seed};
use crate::ends::Conversation;
use crate::ends::Ends::*;

const OWN: u16 = Choice::ASSESS | Choice::OWN;
const BY_ADMINISTRATOR: u16 = Choice::ASSESS | Choice::BY_ADMINISTRATOR;
const PAIR: u16 = Choice::ASSESS | Choice::ALTERNATING;
const MARK_PAIR: u16 = Choice::MARK | Choice::ALTERNATING;

const ALL: &str = "ALL PRIVILEGES ON *.*";

/// An administrator of MariaDB's that has these rights.
fn on_mariadb(rights: &str) -> Vec<u8> {
    [prepared(MARIA, "app@%"), held(rights)].concat()
}

/// The same of MySQL's, which is asked for its roles first.
fn on_mysql(rights: &str) -> Vec<u8> {
    [prepared(V8, "app@%"), rows(&[&["NONE"]]), held(rights)].concat()
}

pub(super) fn found() -> Vec<Conversation> {
    let several = described(&format!("VIA ed25519 USING 'x' OR {NATIVE} USING '*24'"));
    let system = granted("`it's ``x```@`%`", &["SYSTEM_USER ON *.*"]);
    let of_system = [rows(&[&["%", "it's `x`"]]), system].concat();
    let all_with_option = on_mariadb("ALL PRIVILEGES ON *.*");
    let reads = on_mysql("CREATE USER, SELECT ON *.*");
    let differ = halves(&[READ], &[MARK, "INSERT ON `d`.*"]);
    let equal = halves(&[READ], &[READ]);
    let absent = [rows(&[&["%", "base"]]), half("base", &old_password(), &[READ])].concat();
    let strangers = on_mysql_with(UNMARKED, READ, "INSERT ON `d`.*");
    vec![
        seed("assess-own", Finds(None, 0, 0), OWN, &[&prepared(V8, "app@%")]),
        seed("assess-several", Finds(None, 1, 0), OWN, &[&prepared(MARIA, "app@%"), &several]),
        seed("assess-lacking", Finds(None, 2, 0), BY_ADMINISTRATOR, &[&on_mysql("USAGE ON *.*")]),
        seed("assess-system", Finds(None, 1, 0), BY_ADMINISTRATOR, &[&reads, &of_system]),
        seed("assess-nobody", Finds(None, 1, 0), BY_ADMINISTRATOR, &[&reads, &rows(&[])]),
        seed("assess-marked", Finds(Some(Marked), 1, 2), PAIR, &[&all_with_option, &differ]),
        seed("assess-equal", Finds(Some(Equal), 1, 0), PAIR, &[&on_mariadb(ALL), &equal]),
        seed("assess-different", Finds(Some(Different), 1, 2), PAIR, &[&reads, &strangers]),
        seed("assess-absent", Finds(Some(Absent), 1, 0), PAIR, &[&on_mariadb(ALL), &absent]),
    ]
}

pub(super) fn marked() -> Vec<Conversation> {
    let mariadb = prepared(MARIA, "app@%");
    let unmarked = halves(&[READ], &["INSERT ON `d`.*"]);
    let marked = halves(&[READ], &[MARK, READ]);
    let mysql = [prepared(V8, "app@%"), on_mysql_with(UNMARKED, READ, "INSERT ON `d`.*")].concat();
    let again = [prepared(V8, "app@%"), on_mysql_with(MARKED, READ, READ)].concat();
    let with = format!("WITH '{NATIVE}' AS '*24' REQUIRE NONE");
    let too_old = [
        prepared("8.0.20", "app@%"),
        both(),
        half("base_clone", &with, &[READ]),
        half("base", &with, &[READ]),
    ]
    .concat();
    let absent = [rows(&[&["%", "base"]]), half("base", &old_password(), &[READ])].concat();
    let usage = rows(&[&["GRANT USAGE ON *.* TO `windlass:base`"]]);
    let empty_role = [ok(), usage].concat();
    let another_s = error(1698, "Access denied for user 'app'");
    vec![
        seed("mark", Done, MARK_PAIR, &[&mariadb, &unmarked, &empty_role, &ok(), &ok()]),
        seed("mark-again", Done, MARK_PAIR, &[&mariadb, &marked, &empty_role, &ok(), &ok()]),
        seed(
            "mark-with-another-s-role",
            Done,
            MARK_PAIR,
            &[&mariadb, &marked, &empty_role, &ok(), &another_s, &ok(), &ok(), &ok()],
        ),
        seed("mark-on-mysql", Done, MARK_PAIR, &[&mysql, &ok(), &ok()]),
        seed("mark-on-mysql-again", Done, MARK_PAIR, &[&again, &ok(), &ok()]),
        seed("mark-impossible", Fails(Unsupported, "8.0.20"), MARK_PAIR, &[&too_old]),
        seed("mark-absent", Fails(Declined, "can't be marked"), MARK_PAIR, &[&mariadb, &absent]),
        seed(
            "mark-denied",
            Fails(Declined, "denied"),
            MARK_PAIR,
            &[&mysql, &error(1227, "denied")],
        ),
        seed("mark-one", Fails(Unsupported, "names one"), Choice::MARK | Choice::OWN, &[]),
    ]
}
