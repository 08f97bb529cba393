//! Whose password is changed, and by whom.
//!
//! Everything that can be refused without a server is refused first. The statement always names
//! the account: `CURRENT_USER` would be another one where a session starts in another role.

use windlass_postgres_wire::{Session, check_password, literal};
use windlass_sdk::{ChangeRequest, Failure};

use crate::alternating;
use crate::product::{PRODUCT, check_name, identifier, sign_in};
use crate::transaction::{RunAs, begin, commit};

/// What an account lacks that may not change its own password; on PostgreSQL itself it always may.
const SELF_DENIED: &str = "on RDS with rds.restrict_password_commands the account must be a \
                           member of rds_password";

/// What an administrator lacks.
const ADMIN_DENIED: &str = "the administrator needs CREATEROLE, from PostgreSQL 16 on also the \
                            admin option on the account, on RDS with \
                            rds.restrict_password_commands also membership in rds_password, and \
                            only a superuser changes a superuser";

pub(crate) fn change(request: &ChangeRequest) -> Result<(), Failure> {
    if request.keep_old_valid {
        return Err(Failure::unsupported("a PostgreSQL account has one password at a time"));
    }
    check_password(&request.new_password, "the new password")?;
    check_name(&request.username, "the name of the account")?;
    let pair = match &request.clone_of {
        Some(current) => Some(PRODUCT.dialect.pair_of(current, &request.username)?),
        None => None,
    };

    let mut session = sign_in(&request.actor)?;
    let outcome = match &pair {
        Some(pair) => {
            let administrator = &request.actor.username;
            alternating::change(&mut session, pair, administrator, &request.new_password)
        }
        None if request.actor.username == request.username => own(&mut session, request),
        None => by_administrator(&mut session, request),
    };
    session.close();
    outcome
}

fn own(session: &mut Session, request: &ChangeRequest) -> Result<(), Failure> {
    let begun = begin(session, RunAs::SignedIn, "")?;
    let stored = begun.stored_as.make(&request.username, &request.new_password);
    commit(session, &[alter(&request.username, &stored)?], SELF_DENIED)
}

fn by_administrator(session: &mut Session, request: &ChangeRequest) -> Result<(), Failure> {
    let exists = format!("SELECT 1 FROM pg_roles WHERE rolname = {};", literal(&request.username)?);
    let begun = begin(session, RunAs::Configured, &exists)?;
    if begun.tables.iter().all(Vec::is_empty) {
        return Err(Failure::declined(format!("there is no role {:?}", request.username)));
    }
    let stored = begun.stored_as.make(&request.username, &request.new_password);
    commit(session, &[alter(&request.username, &stored)?], ADMIN_DENIED)
}

fn alter(username: &str, stored: &str) -> Result<String, Failure> {
    Ok(format!("ALTER ROLE {} PASSWORD {}", identifier(username)?, literal(stored)?))
}
