//! Names and values in SQL.
//!
//! A name is always quoted, so its case, its blanks and its meaning as a key word don't matter. A
//! value is written so that it means the same whether `standard_conforming_strings` is on or off.
//! Names that the server would cut to another name, and zero bytes, which would end the statement,
//! are refused.

use windlass_sdk::{Failure, Finding, clean};

use crate::product::Dialect;

impl Dialect {
    /// Checks a name that is sent to the server as it is; `what` is named in the failure. A server
    /// cuts what is too long, silently, and would then act on another account.
    ///
    /// # Errors
    /// `invalid-secret` where it can't be sent.
    pub fn check_name(&self, name: &str, what: &str) -> Result<(), Failure> {
        let problem = if name.is_empty() {
            "is empty".to_owned()
        } else if name.contains('\0') {
            "holds a zero byte".to_owned()
        } else if u32::try_from(name.len()).unwrap_or(u32::MAX) > self.name_max {
            let (length, max) = (name.len(), self.name_max);
            format!("is {length} bytes long; {} takes {max} at most", self.product)
        } else {
            return Ok(());
        };
        Err(Failure::invalid_secret(format!("{what} {problem}")))
    }

    /// A name as a quoted identifier.
    ///
    /// # Errors
    /// See [`Dialect::check_name`].
    pub fn identifier(&self, name: &str) -> Result<String, Failure> {
        self.check_name(name, "the name of a role, a database or a setting")?;
        Ok(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

/// A value as a string constant. It begins with a blank where that keeps it apart from a word
/// before it: `E'…'` is one token, and `TOE'…'` would be another.
///
/// # Errors
/// `invalid-secret` for a zero byte.
pub fn literal(value: &str) -> Result<String, Failure> {
    if value.contains('\0') {
        return Err(Failure::invalid_secret("a value holds a zero byte"));
    }
    let doubled = value.replace('\'', "''");
    Ok(if doubled.contains('\\') {
        format!(" E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    })
}

/// Whether a text may stand in a message as it is, however long it is (see [`clean`]). A statement that
/// was cleaned for a message would be another one.
pub fn is_one_line(text: &str) -> bool {
    let mut buffer = [0; 4];
    text.chars().all(|one| {
        let one: &str = one.encode_utf8(&mut buffer);
        clean(one) == one
    })
}

/// A finding as one line: cleaned, and without its remedy where that names something of several lines.
pub fn printable(finding: Finding) -> Finding {
    let text: String = finding.text.chars().map(|one| clean(&one.to_string())).collect();
    let remedy = if is_one_line(&finding.remedy) { finding.remedy } else { String::new() };
    Finding { text, remedy }
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind;

    use super::*;
    use crate::product::tests::PRODUCT;

    fn identifier(name: &str) -> Result<String, Failure> {
        PRODUCT.dialect.identifier(name)
    }

    /// What no statement may be broken by.
    const WEIRD: &[&str] = &[
        "app",
        "App User",
        "select",
        "1st",
        "$1",
        "$$",
        "a\"b",
        "\"",
        "\"\"",
        "a'b",
        "'",
        "''; DROP ROLE app; --",
        "\"; DROP ROLE app; --",
        "back\\slash",
        "\\",
        "\\'",
        "100%",
        "%s",
        "{}",
        "é",
        "ünïcode",
        "😀",
        "tab\tnew\nline",
        "/* comment */",
        "semi;colon",
        "U&\"x",
    ];

    /// Reads a quoted identifier as the server's lexer does.
    fn read_identifier(sql: &str) -> String {
        let inner = sql.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        assert!(!inner.replace("\"\"", "").contains('"'), "{sql} ends early");
        inner.replace("\"\"", "\"")
    }

    /// Reads a string constant as the server's lexer does; a plain one must not hold a backslash,
    /// because then its meaning depends on a setting.
    fn read_literal(sql: &str) -> String {
        let (escaped, body) = match sql.strip_prefix(" E'") {
            Some(body) => (true, body),
            None => (false, sql.strip_prefix('\'').unwrap()),
        };
        let body = body.strip_suffix('\'').unwrap();
        let mut value = String::new();
        let mut characters = body.chars();
        while let Some(character) = characters.next() {
            match character {
                '\'' => assert_eq!(characters.next(), Some('\''), "{sql} ends early"),
                '\\' => {
                    assert!(escaped, "{sql} depends on standard_conforming_strings");
                    assert_eq!(characters.next(), Some('\\'), "{sql}");
                }
                _ => {}
            }
            value.push(character);
        }
        value
    }

    #[test]
    fn a_finding_keeps_a_remedy_of_one_line_and_no_other() {
        let long = format!("ALTER ROLE \"{}\" LOGIN", "x".repeat(windlass_sdk::TEXT_MAX));
        for (remedy, kept) in [
            (long.as_str(), long.as_str()),
            ("ALTER ROLE \"a\nb\" LOGIN", ""),
            ("ALTER ROLE \"a\u{202e}b\" LOGIN", ""),
        ] {
            let finding = printable(Finding::new("it may\nnot log in").with_remedy(remedy));
            assert_eq!(
                (finding.text.as_str(), finding.remedy.as_str()),
                ("it may not log in", kept)
            );
        }
    }

    #[test]
    fn what_is_quoted_is_read_back_unchanged() {
        for first in WEIRD {
            for second in WEIRD {
                let text = format!("{first}{second}");
                assert_eq!(read_identifier(&identifier(&text).unwrap()), text);
                assert_eq!(read_literal(&literal(&text).unwrap()), text);
            }
        }
    }

    #[test]
    fn a_name_is_refused_rather_than_cut() {
        assert!(identifier(&"a".repeat(63)).is_ok());
        let failure = identifier(&"a".repeat(64)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidSecret);
        // 32 characters, but 64 bytes.
        assert!(identifier(&"é".repeat(32)).is_err());
    }

    #[test]
    fn zero_bytes_and_empty_names_are_refused() {
        assert!(identifier("").is_err());
        assert!(identifier("a\0b").is_err());
        assert!(literal("a\0b").is_err());
        assert_eq!(literal("").unwrap(), "''");
    }
}
