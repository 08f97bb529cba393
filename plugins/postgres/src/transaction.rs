//! The transaction in which a password is changed.
//!
//! One round trip begins it and reads what has to be known, one changes everything and commits.
//! What it sets, it sets for itself only: a connection pooler may hand the session to somebody
//! else afterwards.

use windlass_postgres_wire::{Session, Value};
use windlass_sdk::Failure;

use crate::check;
use crate::new_password::{NewPassword, Statement};
use crate::product::{READ_ONLY, STATEMENT_TIMEOUT};
use crate::verifier::Encryption;

const CHANGING: &str = "changing the password";

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

/// What the transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything; a standby says no.
    Write,
    /// Nothing but reading.
    Read,
}

/// What was found out in the first round trip.
#[derive(Debug)]
pub(crate) struct Begun {
    /// How the server wants passwords stored.
    pub(crate) encryption: Encryption,
    /// `server_version_num`, such as 150004; 0 where it is not known.
    pub(crate) version: u32,
    /// The rows of each of the caller's queries.
    pub(crate) tables: Vec<Vec<Vec<Value>>>,
}

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum Stop {
    /// For any reason but the next.
    Failed(Failure),
    /// A check of the server's did not take what it was shown of the password.
    Checked(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Begins the transaction and runs `queries`: each ends in a semicolon.
///
/// - `READ COMMITTED`, whatever the role's defaults are, and `READ WRITE` to change something; a
///   standby says no here.
/// - No limit of the role's, the database's or the server's ends a statement or the session before the
///   change is done; the limits that hold instead end it before this side has gone.
/// - Nothing but the system's own catalog is found under an unqualified name.
/// - A lock is waited for so long that an ordinary transaction ends first, and no longer: this side
///   may have gone by then, and the server would change the password all the same.
/// - Points in time are written in one form, so that they can be compared and repeated.
/// - A commit that was reported is on disk: else a crash would bring the old password back.
pub(crate) fn begin(
    session: &mut Session,
    run_as: RunAs,
    access: Access,
    queries: &str,
) -> Result<Begun, Failure> {
    let role = match run_as {
        RunAs::SignedIn => "SET LOCAL ROLE NONE; ",
        RunAs::Configured => "",
    };
    let (access, operation) = match access {
        Access::Write => ("READ WRITE", "beginning the change"),
        Access::Read => ("READ ONLY", "reading the catalog"),
    };
    let statements = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED {access}; \
         SET LOCAL statement_timeout TO {STATEMENT_TIMEOUT}; {role}\
         SET LOCAL search_path TO pg_catalog, pg_temp; \
         SET LOCAL lock_timeout TO '10s'; \
         SET LOCAL idle_in_transaction_session_timeout TO '30s'; \
         SET LOCAL client_min_messages TO 'warning'; \
         SET LOCAL datestyle TO 'ISO'; \
         SET LOCAL timezone TO 'UTC'; \
         SELECT current_setting('password_encryption'), current_setting('scram_iterations', true), \
         current_setting('server_version_num'), \
         CASE WHEN current_setting('synchronous_commit') = 'off' \
         THEN set_config('synchronous_commit', 'on', true) END, \
         (SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'); \
         {queries}"
    );
    let answer = session.run(&statements, operation).map_err(|failure| {
        // feature_not_supported: what a standby says to READ WRITE.
        if failure.code == "0A000" { failure.with_remedy(READ_ONLY) } else { failure }
    })?;
    let mut tables = answer.tables.into_iter();
    let settings = tables.next().and_then(|rows| rows.into_iter().next());
    let mut settings = settings.unwrap_or_default().into_iter();
    let mut setting = || settings.next().flatten();
    let (encryption, iterations, version) = (setting(), setting(), setting());
    Ok(Begun {
        encryption: Encryption::from_settings(encryption.as_deref(), iterations.as_deref())?,
        version: version.and_then(|version| version.parse().ok()).unwrap_or_default(),
        tables: tables.collect(),
    })
}

/// Runs the statement of the password, then the others, and commits. `on_denied` is what to do where
/// the account may not (SQLSTATE 42501).
pub(crate) fn commit(
    session: &mut Session,
    password: &NewPassword<'_>,
    statement: &Statement,
    others: &[String],
    on_denied: &str,
) -> Result<(), Stop> {
    password.hand_over(session, CHANGING)?;
    let mut statements = password.write(statement)?;
    for other in others.iter().map(String::as_str).chain(["COMMIT"]) {
        statements.push_str("; ");
        statements.push_str(other);
    }
    let answer = session
        .run_with(&statements, CHANGING, &password.secrets())
        .map_err(|failure| explain(failure, on_denied))?;
    committed(&answer.last, CHANGING).map_err(Stop::Failed)
}

/// Runs statements without a password and commits.
pub(crate) fn commit_plain(
    session: &mut Session,
    statements: &[String],
    operation: &str,
    on_denied: &str,
) -> Result<(), Failure> {
    let statements = format!("{}; COMMIT", statements.join("; "));
    let answer = session.run(&statements, operation).map_err(|failure| {
        if failure.code == "42501" { failure.with_remedy(on_denied) } else { failure }
    })?;
    committed(&answer.last, operation)
}

fn explain(failure: Failure, on_denied: &str) -> Stop {
    match failure.code.as_str() {
        "42501" => Stop::Failed(failure.with_remedy(on_denied)),
        _ if check::is_of_a_check(&failure) => Stop::Checked(failure),
        _ => Stop::Failed(failure),
    }
}

/// COMMIT is answered by ROLLBACK, and without an error, where the transaction had failed.
fn committed(last: &str, operation: &str) -> Result<(), Failure> {
    if last == "COMMIT" {
        Ok(())
    } else {
        Err(Failure::protocol(format!("{operation}: the server did not commit")))
    }
}
