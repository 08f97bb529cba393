//! Statements, read as the server's lexer reads them, with `standard_conforming_strings` on or off.

/// The words of a change. Whatever else a server would like to have there stands in quotes.
const WORDS: &[&str] = &[
    "ALTER",
    "COMMENT",
    "COMMIT",
    "CONNECTION",
    "CREATE",
    "DATABASE",
    "GRANT",
    "IN",
    "INHERIT",
    "IS",
    "LIMIT",
    "LOGIN",
    "ON",
    "PASSWORD",
    "REPLICATION",
    "RESET",
    "ROLE",
    "SET",
    "TO",
    "TRUE",
    "UNTIL",
    "VALID",
    "WITH",
];

/// Checks that quotes close, and that nothing stands outside of them but what we write there.
pub(super) fn check(statements: &str) {
    check_marks(statements, " ,;()_.:=>-*");
}

/// The same with other marks than letters and digits.
pub(crate) fn check_marks(statements: &str, marks: &str) {
    let bare = outside_of_quotes(statements);
    let is_ours = |next: char| next.is_ascii_alphanumeric() || marks.contains(next);
    assert!(bare.chars().all(is_ours), "{bare:?} of {statements:?}");
    assert!(!bare.contains("--"), "a comment: {statements:?}");
}

/// Checks that the statements of a change are made of its words alone.
pub(super) fn check_change(statements: &str) {
    let bare = outside_of_quotes(statements);
    for word in bare.split([' ', ';', ',']).filter(|word| !word.is_empty()) {
        let is_number = word.parse::<i32>().is_ok();
        assert!(WORDS.contains(&word) || is_number, "{word:?} in {statements:?}");
    }
    assert!(statements.ends_with("; COMMIT"), "{statements:?}");
}

/// What stands outside of names in `"…"` and values in `'…'` and `E'…'`.
fn outside_of_quotes(statements: &str) -> String {
    let mut bare = String::new();
    let mut rest = statements.chars().peekable();
    while let Some(next) = rest.next() {
        let escapes = next == 'E' && rest.peek() == Some(&'\'');
        if escapes {
            assert!(!bare.ends_with(|last: char| last.is_alphanumeric()), "{statements:?}");
            rest.next();
        }
        let quote = if escapes { '\'' } else { next };
        if !matches!(quote, '\'' | '"') {
            bare.push(next);
            continue;
        }
        loop {
            match rest.next() {
                Some('\\') if escapes => drop(rest.next()),
                Some('\\') if quote == '\'' => panic!("depends on a setting: {statements:?}"),
                Some(end) if end == quote && rest.peek() == Some(&quote) => drop(rest.next()),
                Some(end) if end == quote => break,
                Some(_) => {}
                None => panic!("a quote is open: {statements:?}"),
            }
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_left_out() {
        let bare = outside_of_quotes(r#"ALTER ROLE "a""b;" SET x TO  E'\'c\\' , 'it''s "'; "#);
        assert_eq!(bare, "ALTER ROLE  SET x TO   , ; ");
    }

    #[test]
    fn an_injection_is_noticed() {
        for statements in [
            "ALTER ROLE app PASSWORD 'x'; DROP TABLE t; COMMIT",
            "ALTER ROLE \"app\" PASSWORD 'x\\'; COMMIT",
            "ALTER ROLE \"app\" PASSWORD 'x",
        ] {
            assert!(std::panic::catch_unwind(|| check_change(statements)).is_err(), "{statements}");
        }
        check_change("ALTER ROLE \"app\" PASSWORD 'x' CONNECTION LIMIT -1; COMMIT");
    }
}
