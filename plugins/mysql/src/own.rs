//! The change of an account's own password, which takes no right.
//!
//! The statements that every account may say name no method, so that it is proved what they changed:
//!
//! - **MySQL**: `REPLACE` names the password that signed in, and the server refuses where it is the
//!   account's second one. That one would stay: it ends, or, where the account may not end it, nothing
//!   is changed. The server says the same where another attempt has set the new password since the
//!   sign-in: then `REPLACE` with the new one is taken.
//! - **MariaDB**: `SET PASSWORD` changes the first method only. It is used where that is the only one
//!   with a password, and afterwards what the server stores must be the new password.
//!
//! No further sign-in is needed for it, so none that could fail.

use windlass_sdk::{ChangeRequest, Failure};

use crate::account::own_identities;
use crate::auth::Method;
use crate::dual;
use crate::errno;
use crate::errors::CHANGING;
use crate::grants::Grants;
use crate::policy::{self, NewPassword};
use crate::quote::literal;
use crate::session::{Prepared, Session};
use crate::stored::{Form, all_accept, first_is_only_password};
use crate::target::warn_of_clear;
use crate::version::Version;
use crate::{parsec, scramble, shacrypt};

/// What to do where an account may not do it for itself.
pub(crate) const BY_ADMINISTRATOR: &str = "let an administrator change it: \"masterarn\" in the secret, and its tag windlass:strategy = \
     single-user";

pub(crate) fn change(
    session: &mut Session,
    prepared: &Prepared,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let version = prepared.version;
    check_quotable(prepared, &request.new_password)?;
    if request.keep_old_valid {
        dual::check(version)?;
        warn_of_clear(&request.username, &request.actor);
        return dual::own(session, version, request);
    }
    if version.mariadb {
        return on_mariadb(session, prepared, request);
    }
    warn_of_clear(&request.username, &request.actor);
    on_mysql(session, version, request)
}

/// Where the session could not be prepared, what a backslash or a character outside ASCII means is
/// not known, and a wrong guess would lock the account's owner out.
fn check_quotable(prepared: &Prepared, password: &str) -> Result<(), Failure> {
    if prepared.quoting || (password.is_ascii() && !password.contains('\\')) {
        return Ok(());
    }
    Err(Failure::unsupported(
        "the password has expired, and until it is changed the server lets nobody say how \
         backslashes and characters outside ASCII are meant",
    )
    .with_remedy("exclude them from the new password: EXCLUDE_CHARACTERS"))
}

fn on_mysql(
    session: &mut Session,
    version: Version,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let password = request.new_password.as_str();
    let statement = format!("ALTER USER USER() IDENTIFIED BY {}", literal(password));
    if !version.has_replace() {
        return policy::set_mysql(session, version, password, CHANGING, &statement);
    }
    let replace = format!("{statement} REPLACE {}", literal(&request.actor.password));
    match policy::set_mysql(session, version, password, CHANGING, &replace) {
        Err(failure) if errno::is(&failure, errno::INCORRECT_CURRENT_PASSWORD) => {
            if may_end_second(session, version)? {
                policy::set_mysql(session, version, password, CHANGING, &statement)?;
                return dual::end_second(session, version);
            }
            let again = format!("{statement} REPLACE {}", literal(password));
            match policy::set_mysql(session, version, password, CHANGING, &again) {
                Err(failure) if errno::is(&failure, errno::INCORRECT_CURRENT_PASSWORD) => {
                    Err(second_stays(request))
                }
                Err(failure) if policy::is_of_a_rule(&failure) => Err(Failure::unreachable(
                    "another attempt may have set the password since this one signed in",
                )
                .with_code(failure.code)),
                outcome => outcome.and_then(|()| dual::end_own(session, version)),
            }
        }
        outcome => {
            outcome?;
            dual::end_own(session, version)
        }
    }
}

fn may_end_second(session: &mut Session, version: Version) -> Result<bool, Failure> {
    let held = Grants::held(session, version)?;
    let enough = ["APPLICATION_PASSWORD_ADMIN", "CREATE USER"];
    Ok(enough.iter().any(|it| held.has_on_everything(it)))
}

/// The password that signed in is the second one. A change of the first would leave it valid.
fn second_stays(request: &ChangeRequest) -> Failure {
    Failure::declined(
        "the password that signed in is the account's second one, which a change of the first would \
         leave valid, and the account may not end it",
    )
    .with_code(errno::INCORRECT_CURRENT_PASSWORD.to_string())
    .with_remedy(format!("{}; or {BY_ADMINISTRATOR}", dual::grant_to(&request.username)))
}

fn on_mariadb(
    session: &mut Session,
    prepared: &Prepared,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let version = prepared.version;
    let password = NewPassword::new(request);
    // Not where the password has expired: then nothing can be asked.
    if prepared.account.is_some() && !first_is_only_password(&own_identities(session, version)?) {
        return Err(other_methods("nothing was changed"));
    }
    let hash = match session.method {
        Method::Native => scramble::native_hash(password.text),
        Method::Ed25519 => scramble::ed25519_hash(password.text),
        Method::Parsec => parsec::hash(password.text),
        Method::CachingSha2 => shacrypt::hash(password.text),
        Method::Sha256 => {
            return Err(Failure::protocol("MariaDB asked for a method that it does not have"));
        }
    };
    policy::set_mariadb(session, version, password, CHANGING, |form| {
        Ok(match form {
            Form::Hash => format!("SET PASSWORD = {}", literal(&hash)),
            Form::Clear => format!("SET PASSWORD = PASSWORD({})", literal(password.text)),
        })
    })?;
    match all_accept(&own_identities(session, version)?, password.text) {
        Some(true) => Ok(()),
        _ => Err(other_methods("after the change, the server stores another password beside it")),
    }
}

fn other_methods(what: &str) -> Failure {
    Failure::declined(format!(
        "the account has several methods of signing in, of which it may change the first only: {what}"
    ))
    .with_remedy(BY_ADMINISTRATOR)
}
