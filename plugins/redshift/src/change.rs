//! Whose password is changed, and by whom.
//!
//! Everything that can be refused without a server is refused first. The statement always names the
//! account, quoted, which is exactly the one of the request. It holds a hash in the form in which the
//! server asks that account for its password:
//!
//! - by the user itself, its own sign-in says so;
//! - by an administrator, the server is asked on a second connection, without a password; for
//!   alternating users about the base, because the clone may not be there yet.
//!
//! A SHA-256 digest is proved by a sign-in before the session ends that set it. If it is refused, the
//! MD5 form takes its place, which every server and driver takes: nobody is locked out.

use windlass_postgres_wire::{Attempt, Session, check_password};
use windlass_sdk::{ChangeRequest, Failure, FailureKind, LogLevel, log};

use crate::alternating;
use crate::product::{PRODUCT, check_name, form_asked_of, sign_in, sign_in_as};
use crate::statement::{STATEMENT_TIMEOUT, alter, commit};
use crate::stored::Form;

pub(crate) fn change(request: &ChangeRequest) -> Result<(), Failure> {
    if request.keep_old_valid {
        return Err(Failure::unsupported("a Redshift user has one password at a time"));
    }
    check_password(&request.new_password, "the new password")?;
    check_name(&request.username, "the name of the account")?;
    let pair = match &request.clone_of {
        Some(current) => Some(PRODUCT.dialect.pair_of(current, &request.username)?),
        None => None,
    };

    let (mut session, own_form) = sign_in(&request.actor)?;
    let outcome = match &pair {
        Some(pair) => form_asked_of(&request.actor, &pair.base).and_then(|form| {
            let stored = form.make(&request.username, &request.new_password);
            alternating::change(&mut session, pair, &stored)?;
            prove(&mut session, request, form)
        }),
        None if request.actor.username == request.username => set(&mut session, request, own_form)
            .and_then(|()| prove(&mut session, request, own_form)),
        None => form_asked_of(&request.actor, &request.username).and_then(|form| {
            set(&mut session, request, form)?;
            prove(&mut session, request, form)
        }),
    };
    session.close();
    outcome
}

fn set(session: &mut Session, request: &ChangeRequest, form: Form) -> Result<(), Failure> {
    let stored = form.make(&request.username, &request.new_password);
    let alter = alter(&request.username, &stored)?;
    commit(session, &format!("BEGIN READ WRITE; {STATEMENT_TIMEOUT}; {alter}"), &request.username)
}

/// Makes sure that the new password signs in, where that is not certain.
fn prove(session: &mut Session, request: &ChangeRequest, form: Form) -> Result<(), Failure> {
    if form == Form::Md5 {
        return Ok(());
    }
    let attempt = Attempt::with(&request.actor, &request.username, &request.new_password);
    match sign_in_as(attempt) {
        Ok((proved, _)) => proved.close(),
        Err(failure) if failure.kind == FailureKind::Refused => {
            set(session, request, Form::Md5)?;
            log(
                LogLevel::Warn,
                &format!(
                    "the server does not take the SHA-256 digest that was set for {:?}, so it has \
                     an MD5 hash now; set a password by hand (sha256|…) to have SHA-256 again",
                    request.username
                ),
            );
        }
        // Full, say, or this address may not sign in as this account. The next step signs in anyway.
        Err(failure) => log(
            LogLevel::Warn,
            &format!(
                "whether the new password of {:?} signs in could not be tried: {failure}",
                request.username
            ),
        ),
    }
    Ok(())
}
