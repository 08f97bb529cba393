//! Whose password is changed, and by whom.
//!
//! Everything that can be refused without a server is refused first. An account is a name and a
//! host. One's own is the one that the session belongs to. An administrator changes the only one of
//! that name; where there are several, the key `accountHosts` of the secret that signs in must say
//! `all`, and all of them are changed in one statement.
//!
//! The form of the new password: MariaDB gets its hash, by each method of the account that has a
//! password, unless its password policy insists on seeing the password (`policy`). MySQL gets the
//! password: it alone makes caching_sha2_password's hash, applies its policy and history, and keeps
//! such statements out of its logs.
//!
//! When it returns, the new password signs in and the old one does not, unless it is to be kept
//! (`dual`). The statement names the method; where it can't (`own`), what is stored is compared.

use windlass_sdk::{ChangeRequest, Failure};

use crate::account::Account;
use crate::pair::pair_of;
use crate::quote::{check_name, check_password};
use crate::session::Session;
use crate::set_passwords::set_passwords;
use crate::target::{Target, accounts_named, check_hosts, warn_of_clear};
use crate::version::Version;
use crate::{alternating, dual, own};

pub(crate) fn change(request: &ChangeRequest) -> Result<(), Failure> {
    check_password(&request.new_password, "the new password")?;
    check_name(&request.username, "the name of the account")?;
    let pair = match &request.clone_of {
        Some(_) if request.keep_old_valid => {
            return Err(Failure::unsupported(
                "alternating users have no use for a second valid password",
            ));
        }
        Some(current) => Some(pair_of(current, &request.username)?),
        None => None,
    };

    let mut session = Session::sign_in(&request.actor)?;
    let own_change = pair.is_none() && request.actor.username == request.username;
    let outcome = session.prepare(!own_change).and_then(|prepared| match &pair {
        Some(pair) => alternating::change(&mut session, prepared.version, pair, request),
        None if own_change => own::change(&mut session, &prepared, request),
        None => by_administrator(&mut session, prepared.version, request),
    });
    session.close();
    outcome
}

fn by_administrator(
    session: &mut Session,
    version: Version,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let accounts = accounts_named(session, version, &[&request.username])?;
    if accounts.is_empty() {
        return Err(Failure::declined(format!("there is no account {:?}", request.username))
            .with_remedy("put the name of an account that exists into the secret"));
    }
    check_hosts(&request.actor, &accounts)?;
    let mut targets = Vec::new();
    for name in accounts {
        let account = Account::ask(session, version, &name)?;
        targets.push(Target { name, identities: account.identities, stored: None });
    }
    if request.keep_old_valid {
        dual::check(version)?;
        warn_of_clear(&request.username, &request.actor);
        return dual::by_administrator(session, version, &targets, request);
    }
    set_passwords(session, version, targets, request)
}
