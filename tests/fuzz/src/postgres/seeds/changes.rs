//! Changes of one account.

use windlass_sdk::FailureKind::*;

use super::super::Choice;
use super::super::wire::*;
use super::{begun, begun_with, committed, let_in, seed, sign_in};
use crate::ends::Conversation;
use crate::ends::Ends::*;

const OWN: u16 = Choice::OWN;
const BY_ADMINISTRATOR: u16 = Choice::BY_ADMINISTRATOR;
const MAY_SEE_TEXT: u16 = Choice::TLS | Choice::SEND_TEXT;

/// What a check says that has to see the password.
const NO_PLAIN_TEXT: &str = "password type is not a plain text";

/// With what is stored.
pub(super) fn stored() -> Vec<Conversation> {
    let denied = error("42501", "permission denied");
    let standby = error("0A000", "during recovery");
    let of = |login, expired| [table(&[row(&[Some(login), Some(expired)])])];
    let asked_md5 = [begun_with("md5", &of("t", "f")), authentication(5, b"salt")].concat();
    vec![
        seed("own", Done, OWN, &[&let_in(), &begun(&[]), &committed()]),
        seed(
            "own-by-scram",
            Done,
            OWN,
            &[&sign_in::plain(), &welcome(), &begun(&[]), &committed()],
        ),
        seed(
            "rolled-back",
            Fails(Protocol, "did not commit"),
            OWN,
            &[&let_in(), &begun(&[]), &complete("ROLLBACK"), READY],
        ),
        seed(
            "denied",
            Fails(Declined, "permission denied"),
            OWN,
            &[&let_in(), &begun(&[]), &denied],
        ),
        seed("standby", Fails(Declined, "during recovery"), OWN, &[&let_in(), &standby]),
        seed(
            "by-administrator",
            Done,
            BY_ADMINISTRATOR,
            &[&let_in(), &begun(&of("t", "f")), &committed()],
        ),
        seed("asked-for-md5", Done, BY_ADMINISTRATOR, &[&let_in(), &asked_md5, &committed()]),
        seed(
            "nobody",
            Fails(Declined, "there is no role"),
            BY_ADMINISTRATOR,
            &[&let_in(), &begun(&[table(&[])])],
        ),
        seed(
            "expired",
            Fails(Declined, "has expired"),
            BY_ADMINISTRATOR,
            &[&let_in(), &begun(&of("t", "t"))],
        ),
        seed(
            "no-login",
            Fails(Declined, "may not log in"),
            BY_ADMINISTRATOR,
            &[&let_in(), &begun(&of("f", "f"))],
        ),
    ]
}

/// What a check answers to what is stored, and then to the text, up to the answer to that.
pub(super) fn shown(first: &str, facts: &[Vec<u8>]) -> Vec<u8> {
    let handed_over = [complete("SET"), READY.to_vec(), message(b'V', &[0; 4]), READY.to_vec()];
    [undone(first, facts), begun(facts), handed_over.concat()].concat()
}

/// The same up to the beginning of the second attempt.
pub(super) fn undone(first: &str, facts: &[Vec<u8>]) -> Vec<u8> {
    let refused = [error("28000", first), READY.to_vec()].concat();
    let rolled_back = [complete("ROLLBACK"), READY.to_vec()].concat();
    [b"S".to_vec(), let_in(), begun(facts), refused, rolled_back].concat()
}

/// With the password as text, where a check has to see it.
pub(super) fn text() -> Vec<Conversation> {
    let refused = error("28000", NO_PLAIN_TEXT);
    vec![
        seed(
            "text-required",
            Fails(TextRequired, NO_PLAIN_TEXT),
            OWN | Choice::TLS,
            &[b"S", &let_in(), &begun(&[]), &refused],
        ),
        seed(
            "text-required-in-clear",
            Fails(TextRequired, NO_PLAIN_TEXT),
            OWN | Choice::SEND_TEXT,
            &[&let_in(), &begun(&[]), &refused],
        ),
        seed(
            "checked-for-another-reason",
            Fails(Declined, "not at this hour"),
            OWN | Choice::TLS,
            &[b"S", &let_in(), &begun(&[]), &error("P0001", "not at this hour")],
        ),
        seed("text-sent", Done, OWN | MAY_SEE_TEXT, &[&shown(NO_PLAIN_TEXT, &[]), &committed()]),
        seed(
            "password-rejected",
            Fails(PasswordRejected, "too short"),
            OWN | MAY_SEE_TEXT,
            &[&shown(NO_PLAIN_TEXT, &[]), &error("28000", "too short")],
        ),
        seed(
            "same-of-every-password",
            Fails(Declined, "you may not"),
            OWN | MAY_SEE_TEXT,
            &[&shown("you may not", &[]), &error("28000", "you may not")],
        ),
    ]
}
