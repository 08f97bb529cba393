//! How the new password reaches the server: as what is stored, or, where a check of the server's has
//! to see it and the operator allows that, as text.
//!
//! A text is never part of a statement. It is the argument of a function call, a message of its own that
//! no log of statements has, and stays in a variable of the transaction; the statement that uses it is put
//! together on the server, and what goes wrong there is reported without it. So it is in no log,
//! whatever `log_statement`, `log_min_duration_statement`, `log_min_error_statement` and
//! `log_lock_waits` say and whoever may not change them.
//!
//! The server makes of a text what it stores, so the session says in which form: else a setting could
//! store what does not sign in.

use windlass_postgres_wire::{Session, literal};
use windlass_sdk::Failure;

use crate::verifier::secret_part;

/// `set_config(text, text, boolean)`: the number is part of PostgreSQL's catalog and never changed.
const SET_CONFIG: u32 = 2078;

/// The variable. Anybody may set one of this kind.
const VARIABLE: &str = "windlass.new_password";

/// What is sent of the password.
pub(crate) enum NewPassword<'a> {
    /// Its stored form.
    Stored(String),
    /// Itself, inside TLS.
    Text {
        /// The password.
        text: &'a str,
        /// The value of `password_encryption` that stores it in the right form.
        encryption: &'static str,
    },
}

/// A statement with a password in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// What stands before the password, up to `PASSWORD`.
    pub(crate) before: String,
    /// What follows it.
    pub(crate) after: String,
}

impl NewPassword<'_> {
    /// Gives the server what the statement does not hold.
    pub(crate) fn hand_over(&self, session: &mut Session, operation: &str) -> Result<(), Failure> {
        let Self::Text { text, encryption } = self else { return Ok(()) };
        // Where a server prints what it parses, it prints what is put together there, too. Whoever
        // waits for a lock until the server looks for deadlocks is in its log with all that runs
        // (log_lock_waits), so nobody waits that long. And where its statistics count what runs inside
        // of something else, a superuser turns them off.
        let settings = format!(
            "SET LOCAL password_encryption TO {}; \
             SET LOCAL debug_print_parse TO off; SET LOCAL debug_print_rewritten TO off; \
             SET LOCAL debug_print_plan TO off; \
             SELECT set_config('lock_timeout', \
             greatest(1, least(10000, setting::integer / 2))::text, true) FROM pg_settings \
             WHERE name = 'deadlock_timeout'; \
             SELECT set_config(name, 'none', true) FROM pg_settings \
             WHERE name = 'pg_stat_statements.track' AND current_setting('is_superuser') = 'on'",
            literal(encryption)?
        );
        session.run(&settings, operation)?;
        session.call(SET_CONFIG, &[VARIABLE, text, "t"], operation)
    }

    /// The statement to run.
    pub(crate) fn write(&self, statement: &Statement) -> Result<String, Failure> {
        let Statement { before, after } = statement;
        match self {
            Self::Stored(stored) => Ok(format!("{before} {}{after}", literal(stored)?)),
            Self::Text { .. } => {
                let body = format!(
                    "BEGIN EXECUTE {} || quote_literal(current_setting({})) || {}; \
                     EXCEPTION WHEN query_canceled OR OTHERS THEN \
                     RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM; END",
                    literal(&format!("{before} "))?,
                    literal(VARIABLE)?,
                    literal(after)?
                );
                Ok(format!("DO LANGUAGE plpgsql {}", literal(&body)?))
            }
        }
    }

    /// What no text of the server's may repeat.
    pub(crate) fn secrets(&self) -> [&str; 1] {
        match self {
            Self::Stored(stored) => [secret_part(stored)],
            Self::Text { text, .. } => [text],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_part_of_the_statement_and_no_name_ends_it() {
        let statement = Statement {
            before: "ALTER ROLE \"a'\\$$\" PASSWORD".into(),
            after: " VALID UNTIL 'infinity'".into(),
        };
        let stored = NewPassword::Stored("SCRAM-SHA-256$1:x".into()).write(&statement).unwrap();
        assert_eq!(
            stored,
            "ALTER ROLE \"a'\\$$\" PASSWORD 'SCRAM-SHA-256$1:x' VALID UNTIL 'infinity'"
        );
        let text = NewPassword::Text { text: "kX9-vQ2_rT7", encryption: "scram-sha-256" }
            .write(&statement)
            .unwrap();
        assert!(text.starts_with("DO LANGUAGE plpgsql  E'BEGIN EXECUTE"), "{text}");
        assert!(!text.contains("kX9") && text.contains(VARIABLE), "{text}");
    }
}
