//! Changes of one account.

use windlass_sdk::FailureKind::*;

use super::super::proof::native_hash;
use super::super::{Choice, NEW_PASSWORD, PASSWORD};
use super::{MARIA, NATIVE, V8, created, error, let_in, ok, packet, prepared, rows, seed};
use crate::ends::Conversation;
use crate::ends::Ends::*;

const OWN: u16 = Choice::OWN;
const KEEP: u16 = OWN | Choice::KEEP;
const BY_ADMINISTRATOR: u16 = Choice::BY_ADMINISTRATOR;

/// What MariaDB says of one's own account, and of what it stores after a change.
pub(super) fn described(identified: &str) -> Vec<u8> {
    created("`app`@`%`", identified)
}

/// The same once the new password is stored.
fn stored() -> Vec<u8> {
    described(&format!("BY PASSWORD '{}'", native_hash(NEW_PASSWORD)))
}

/// Why the last statement was refused.
pub(super) fn warnings(code: &str, text: &str) -> Vec<u8> {
    rows(&[&["Error", code, text]])
}

/// What an account's rights are, the session's own.
pub(super) fn held(rights: &str) -> Vec<u8> {
    rows(&[&[&format!("GRANT {rights} TO `app`@`%`")]])
}

pub(super) fn own() -> Vec<Conversation> {
    let prepared_8 = prepared(V8, "app@%");
    let second =
        [prepared("8.4.0", "app@%"), error(3891, "incorrect"), rows(&[&["NONE"]])].concat();
    let expired = error(1820, "reset it");
    vec![
        seed("own-mysql", Done, OWN, &[&prepared_8, &ok(), &error(1227, "denied")]),
        seed("own-discarding", Done, OWN, &[&prepared_8, &ok(), &ok()]),
        seed(
            "own-second",
            Done,
            OWN,
            &[&second, &held("APPLICATION_PASSWORD_ADMIN ON *.*"), &ok(), &ok()],
        ),
        seed(
            "own-second-denied",
            Fails(Declined, "second one"),
            OWN,
            &[&second, &held("USAGE ON *.*"), &error(3891, "incorrect")],
        ),
        seed(
            "own-overtaken",
            Done,
            OWN,
            &[&second, &held("USAGE ON *.*"), &ok(), &error(1227, "denied")],
        ),
        seed("expired", Done, OWN, &[&let_in("9.0.0"), &expired, &expired, &ok(), &ok()]),
        seed(
            "proxied",
            Fails(Declined, "belongs to"),
            OWN,
            &[&let_in(V8), &rows(&[&[V8, "", "other@%"]])],
        ),
        seed(
            "too-old",
            Fails(Unsupported, "5.6.51"),
            OWN,
            &[&let_in("5.6.51"), &rows(&[&["5.6.51", "", "app@%"]])],
        ),
    ]
}

pub(super) fn own_on_mariadb() -> Vec<Conversation> {
    let told = described(&format!("VIA ed25519 USING 'x' OR {NATIVE} USING 'invalid'"));
    let several = described(&format!("VIA ed25519 USING 'x' OR {NATIVE} USING '*24'"));
    let begun = [prepared(MARIA, "app@%"), told].concat();
    vec![
        seed("own-mariadb", Done, OWN, &[&begun, &ok(), &stored()]),
        seed(
            "own-not-stored",
            Fails(Declined, "stores another password"),
            OWN,
            &[&begun, &ok(), &described("BY PASSWORD '*24'")],
        ),
        seed(
            "own-of-several",
            Fails(Declined, "several methods"),
            OWN,
            &[&prepared(MARIA, "app@%"), &several],
        ),
    ]
}

/// Policies, which may have to see the password.
pub(super) fn policies() -> Vec<Conversation> {
    const STRICT: &str = "running with the --strict-password-validation option";
    let strict = [
        prepared(MARIA, "app@%"),
        described("BY PASSWORD '*24'"),
        error(1290, STRICT),
        warnings("1290", STRICT),
    ]
    .concat();
    let in_tls = OWN | Choice::TLS;
    let may_see_text = in_tls | Choice::SEND_TEXT;
    let too_short = [
        error(1819, "not valid"),
        warnings("1819", "simple_password_check: Too short password (< 40)"),
        rows(&[&["simple_password_check_minimal_length", "40"]]),
    ]
    .concat();
    let medium = rows(&[&["validate_password.policy", "MEDIUM"]]);
    let prepared_8 = prepared(V8, "app@%");
    vec![
        seed("text-required", Fails(TextRequired, "as text"), in_tls, &[&strict]),
        seed("text-in-clear", Fails(Unsupported, "no TLS"), OWN | Choice::SEND_TEXT, &[&strict]),
        seed("text-sent", Done, may_see_text, &[&strict, &ok(), &stored()]),
        seed(
            "password-rejected",
            Fails(PasswordRejected, "Too short"),
            may_see_text,
            &[&strict, &too_short],
        ),
        seed(
            "password-rejected-by-mysql",
            Fails(PasswordRejected, "policy"),
            OWN,
            &[&prepared_8, &error(1819, "not valid"), &medium],
        ),
        seed(
            "in-the-history",
            Fails(PasswordRejected, "changing the password"),
            OWN,
            &[&prepared_8, &error(3638, "contradict the history")],
        ),
    ]
}

/// Two passwords at once.
pub(super) fn dual() -> Vec<Conversation> {
    let incorrect = [prepared("9.7.0", "app@%"), error(3891, "incorrect")].concat();
    let in_force = [let_in("9.7.0"), rows(&[&["app@%"]])].concat();
    let not_in_force = [super::greeting("9.7.0", NATIVE), error(1045, "denied")].concat();
    let account = |password: &str| {
        let hash = native_hash(password);
        let account =
            created("`it's ``x```@`%`", &format!("WITH '{NATIVE}' AS '{hash}' REQUIRE NONE"));
        [prepared(V8, "app@%"), rows(&[&["%", "it's `x`"]]), account].concat()
    };
    let by_administrator = BY_ADMINISTRATOR | Choice::KEEP;
    vec![
        seed("kept", Done, KEEP, &[&prepared("8.0.14", "app@%"), &ok()]),
        seed("kept-again", Done, KEEP, &[&incorrect, &in_force]),
        seed("kept-anew", Done, KEEP, &[&incorrect, &not_in_force, &ok(), &ok()]),
        seed("kept-by-administrator", Done, by_administrator, &[&account(PASSWORD), &ok()]),
        seed("kept-before", Done, by_administrator, &[&account(NEW_PASSWORD)]),
        seed("kept-third", Done, by_administrator, &[&account("another"), &ok(), &ok()]),
        seed(
            "kept-on-mariadb",
            Fails(Unsupported, "one password at a time"),
            KEEP,
            &[&prepared(MARIA, "app@%")],
        ),
    ]
}

pub(super) fn by_administrator() -> Vec<Conversation> {
    let found = |hosts: &[&[&str]]| [prepared(V8, "app@%"), rows(hosts)].concat();
    let one = found(&[&["%", "it's `x`"]]);
    let account = |stored: &str| {
        created("`it's ``x```@`%`", &format!("WITH '{NATIVE}' AS '{stored}' REQUIRE NONE"))
    };
    let socket = created("`it's ``x```@`%`", "WITH 'auth_socket' REQUIRE NONE");
    let none = [&packet(&[2])[..], &packet(b"a"), &packet(b"b"), &packet(super::END)].concat();
    let none = [prepared(V8, "app@%"), none, packet(super::END)].concat();
    let has_it = account(&native_hash(NEW_PASSWORD));
    vec![
        seed("by-administrator", Done, BY_ADMINISTRATOR, &[&one, &account("*24"), &ok(), &ok()]),
        seed("has-it-already", Done, BY_ADMINISTRATOR, &[&one, &has_it, &ok()]),
        seed(
            "without-password",
            Fails(Declined, "no password that could be changed"),
            BY_ADMINISTRATOR,
            &[&one, &socket],
        ),
        seed(
            "several",
            Fails(Declined, "several accounts"),
            BY_ADMINISTRATOR,
            &[&found(&[&["%", "it's `x`"], &["10.%", "it's `x`"]])],
        ),
        seed("nobody", Fails(Declined, "there is no account"), BY_ADMINISTRATOR, &[&none]),
    ]
}
