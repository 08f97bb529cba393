//! Names and values in SQL.
//!
//! The session's SQL mode has `NO_BACKSLASH_ESCAPES` (see `session`), so one rule holds: the quote is
//! doubled and everything else stands for itself. Names that the server would take for another
//! account's, and zero bytes, are refused.

use windlass_sdk::{Failure, TEXT_MAX, clean};

use crate::version::Version;

/// The longest user name that this plugin takes before it knows the server: MariaDB's, in characters.
pub(crate) const NAME_MAX: u32 = 128;

/// MySQL's, in characters.
pub(crate) const NAME_MAX_MYSQL: u32 = 32;

/// Checks a name that an account is to have, once the server is known: a longer one would be found
/// out only when the account is created.
pub(crate) fn check_length(name: &str, version: Version) -> Result<(), Failure> {
    let length = u32::try_from(name.chars().count()).unwrap_or(u32::MAX);
    if version.mariadb || length <= NAME_MAX_MYSQL {
        return Ok(());
    }
    Err(Failure::invalid_secret(format!(
        "the name {name:?} is {length} characters long; MySQL takes {NAME_MAX_MYSQL} at most"
    )))
}

/// Checks a user name; `what` is named in the failure.
pub(crate) fn check_name(name: &str, what: &str) -> Result<(), Failure> {
    let problem = if name.is_empty() {
        // It would be the anonymous account: everybody's.
        "is empty".to_owned()
    } else if name.contains('\0') {
        "holds a zero byte".to_owned()
    } else if name.ends_with(' ') {
        // Names are compared without them, so another account could be meant.
        "ends in a space, which the server does not tell from the same name without".to_owned()
    } else if u32::try_from(name.chars().count()).unwrap_or(u32::MAX) > NAME_MAX {
        let length = name.chars().count();
        format!(
            "is {length} characters long; MariaDB takes {NAME_MAX}, MySQL {NAME_MAX_MYSQL} at most"
        )
    } else {
        return Ok(());
    };
    Err(Failure::invalid_secret(format!("{what} {problem}")))
}

/// Checks a password before anything is sent. An empty one means none to the server.
pub(crate) fn check_password(password: &str, what: &str) -> Result<(), Failure> {
    let problem = if password.is_empty() {
        "is empty".to_owned()
    } else if password.contains('\0') {
        "holds a zero byte".to_owned()
    } else if password.len() > PASSWORD_BYTES {
        format!("is {} bytes long; {PASSWORD_BYTES} at most can be used to sign in", password.len())
    } else {
        return Ok(());
    };
    Err(Failure::invalid_secret(format!("{what} {problem}")))
}

/// What caching_sha2_password takes (`CACHING_SHA2_PASSWORD_MAX_PASSWORD_LENGTH`).
pub(crate) const PASSWORD_BYTES: usize = 256;

/// A name in backticks.
pub(crate) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A value as a string constant, under `NO_BACKSLASH_ESCAPES`.
pub(crate) fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A text that names accounts and rights, on its way into a message or a remedy: one line of so many
/// characters at most. Names may be any text.
pub(crate) fn for_people(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().take(most).collect();
    let parts = characters.chunks(TEXT_MAX).map(|part| clean(&String::from_iter(part)));
    let mut line: String = parts.collect();
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}

/// How long a remedy is at most, in characters. The host cuts what is longer than 1 KiB.
pub(crate) const REMEDY_MAX: usize = 900;

/// How much of a message names what differs, in characters. The host cuts messages at 2 KiB.
pub(crate) const NAMED_MAX: usize = 600;

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind;

    use super::*;

    /// What no statement may be broken by.
    const WEIRD: &[&str] = &[
        "app",
        "App User",
        "select",
        "a`b",
        "`",
        "``",
        "a'b",
        "'",
        "''; DROP USER app; -- ",
        "`; DROP USER app; -- ",
        "back\\slash",
        "\\",
        "\\'",
        "\\\\",
        "100%",
        "_",
        "a@b",
        "@",
        "é",
        "ünïcode",
        "😀",
        "tab\tnew\nline",
        "/* comment */",
        "semi;colon",
        "\"",
        "#",
        "-- ",
    ];

    #[test]
    fn what_is_quoted_is_read_back_unchanged() {
        for first in WEIRD {
            for second in WEIRD {
                let text = format!("{first}{second}");
                for (quoted, mark) in [(identifier(&text), '`'), (literal(&text), '\'')] {
                    let inner = quoted.strip_prefix(mark).unwrap().strip_suffix(mark).unwrap();
                    let double = format!("{mark}{mark}");
                    assert!(!inner.replace(&double, "").contains(mark), "{quoted} ends early");
                    assert_eq!(inner.replace(&double, &mark.to_string()), text);
                }
            }
        }
    }

    #[test]
    fn a_text_for_people_is_one_line_of_bounded_length() {
        assert_eq!(for_people("a\nb\u{202e}c", 99), "a b c");
        let long = for_people(&"é\n".repeat(2000), 500);
        assert_eq!(long.chars().count(), 501);
        assert!(long.ends_with('…') && !long.contains('\n'));
    }

    #[test]
    fn names_and_passwords_that_could_mean_another_are_refused() {
        for name in ["", "a\0b", "app ", &"x".repeat(129)] {
            assert_eq!(check_name(name, "it").unwrap_err().kind, FailureKind::InvalidSecret);
        }
        for name in ["app", " app", "a b", "a@b", &"é".repeat(128)] {
            assert_eq!(check_name(name, "it"), Ok(()));
        }
        let long = "x".repeat(33);
        assert!(check_length(&long, Version::read("8.0.36", "")).is_err());
        assert_eq!(check_length(&long, Version::read("10.11.6-MariaDB", "")), Ok(()));
        for password in ["", "a\0b", &"x".repeat(257)] {
            let failure = check_password(password, "it").unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidSecret);
            assert!(password.is_empty() || !failure.message.contains(password));
        }
        assert_eq!(check_password(" ", "it"), Ok(()));
    }
}
