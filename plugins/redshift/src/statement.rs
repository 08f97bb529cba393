//! The statement that changes a password, and its end.

use windlass_postgres_wire::Session;
use windlass_sdk::Failure;

use crate::product::identifier;

const CHANGING: &str = "changing the password";

/// What an account lacks that may not do this.
const DENIED: &str = "make the administrator a superuser, or GRANT it a role with the permission ALTER \
                      USER, with which it changes no superuser; a user may change its own password \
                      unless it is disabled";

/// How long a statement may take, in milliseconds, locks included: less than the host waits for an
/// answer (20 s). This side would have gone by then, and the server would change the password all
/// the same.
pub(crate) const STATEMENT_TIMEOUT: &str = "SET LOCAL statement_timeout TO 15000";

/// The statement that changes a password. What is stored needs no quoting.
pub(crate) fn alter(username: &str, stored: &str) -> Result<String, Failure> {
    Ok(format!("ALTER USER {} PASSWORD '{stored}'", identifier(username)?))
}

/// Runs statements that end in a password's, and commits.
pub(crate) fn commit(
    session: &mut Session,
    statements: &str,
    username: &str,
) -> Result<(), Failure> {
    let answer =
        session.run_secret(&format!("{statements}; COMMIT"), CHANGING).map_err(|mut failure| {
            match failure.code.as_str() {
                "42501" => failure.with_remedy(DENIED),
                "42704" => {
                    failure.message = format!("{}: {username:?}", failure.message);
                    failure.with_remedy("set \"username\" in the secret to a user that exists")
                }
                _ => failure,
            }
        })?;
    // COMMIT is answered by ROLLBACK, and without an error, where the transaction had failed.
    if answer.last == "COMMIT" {
        Ok(())
    } else {
        Err(Failure::protocol(format!("{CHANGING}: the server did not commit")))
    }
}
