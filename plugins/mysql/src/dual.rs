//! Accounts with two passwords: MySQL's dual passwords, since 8.0.14.
//!
//! `RETAIN CURRENT PASSWORD` keeps the *first* password as the second one, and drops the second one
//! that was there. After a rotation that was given up, no client holds the first password and all
//! clients hold the second: retaining the first then would lock them out. So where the password to be
//! kept is the second one, it is made the first before it is retained; in between it is both.
//!
//! Which of the two it is, the server says: of one's own account by `REPLACE`, which names the first
//! password and is refused if it is another; of any account to an administrator, who sees the hash.
//!
//! A change that keeps nothing ends the second password: an account has the passwords that its secret
//! speaks of.

use windlass_sdk::{ChangeRequest, Failure, FailureKind, LogLevel, log};

use crate::errno::{self, is_denied};
use crate::errors::CHANGING;
use crate::policy;
use crate::quote::{REMEDY_MAX, for_people, identifier, literal};
use crate::session::Session;
use crate::stored::{all_accept, identified_mysql};
use crate::target::{ADMIN_DENIED, Target, check_method, explain_denied};
use crate::version::Version;

/// What an account lacks that may not have two passwords, or end one of them.
pub(crate) fn grant_to(username: &str) -> String {
    let remedy = format!(
        "as an administrator, run SELECT Host FROM mysql.user WHERE User = {}, and then GRANT \
         APPLICATION_PASSWORD_ADMIN ON *.* TO {}@'HOST'",
        literal(username),
        identifier(username)
    );
    for_people(&remedy, REMEDY_MAX)
}

/// Whether a server has dual passwords at all.
pub(crate) fn check(version: Version) -> Result<(), Failure> {
    if version.has_dual_passwords() {
        return Ok(());
    }
    Err(Failure::unsupported(format!(
        "the server is {version}, where an account has one password at a time (MySQL 8.0.14 has two)"
    ))
    .with_remedy("use the strategy \"alternating-users\""))
}

/// Changes one's own password and keeps the one that signed in.
pub(crate) fn own(
    session: &mut Session,
    version: Version,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let (old, new) = (&request.actor.password, &request.new_password);
    if old == new {
        return Ok(());
    }
    let change = format!(
        "ALTER USER USER() IDENTIFIED BY {} REPLACE {} RETAIN CURRENT PASSWORD",
        literal(new),
        literal(old)
    );
    match policy::set_mysql(session, version, new, CHANGING, &change) {
        Err(failure) if errno::is(&failure, errno::INCORRECT_CURRENT_PASSWORD) => {}
        outcome => {
            return outcome.map_err(|failure| explain_denied(failure, grant_to(&request.username)));
        }
    }
    if signs_in(request, new)? {
        return Ok(());
    }
    let keep = format!("ALTER USER USER() IDENTIFIED BY {}", literal(old));
    make_first(session, &request.username, &keep)?;
    policy::set_mysql(session, version, new, CHANGING, &change)
}

/// Makes the password that is kept the first one. A rule for passwords that stands against it is no
/// reason to reject the new one: another new password would not help.
fn make_first(session: &mut Session, username: &str, statement: &str) -> Result<(), Failure> {
    session.secret(statement, "making the password that is kept the first one").map_err(|failure| {
        if !policy::is_of_a_rule(&failure) {
            return failure;
        }
        let remedy = format!(
            "as an administrator, relax the rule until the rotation is done: run SELECT Host FROM \
             mysql.user WHERE User = {}, and then ALTER USER {}@'HOST' PASSWORD HISTORY 0 PASSWORD \
             REUSE INTERVAL 0 DAY, or set validate_password.policy",
            literal(username),
            identifier(username)
        );
        Failure::declined(
            "the password that is kept has to be set as the first one again, and the server's rules \
             for passwords do not take it",
        )
        .with_code(failure.code)
        .with_remedy(for_people(&remedy, REMEDY_MAX))
    })
}

/// Whether a password is in force. The server shows nobody their own hash.
fn signs_in(request: &ChangeRequest, password: &str) -> Result<bool, Failure> {
    match Session::sign_in_as(&request.actor, password) {
        Ok(mut session) => {
            let outcome = session.check();
            session.close();
            outcome.map(|()| true)
        }
        Err(failure) if failure.kind == FailureKind::Refused => Ok(false),
        Err(failure) => Err(failure.during("looking whether the new password is in force")),
    }
}

/// Changes the password of each of these accounts and keeps the old one.
pub(crate) fn by_administrator(
    session: &mut Session,
    version: Version,
    targets: &[Target],
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let (Some(old), new) = (&request.old_password, &request.new_password) else {
        return Err(Failure::protocol("the host does not say which password is to be kept"));
    };
    let (mut to_keep, mut to_change) = (Vec::new(), Vec::new());
    for target in targets {
        check_method(target)?;
        match (all_accept(&target.identities, new), all_accept(&target.identities, old)) {
            (Some(true), _) => continue,
            (Some(false), Some(true)) => {}
            (Some(false), Some(false)) => to_keep.push(clause(target, old)),
            (None, _) | (_, None) => return Err(cannot_tell(target)),
        }
        to_change.push(format!("{} RETAIN CURRENT PASSWORD", clause(target, new)));
    }
    // Each for all of them or for none.
    let denied = |failure| explain_denied(failure, ADMIN_DENIED);
    if !to_keep.is_empty() {
        let statement = format!("ALTER USER {}", to_keep.join(", "));
        make_first(session, &request.username, &statement).map_err(denied)?;
    }
    if !to_change.is_empty() {
        let statement = format!("ALTER USER {}", to_change.join(", "));
        policy::set_mysql(session, version, new, CHANGING, &statement).map_err(denied)?;
    }
    Ok(())
}

fn clause(target: &Target, password: &str) -> String {
    let plugin = target.identities.first().map_or("", |identity| identity.plugin.as_str());
    format!("{} {}", target.name.quoted(), identified_mysql(plugin, password))
}

/// Ends the second password of one's own account, if it has one. The one that signed in was the first:
/// it has ended already. Whoever may not end a second password could not make one either, so that it
/// is rare; it must not stop a change that has happened.
pub(crate) fn end_own(session: &mut Session, version: Version) -> Result<(), Failure> {
    match end_second(session, version) {
        Err(failure) if is_denied(&failure) => {
            let why = "may not end second passwords (DISCARD OLD PASSWORD); if the account has one";
            log(LogLevel::Debug, &format!("the session {why}, it stays valid"));
            Ok(())
        }
        outcome => outcome,
    }
}

/// Ends the second password of one's own account, which must end.
pub(crate) fn end_second(session: &mut Session, version: Version) -> Result<(), Failure> {
    discard(session, version, "USER() DISCARD OLD PASSWORD")
}

/// Ends the second passwords of these accounts, of those that have one.
pub(crate) fn end(
    session: &mut Session,
    version: Version,
    targets: &[Target],
) -> Result<(), Failure> {
    let each =
        targets.iter().map(|target| format!("{} DISCARD OLD PASSWORD", target.name.quoted()));
    discard(session, version, &each.collect::<Vec<_>>().join(", "))
        .map_err(|failure| explain_denied(failure, ADMIN_DENIED))
}

fn discard(session: &mut Session, version: Version, what: &str) -> Result<(), Failure> {
    if !version.has_dual_passwords() {
        return Ok(());
    }
    session.query(&format!("ALTER USER {what}"), "ending an old password").map(drop)
}

fn cannot_tell(target: &Target) -> Failure {
    Failure::declined(format!(
        "the password of {} is kept in a form that can't be compared (sha256_password, say), so a \
         second change could lose the old one",
        target.name.quoted()
    ))
    .with_remedy("use the strategy \"alternating-users\"")
}
