//! The transaction in which a password is changed.
//!
//! One round trip begins it and reads what has to be known, one changes everything and commits.
//! What it sets, it sets for itself only: a connection pooler may hand the session to somebody
//! else afterwards.

use windlass_postgres_wire::{Session, Value};
use windlass_sdk::Failure;

use crate::product::READ_ONLY;
use crate::verifier::StoredAs;

/// As whom the statements run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunAs {
    /// The account that signed in, whatever role its sessions start as. It changes its own
    /// password, and a clone of alternating users starts as the other half of its pair.
    SignedIn,
    /// The role that the account's sessions start as. An administrator may have its powers from
    /// there: its own account may take turns with a clone, too.
    Configured,
}

/// What was found out in the first round trip.
#[derive(Debug)]
pub(crate) struct Begun {
    /// How the server wants passwords stored.
    pub(crate) stored_as: StoredAs,
    /// The rows of each of the caller's queries.
    pub(crate) tables: Vec<Vec<Vec<Value>>>,
}

/// Begins the transaction and runs `queries`: each ends in a semicolon.
///
/// - `READ WRITE` and `READ COMMITTED`, whatever the role's defaults are; a standby says no here.
/// - Nothing but the system's own catalog is found under an unqualified name.
/// - A lock is waited for so long that an ordinary transaction ends first, and no longer: this side
///   may have gone by then, and the server would change the password all the same.
/// - Points in time are written in one form, so that they can be compared and repeated.
/// - A commit that was reported is on disk: else a crash would bring the old password back.
pub(crate) fn begin(session: &mut Session, run_as: RunAs, queries: &str) -> Result<Begun, Failure> {
    let role = match run_as {
        RunAs::SignedIn => "SET LOCAL ROLE NONE; ",
        RunAs::Configured => "",
    };
    let statements = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {role}\
         SET LOCAL search_path TO pg_catalog, pg_temp; \
         SET LOCAL lock_timeout TO '10s'; \
         SET LOCAL datestyle TO 'ISO'; \
         SET LOCAL timezone TO 'UTC'; \
         SELECT current_setting('password_encryption'), current_setting('scram_iterations', true), \
         CASE WHEN current_setting('synchronous_commit') = 'off' \
         THEN set_config('synchronous_commit', 'on', true) END; \
         {queries}"
    );
    let answer = session.run(&statements, "beginning the change").map_err(|failure| {
        // feature_not_supported: what a standby says to READ WRITE.
        if failure.code == "0A000" { with_hint(failure, READ_ONLY) } else { failure }
    })?;
    let mut tables = answer.tables.into_iter();
    let settings = tables.next().and_then(|rows| rows.into_iter().next());
    let mut settings = settings.unwrap_or_default().into_iter();
    let (encryption, iterations) = (settings.next().flatten(), settings.next().flatten());
    Ok(Begun {
        stored_as: StoredAs::of_settings(encryption.as_deref(), iterations.as_deref())?,
        tables: tables.collect(),
    })
}

/// Runs `statements` and commits. `on_denied` is what to do where the account may not
/// (SQLSTATE 42501).
pub(crate) fn commit(
    session: &mut Session,
    statements: &[String],
    on_denied: &str,
) -> Result<(), Failure> {
    let statements = format!("{}; COMMIT", statements.join("; "));
    let answer = session.run(&statements, "changing the password").map_err(|failure| {
        if failure.code == "42501" { with_hint(failure, on_denied) } else { failure }
    })?;
    // COMMIT is answered by ROLLBACK, and without an error, where the transaction had failed.
    if answer.last == "COMMIT" {
        Ok(())
    } else {
        Err(Failure::protocol("changing the password: the server did not commit"))
    }
}

fn with_hint(mut failure: Failure, hint: &str) -> Failure {
    failure.message = format!("{}: {hint}", failure.message);
    failure
}
