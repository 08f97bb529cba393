//! Checks of passwords on the server (`check_password_hook`): credcheck, passwordcheck and its like,
//! functions of pg_tle.
//!
//! A check that is shown what is to be stored can't look at the password in it. So one that says no
//! then either wants to see it as text, or has another reason. Its words tell where they are known;
//! where the operator allows it the text is sent, and the second answer tells.

use windlass_sdk::{ChangeRequest, Failure, FailureKind, TlsMode};

/// What checks that want to see the text say of what they are shown.
const WORDS: &[&str] =
    &["plain text", "plaintext", "plain-text", "clear text", "cleartext", "encrypted", "hashed"];

/// The credcheck extension's own word.
const CREDCHECK: &str = "password type is not a plain text";

/// Whether a check said no to a password. The SQLSTATEs are what checks raise: 28 (credcheck), 22
/// (passwordcheck), P0 (a function), XX000 (credcheck's first releases). For this statement the server
/// itself has others.
pub(crate) fn is_of_a_check(failure: &Failure) -> bool {
    failure.kind == FailureKind::Declined
        && match failure.code.as_str() {
            "XX000" => wants_text(failure),
            code => ["28", "22", "P0"].iter().any(|class| code.starts_with(class)),
        }
}

fn wants_text(failure: &Failure) -> bool {
    let message = failure.message.to_lowercase();
    WORDS.iter().any(|word| message.contains(word))
}

/// Whether the password may be sent as text.
pub(crate) fn may_see_text(request: &ChangeRequest) -> bool {
    request.may_send_text && request.actor.tls == TlsMode::Required
}

/// What it means that a check did not take what is stored, where no text may be sent.
pub(crate) fn stored_refused(failure: Failure, tls: TlsMode) -> Failure {
    let allow = match tls {
        TlsMode::Required => {
            "allow it to be sent inside TLS (send-text = true in windlass.toml, or \
                              WINDLASS_SEND_TEXT=true)"
        }
        TlsMode::Disabled => {
            "turn TLS on (remove \"ssl\": false from the secret) and allow the text to \
                              be sent (send-text = true in windlass.toml, or WINDLASS_SEND_TEXT=true)"
        }
    };
    if !wants_text(&failure) {
        let remedy = format!(
            "see which check of passwords the server has (SHOW shared_preload_libraries) and change \
             what it asks for; if it has to see the password as text, {allow}"
        );
        return failure.with_remedy(remedy);
    }
    let own = if failure.message.contains(CREDCHECK) {
        ", or let the server take what is stored (credcheck.encrypted_password_allowed = on)"
    } else {
        ", or let the server's check take what is stored"
    };
    Failure::text_required(failure.message)
        .with_code(failure.code)
        .with_remedy(format!("{allow}{own}"))
}

/// What it means that a check did not take the text either; `stored` is what it said before. The same
/// words have nothing to do with the password.
pub(crate) fn text_refused(failure: Failure, stored: &Failure) -> Failure {
    if failure.code == stored.code && failure.message == stored.message {
        return failure.with_remedy(
            "see which check of passwords the server has (SHOW shared_preload_libraries) and change \
             what it asks for: it says the same of every password",
        );
    }
    Failure::password_rejected(failure.message).with_code(failure.code).with_remedy(
        "set PASSWORD_LENGTH, EXCLUDE_CHARACTERS, EXCLUDE_NUMBERS, EXCLUDE_PUNCTUATION, \
         EXCLUDE_UPPERCASE, EXCLUDE_LOWERCASE and REQUIRE_EACH_INCLUDED_TYPE so that passwords are \
         made as the server's check asks",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, text: &str) -> Failure {
        Failure::declined(format!("changing the password: {text}")).with_code(code)
    }

    #[test]
    fn the_words_of_a_check_tell_whether_it_wants_the_text() {
        for (code, text, kind, part) in [
            ("28000", CREDCHECK, FailureKind::TextRequired, "credcheck.encrypted_password_allowed"),
            ("XX000", CREDCHECK, FailureKind::TextRequired, "WINDLASS_SEND_TEXT=true"),
            (
                "P0001",
                "Hashed passwords are not taken",
                FailureKind::TextRequired,
                "send-text = true",
            ),
            ("28000", "you are not allowed to change your password", FailureKind::Declined, "SHOW"),
        ] {
            let failure = said(code, text);
            assert!(is_of_a_check(&failure), "{text}");
            let explained = stored_refused(failure, TlsMode::Required);
            assert_eq!((explained.kind, explained.code.as_str()), (kind, code));
            assert!(explained.remedy.contains(part), "{}", explained.remedy);
            assert!(explained.message.ends_with(text), "{explained}");
        }
        let in_clear = stored_refused(said("28000", CREDCHECK), TlsMode::Disabled);
        assert!(in_clear.remedy.contains("\"ssl\": false"), "{}", in_clear.remedy);
    }

    #[test]
    fn what_the_server_itself_says_is_of_no_check() {
        for (code, text) in [
            ("42501", "permission denied"),
            ("42704", "role does not exist"),
            ("25006", "read-only"),
            ("XX000", "could not open relation"),
            ("", "no"),
        ] {
            assert!(!is_of_a_check(&said(code, text)), "{code}");
        }
        assert!(!is_of_a_check(&Failure::unreachable("the connection broke").with_code("28000")));
    }

    #[test]
    fn a_check_that_says_something_else_of_the_text_has_rejected_this_password() {
        let first = said("28000", CREDCHECK);
        let rejected = text_refused(said("28000", "password length should match"), &first);
        assert_eq!(rejected.kind, FailureKind::PasswordRejected);
        assert!(rejected.remedy.contains("PASSWORD_LENGTH"), "{}", rejected.remedy);
        let no_change = said("28000", "you are not allowed to change your password");
        assert_eq!(text_refused(no_change.clone(), &no_change).kind, FailureKind::Declined);
    }
}
