//! Whose password is changed, and by whom.
//!
//! Everything that can be refused without a server is refused first. The statement always names
//! the account: `CURRENT_USER` would be another one where a session starts in another role.
//!
//! What is sent is what the server stores, in a form that signs in (`verifier`). Where a check of the
//! server's does not take that, and the operator allows it, the same is done once more with the
//! password as text (`new_password`).

use windlass_postgres_wire::{Method, Session, check_password, literal};
use windlass_sdk::{ChangeRequest, Failure, LogLevel, Login, Pair, log};

use crate::alternating;
use crate::check;
use crate::names::{DIALECT, check_name, identifier};
use crate::role_change::{Change, Sending, alter, check_signs_in};
use crate::sign_in::{Asks, asks, sign_in};
use crate::transaction::{Access, RunAs, Stop, begin, commit};

/// What an account lacks that may not change its own password; on PostgreSQL itself it always may.
const SELF_DENIED: &str = "on RDS with rds.restrict_password_commands, make the account a member of \
                           rds_password";

pub(crate) fn change(request: &ChangeRequest) -> Result<(), Failure> {
    if request.keep_old_valid {
        return Err(Failure::unsupported("a PostgreSQL account has one password at a time"));
    }
    check_password(&request.new_password, "the new password")?;
    check_name(&request.username, "the name of the account")?;
    let pair = match &request.clone_of {
        Some(current) => Some(DIALECT.pair_of(current, &request.username)?),
        None => None,
    };
    let mut session = sign_in(&request.actor)?;
    let outcome = with(&mut session, request, pair.as_ref());
    session.close();
    outcome
}

fn with(
    session: &mut Session,
    request: &ChangeRequest,
    pair: Option<&Pair>,
) -> Result<(), Failure> {
    let stored = match attempt(session, request, pair, Sending::Stored) {
        Ok(()) => return Ok(()),
        Err(Stop::Failed(failure)) => return Err(failure),
        Err(Stop::Checked(failure)) => failure,
    };
    if !check::may_see_text(request) {
        return Err(check::stored_refused(stored, request.actor.tls));
    }
    session.roll_back("beginning the change again")?;
    match attempt(session, request, pair, Sending::Text) {
        Ok(()) => {
            let note = format!(
                "the new password of {:?} was sent as text, inside TLS: a check of the server's does \
                 not take what is stored",
                request.username
            );
            log(LogLevel::Info, &note);
            Ok(())
        }
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Checked(failure)) => Err(check::text_refused(failure, &stored)),
    }
}

fn attempt(
    session: &mut Session,
    request: &ChangeRequest,
    pair: Option<&Pair>,
    sending: Sending,
) -> Result<(), Stop> {
    let change = Change { session, request, sending };
    match pair {
        Some(pair) => alternating::change(change, pair),
        None if request.actor.username == request.username => own(change),
        None => by_administrator(change),
    }
}

fn own(change: Change<'_>) -> Result<(), Stop> {
    let begun = begin(change.session, RunAs::SignedIn, Access::Write, "")?;
    // The server has asked this very account a moment ago.
    let asked = match change.session.method {
        Method::Own => Asks::Scram,
        Method::Md5 => Asks::Md5,
        Method::Cleartext => Asks::Cleartext,
    };
    let password = change.password(begun.encryption, || Ok(asked))?;
    let alter = alter(&change.request.username)?;
    commit(change.session, &password, &alter, &[], SELF_DENIED)
}

fn by_administrator(change: Change<'_>) -> Result<(), Stop> {
    let ChangeRequest { actor, username, .. } = change.request;
    let facts = format!(
        "SELECT rolcanlogin, coalesce(NOT rolvaliduntil > now(), false) FROM pg_roles \
         WHERE rolname = {};",
        literal(username)?
    );
    let begun = begin(change.session, RunAs::Configured, Access::Write, &facts)?;
    let row = begun.tables.first().and_then(|rows| rows.first());
    let flag = |at: usize| row.and_then(|row| row.get(at)?.as_deref());
    let role = identifier(username)?;
    if row.is_none() {
        return Err(Failure::declined(format!("there is no role {username:?}"))
            .with_remedy("set \"username\" in the secret to a role that exists")
            .into());
    }
    check_signs_in(username, flag(0) != Some("f"), flag(1) == Some("t"))?;
    let password = change.password(begun.encryption, || asks(actor, username))?;
    let denied = denied_to_administrator(actor, &role)?;
    commit(change.session, &password, &alter(username)?, &[], &denied)
}

/// What an administrator lacks.
fn denied_to_administrator(actor: &Login, role: &str) -> Result<String, Failure> {
    let administrator = identifier(&actor.username)?;
    Ok(format!(
        "as a superuser, ALTER ROLE {administrator} CREATEROLE, and from PostgreSQL 16 on GRANT {role} \
         TO {administrator} WITH ADMIN OPTION; on RDS with rds.restrict_password_commands, GRANT \
         rds_password TO {administrator}; only a superuser changes a superuser"
    ))
}
