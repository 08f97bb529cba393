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

/// What every statement begins with that changes nothing: what it sets, the transaction's end undoes.
const READING: &[&str] = &["BEGIN ", "SET LOCAL ", "SELECT ", "ROLLBACK"];

/// What the server runs where it puts a statement together from what we hand over.
const PUT_TOGETHER: &str = "BEGIN EXECUTE || quote_literal(current_setting()) || ; EXCEPTION WHEN \
                            query_canceled OR OTHERS THEN RAISE EXCEPTION USING ERRCODE = SQLSTATE, \
                            MESSAGE = SQLERRM; END";

/// Checks that quotes close, and that nothing stands outside of them but what we write there.
pub(super) fn check(statements: &str) {
    check_marks(statements, " ,;()_.:=>-*/[]");
}

/// The same with other marks than letters and digits.
pub(crate) fn check_marks(statements: &str, marks: &str) {
    let bare = outside_of_quotes(statements);
    let is_ours = |next: char| next.is_ascii_alphanumeric() || marks.contains(next);
    assert!(bare.chars().all(is_ours), "{bare:?} of {statements:?}");
    let comments = ["--", "/*"];
    assert!(!comments.iter().any(|it| bare.contains(it)), "a comment: {statements:?}");
}

/// Whether statements change nothing.
pub(crate) fn only_read(statements: &str) -> bool {
    let bare = outside_of_quotes(statements);
    let reads = |statement: &str| {
        READING.iter().any(|start| statement.starts_with(start))
            && !statement.split(' ').any(|word| word == "INTO")
    };
    bare.split(';').map(str::trim).filter(|statement| !statement.is_empty()).all(reads)
}

/// What stands outside of quotes, with single blanks.
pub(crate) fn shape(statements: &str) -> String {
    outside_of_quotes(statements).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks that the statements of a change are made of its words alone.
pub(super) fn check_change(statements: &str) {
    let statements = put_together(statements).unwrap_or_else(|| statements.to_owned());
    let bare = outside_of_quotes(&statements);
    for word in bare.split([' ', ';', ',']).filter(|word| !word.is_empty()) {
        let is_number = word.parse::<i32>().is_ok();
        assert!(WORDS.contains(&word) || is_number, "{word:?} in {statements:?}");
    }
    assert!(statements.ends_with("; COMMIT"), "{statements:?}");
}

/// The statements as they are once the server has put the first together, where it is to do that.
fn put_together(statements: &str) -> Option<String> {
    let rest = statements.strip_prefix("DO LANGUAGE plpgsql ")?;
    let body = parts(rest).values.into_iter().next().unwrap_or_default();
    assert_eq!(shape(&body), PUT_TOGETHER, "{statements:?}");
    let values = parts(&body).values;
    let [before, _, after] = values.as_slice() else { panic!("{body:?} of {statements:?}") };
    let others = rest.get(parts(rest).first_end..).unwrap_or_default();
    Some(format!("{before}'…'{after}{others}"))
}

/// What stands outside of names in `"…"` and values in `'…'` and `E'…'`.
fn outside_of_quotes(statements: &str) -> String {
    parts(statements).bare
}

/// Statements, taken apart.
#[derive(Debug, Default)]
struct Parts {
    /// What stands outside of quotes.
    bare: String,
    /// What stands in `'…'` and `E'…'`, as the server reads it.
    values: Vec<String>,
    /// Where the first of these ends.
    first_end: usize,
}

fn parts(statements: &str) -> Parts {
    let mut parts = Parts::default();
    let mut rest = statements.char_indices().peekable();
    while let Some((_, next)) = rest.next() {
        let escapes = next == 'E' && rest.peek().is_some_and(|(_, quote)| *quote == '\'');
        if escapes {
            let is_word = parts.bare.ends_with(|last: char| last.is_alphanumeric());
            assert!(!is_word, "{statements:?}");
            rest.next();
        }
        let quote = if escapes { '\'' } else { next };
        if !matches!(quote, '\'' | '"') {
            parts.bare.push(next);
            continue;
        }
        let mut value = String::new();
        let end = loop {
            match rest.next() {
                Some((_, '\\')) if escapes => value.extend(rest.next().map(|(_, next)| next)),
                Some((_, '\\')) if quote == '\'' => {
                    panic!("depends on a setting: {statements:?}")
                }
                Some((at, end)) if end == quote => match rest.peek() {
                    Some((_, again)) if *again == quote => {
                        rest.next();
                        value.push(quote);
                    }
                    _ => break at + 1,
                },
                Some((_, other)) => value.push(other),
                None => panic!("a quote is open: {statements:?}"),
            }
        };
        if quote == '\'' {
            parts.values.push(value);
            parts.first_end = if parts.values.len() == 1 { end } else { parts.first_end };
        }
    }
    parts
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

    #[test]
    fn an_injection_is_noticed_in_what_the_server_puts_together() {
        let change = |before: &str, after: &str| {
            let body = format!(
                "BEGIN EXECUTE '{before}' || quote_literal(current_setting('x.y')) || '{after}'; \
                 EXCEPTION WHEN query_canceled OR OTHERS THEN RAISE EXCEPTION USING ERRCODE = \
                 SQLSTATE, MESSAGE = SQLERRM; END"
            );
            format!("DO LANGUAGE plpgsql '{}'; COMMIT", body.replace('\'', "''"))
        };
        check_change(&change("ALTER ROLE \"app\" PASSWORD ", " VALID UNTIL ''x''"));
        for after in ["; DROP TABLE t", "''; DROP TABLE t; --", "'; PERFORM f(); '"] {
            let statements = change("ALTER ROLE \"app\" PASSWORD ", after);
            let checked = std::panic::catch_unwind(|| check_change(&statements));
            assert!(checked.is_err(), "{statements}");
        }
    }

    #[test]
    fn what_changes_something_is_not_only_read() {
        assert!(only_read("BEGIN READ ONLY; SET LOCAL a TO 'b; DROP'; SELECT 1; ROLLBACK"));
        for statements in ["SELECT 1; COMMIT", "SELECT 1 INTO t", "SET a TO b", "COMMENT ON x"] {
            assert!(!only_read(statements), "{statements}");
        }
    }
}
