//! Statements, read as the server's lexer reads them with `NO_BACKSLASH_ESCAPES`.

/// Checks that there is one statement, that its quotes close, and that nothing stands outside of them
/// but words, numbers and the marks that we write. Words may be the server's: the names of rights.
pub(super) fn check(statement: &str) {
    let bare = outside_of_quotes(statement);
    let is_ours = |next: char| next.is_alphanumeric() || " _,().@=*-".contains(next);
    assert!(bare.chars().all(is_ours), "{bare:?} of {statement:?}");
    assert!(!bare.contains("--"), "a comment: {statement:?}");
    assert!(!bare.contains("/*"), "a comment: {statement:?}");
}

/// What every statement begins with that changes nothing but the session's own settings.
const READING: &[&str] = &["SELECT ", "SHOW ", "SET NAMES utf8mb4, SESSION "];

/// What marks a pair, names left out: there may be several.
const MARKING: &[&str] = &[
    "ALTER USER @ ATTRIBUTE",
    "CREATE ROLE IF NOT EXISTS",
    "CREATE OR REPLACE ROLE",
    "GRANT TO @",
];

/// Whether a statement changes nothing.
pub(super) fn only_reads(statement: &str) -> bool {
    let bare = outside_of_quotes(statement);
    let begins = READING.iter().any(|start| bare.starts_with(start));
    begins
        && !bare
            .split(' ')
            .any(|word| matches!(word, "INTO" | "GLOBAL") && !bare.starts_with("SHOW"))
}

/// Whether a statement marks a pair and does nothing else.
pub(super) fn only_marks(statement: &str) -> bool {
    let bare = outside_of_quotes(statement).replace(", @", "");
    MARKING.contains(&bare.split_whitespace().collect::<Vec<_>>().join(" ").as_str())
}

/// What stands outside of names in `` `…` `` and values in `'…'`.
fn outside_of_quotes(statement: &str) -> String {
    let mut bare = String::new();
    let mut rest = statement.chars().peekable();
    while let Some(next) = rest.next() {
        if !matches!(next, '\'' | '`') {
            bare.push(next);
            continue;
        }
        loop {
            match rest.next() {
                Some(end) if end == next && rest.peek() == Some(&next) => drop(rest.next()),
                Some(end) if end == next => break,
                Some(_) => {}
                None => panic!("a quote is open: {statement:?}"),
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
        let bare = outside_of_quotes(r"ALTER USER `a``b;`@'%' IDENTIFIED BY 'it''s \'");
        assert_eq!(bare, "ALTER USER @ IDENTIFIED BY ");
    }

    #[test]
    fn an_injection_is_noticed() {
        for statement in [
            "GRANT SELECT ON *.* TO `a`; DROP TABLE t",
            "GRANT SELECT ON *.* TO `a` -- comment",
            "GRANT SELECT ON *.* TO `a` /* comment",
            "GRANT SELECT ON *.* TO `a` # comment",
            "GRANT SELECT ON *.* TO `a",
            "ALTER USER 'a",
        ] {
            assert!(std::panic::catch_unwind(|| check(statement)).is_err(), "{statement}");
        }
        check("GRANT SELECT (`a`, `b`) ON `d`.* TO `a`@`%` WITH GRANT OPTION");
    }

    #[test]
    fn what_changes_something_neither_reads_nor_marks() {
        for statement in [
            "SELECT 1 INTO OUTFILE 'x'",
            "SET NAMES utf8mb4, GLOBAL sql_mode = ''",
            "ALTER USER `a`@`%` ATTRIBUTE '{}' ACCOUNT UNLOCK",
            "ALTER USER `a`@`%` IDENTIFIED BY 'x'",
            "GRANT SELECT ON `d`.* TO `a`@`%`",
            "GRANT `r` TO `a`@`%` WITH ADMIN OPTION",
        ] {
            assert!(!only_reads(statement) && !only_marks(statement), "{statement}");
        }
        assert!(only_reads("SHOW GLOBAL VARIABLES LIKE 'INTO'"));
        assert!(only_marks("GRANT `r` TO `a`@`%`, `a`@`10.%`"));
    }
}
