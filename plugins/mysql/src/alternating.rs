//! Two accounts that take turns: the change of the one that is not in force.
//!
//! The *base* is the account that people manage; the *clone* is its equal: at the same hosts, with
//! the same rights, roles, limits, TLS requirement and rules for passwords. On every turn, whoever's
//! it is, the clone is compared with the base, and what differs is changed on the clone: nothing is
//! ever changed on the base but its password and, once, its mark.
//!
//! Order: everything is read and decided; the server's policy is asked about the new password, so that
//! nothing has been changed where it refuses; then the clone is made the base's equal (`equalise`); the
//! password comes last. Wherever it stops, the clone has no right that the base has not, and signs in
//! with a password that nobody waits for.
//!
//! Which accounts are a pair, `proof` decides, before anything is done.

use windlass_sdk::{ChangeRequest, Failure, LogLevel, Pair, Turn, clean, log};

use crate::equalise::equalise;
use crate::half::{Half, Place, check_places, marked_clones, places};
use crate::mark::{self, Marks};
use crate::policy::{self, NewPassword};
use crate::proof;
use crate::quote::check_length;
use crate::session::Session;
use crate::set_passwords::set_passwords;
use crate::stored::{Identity, all_accept, identified_mysql};
use crate::target::DENIED;
use crate::target::{Target, explain_denied};
use crate::version::Version;

/// Changes the password of the half whose turn it is.
pub(crate) fn change(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    check_length(&pair.clone, version)?;
    if Marks::for_version(version) == Marks::Role {
        mark::keep_others_out(session, pair)?;
    }
    let mut places = places(session, version, pair)?;
    check(pair, &places)?;
    let unmarked = proof::check(pair, version, &places)?;
    check_places(&request.actor, &places)?;
    if let Some(place) = places.first() {
        ask_policy(session, version, pair.turn, place, request)?;
    }
    if let Some(unmarked) = unmarked {
        log(LogLevel::Warn, &unmarked);
    }
    // Before the turn.
    let marked = marked_clones(&places);
    if Marks::for_version(version) == Marks::Role {
        mark::ensure_role(session, version, pair, &marked)?;
    }
    for place in &mut places {
        if pair.turn == Turn::Clone || place.clone.is_some() {
            let clone = equalise(session, version, pair, place, &marked, request)?;
            place.clone = Some(clone);
        }
    }
    let targets = places.into_iter().map(|place| target(pair.turn, place)).collect();
    set_passwords(session, version, targets, request)
}

/// The half that gets the password. The clone gets it by the base's methods, whatever its own were.
fn target(turn: Turn, place: Place) -> Target {
    let identities = place.base.account.identities;
    match (turn, place.clone) {
        (Turn::Base, _) => Target { name: place.base.name, identities, stored: None },
        (Turn::Clone, clone) => {
            let stored = clone.map(|clone| clone.account.identities);
            Target { name: place.clone_name, identities, stored }
        }
    }
}

/// Asks the server whether its policy takes the new password, before anything is changed, with a
/// statement that changes nothing whatever the answer.
///
/// - **MySQL**: it would create an account that is there, and the policy comes first. Were the account
///   gone by then, it would be made locked.
/// - **MariaDB**: see `policy`.
fn ask_policy(
    session: &mut Session,
    version: Version,
    turn: Turn,
    place: &Place,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let password = NewPassword::new(request);
    let base = &place.base;
    let next = match turn {
        Turn::Base => Some(base),
        Turn::Clone => place.clone.as_ref(),
    };
    // It has been taken already, and a history would refuse it now.
    if next.is_some_and(|it| all_accept(&it.account.identities, password.text) == Some(true)) {
        return Ok(());
    }
    let Some(method) = base.account.identities.iter().find(|it| it.has_password()) else {
        return Ok(());
    };
    let outcome = if version.mariadb {
        policy::ask_mariadb(session, version, password, method)
    } else {
        let who = next.unwrap_or(base).name.quoted();
        let identified = identified_mysql(&method.plugin, password.text);
        let statement = format!("CREATE USER IF NOT EXISTS {who} {identified} ACCOUNT LOCK");
        let doing = "asking the server's policy about the new password";
        policy::set_mysql(session, version, password.text, doing, &statement)
    };
    outcome.map_err(|failure| explain_denied(failure, DENIED))
}

/// Refuses what must not be touched, before anything is.
fn check(pair: &Pair, places: &[Place]) -> Result<(), Failure> {
    let Pair { base, clone, turn } = pair;
    if places.is_empty() {
        return Err(Failure::declined(format!(
            "there is no account {base:?}, which {clone:?} would be the clone of"
        ))
        .with_remedy("put the name of an account that exists into the secret"));
    }
    if *turn == Turn::Base && places.iter().all(|place| place.clone.is_none()) {
        return Err(Failure::declined(format!(
            "there is no account {clone:?}, which should be in force now"
        ))
        .with_remedy("run windlass repair, which looks for the account that signs in"));
    }
    for Half { name, account, .. } in places.iter().map(|place| &place.base) {
        let name = clean(&name.quoted());
        if account.locked {
            return Err(Failure::declined(format!("the account {name} is locked")).with_remedy(
                format!("as an administrator, run ALTER USER {name} ACCOUNT UNLOCK"),
            ));
        }
        if !account.identities.iter().any(Identity::has_password) {
            return Err(Failure::declined(format!(
                "the account {name} does not sign in with a password that could be changed here"
            ))
            .with_remedy(format!(
                "as an administrator, give it the password of the secret: ALTER USER {name} IDENTIFIED \
                 BY 'PASSWORD'"
            )));
        }
    }
    Ok(())
}
