//! Two accounts that take turns: the change of the one that is not in force.
//!
//! The *base* is the account that people manage; the *clone* is its equal: at the same hosts, with
//! the same rights, roles, limits, TLS requirement and rules for passwords. On every turn, whoever's
//! it is, the clone is compared with the base, and what differs is changed on the clone: nothing is
//! ever changed on the base but its password.
//!
//! Order: everything is read and decided; then attributes, what the clone has too much, what it
//! lacks; then both are read again and must agree; the password comes last. Wherever it stops, the
//! clone has no right that the base has not, and signs in with a password that nobody waits for. (One
//! exception is MariaDB's own: `PROXY … WITH GRANT OPTION` brings the option on everything with it,
//! which the next pass takes back.)
//!
//! Which accounts are a pair, `proof` decides, before anything is done.

use std::collections::BTreeSet;

use windlass_sdk::{Failure, LogLevel, Login, Pair, Turn, fill_random, log};

use crate::account::Attributes;
use crate::change::{Target, accounts_named, explain_denied, set_passwords, wants_clear};
use crate::grants::{Object, Privilege, Step, role_name};
use crate::half::{DENIED, Half, Place};
use crate::proof::{self, Mark, NAMED_MAX};
use crate::quote::check_length;
use crate::session::{AccountName, Session};
use crate::stored::{Form, Identity, identified_mariadb, identified_mysql};
use crate::version::Version;

/// How often the clone is compared and mended. Once is enough but where one right brings or takes
/// another with it (`PROXY` of MariaDB).
const PASSES: usize = 3;

/// A right on something that does not exist any more.
type Stale = BTreeSet<(Object, Privilege)>;

/// Changes the password of the half whose turn it is.
pub(crate) fn change(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    password: &str,
    actor: &Login,
) -> Result<(), Failure> {
    check_length(&pair.clone, version)?;
    let places = read(session, version, pair)?;
    check(pair, &places)?;
    if let Some(unmarked) = proof::check(pair, version, &places)? {
        log(LogLevel::Warn, &unmarked);
    }
    let mut targets = Vec::new();
    for place in places {
        let identities = place.base.account.identities.clone();
        match pair.turn {
            Turn::Base if place.clone.is_none() => {}
            _ => equalise(session, version, pair, &place)?,
        }
        targets.push(match pair.turn {
            Turn::Base => Target { name: place.base.name, identities },
            Turn::Clone => {
                Target { name: place.clone_name, identities: marked(version, identities) }
            }
        });
    }
    set_passwords(session, version, &targets, password, actor)
}

fn read(session: &mut Session, version: Version, pair: &Pair) -> Result<Vec<Place>, Failure> {
    let halves = accounts_named(session, version, &[&pair.base, &pair.clone])?;
    let (bases, mut clones): (Vec<_>, Vec<_>) =
        halves.into_iter().partition(|account| account.user == pair.base);
    let marked =
        proof::marked(session, version, pair).map_err(|failure| explain_denied(failure, DENIED))?;
    let mut places = Vec::new();
    for base in bases {
        let here = |clone: &AccountName| clone.host.eq_ignore_ascii_case(&base.host);
        let clone = match clones.iter().position(here) {
            Some(at) => Some(Half::clone_of(session, version, clones.swap_remove(at), &marked)?),
            None => None,
        };
        let clone_name = AccountName { user: pair.clone.clone(), host: base.host.clone() };
        let base = Half::base_of(session, version, base, &marked)?;
        places.push(Place { base, clone, clone_name });
    }
    if let (Some(stray), Some(_)) = (clones.first(), places.first()) {
        return Err(Failure::declined(format!(
            "there is an account {}, and none of {:?} at that host: drop it, or create the other",
            stray.quoted(),
            pair.base
        )));
    }
    Ok(places)
}

/// Refuses what must not be touched, before anything is.
fn check(pair: &Pair, places: &[Place]) -> Result<(), Failure> {
    let Pair { base, clone, turn } = pair;
    if places.is_empty() {
        return Err(Failure::declined(format!(
            "there is no account {base:?}, which {clone:?} would be the clone of"
        )));
    }
    if *turn == Turn::Base && places.iter().all(|place| place.clone.is_none()) {
        return Err(Failure::declined(format!(
            "there is no account {clone:?}, which should be in force now"
        )));
    }
    for place in places {
        if place.base.account.locked {
            return Err(Failure::declined(format!(
                "the account {name} is locked: ALTER USER {name} ACCOUNT UNLOCK",
                name = place.base.name.quoted()
            )));
        }
        if !place.base.account.identities.iter().any(Identity::has_password) {
            return Err(Failure::declined(format!(
                "the account {} does not sign in with a password that could be changed here",
                place.base.name.quoted()
            )));
        }
    }
    Ok(())
}

/// Makes the clone the base's equal, and creates it where it does not exist.
fn equalise(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    place: &Place,
) -> Result<(), Failure> {
    let denied = |failure| explain_denied(failure, DENIED);
    let (base, who) = (&place.base, place.clone_name.quoted());
    // First, so that a clone that is there and marked has a base that is.
    if let Some(mark) = Mark::of_base(version, pair).filter(|_| !base.marked) {
        let statement = format!("ALTER USER {}{}", base.name.quoted(), mark.clause());
        session.query(&statement, "marking the account").map_err(denied)?;
    }
    let mut clone = match &place.clone {
        Some(clone) => clone.clone(),
        None => {
            create(session, version, pair, place)?;
            log(LogLevel::Info, &format!("created the account {who}"));
            Half::clone_again(session, version, pair, place.clone_name.clone())?
        }
    };
    let mut stale = Stale::new();
    for pass in 0..PASSES {
        let clauses = base.account.attributes.clauses_instead_of(&clone.account.attributes);
        let unlock = if clone.account.locked { " ACCOUNT UNLOCK" } else { "" };
        let mark = Mark::of_clone(version, pair).filter(|_| !clone.marked);
        let mark = mark.map(|mark| mark.clause()).unwrap_or_default();
        let altered = format!("{clauses}{unlock}{mark}");
        let mut steps = base.grants.steps_from(&clone.grants, &who);
        steps.retain(|step| step.gives.as_ref().is_none_or(|gives| !is_stale(&stale, gives)));
        let roles = default_roles(version, base, &clone, &who);
        if altered.is_empty() && steps.is_empty() && roles.is_empty() {
            break;
        }
        if pass == 0 && place.clone.is_some() {
            report(pair, base, &clone);
        }
        if !altered.is_empty() {
            let statement = format!("ALTER USER {who}{altered}");
            session.query(&statement, "changing the clone's attributes").map_err(denied)?;
        }
        for step in steps {
            give(session, &step, &who, &mut stale)?;
        }
        for statement in roles {
            session.query(&statement, "setting the clone's default roles").map_err(denied)?;
        }
        clone = Half::clone_again(session, version, pair, place.clone_name.clone())?;
    }
    agree(base, &clone, &stale)
}

fn create(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    place: &Place,
) -> Result<(), Failure> {
    let password = unguessable();
    let base = &place.base.account;
    let identities = marked(version, base.identities.clone());
    let identified = |form| match base.identities.first() {
        Some(identity) if !version.mariadb => Ok(identified_mysql(&identity.plugin, &password)),
        _ => identified_mariadb(&identities, &password, form),
    };
    let clauses = base.attributes.clauses_instead_of(&Attributes::default());
    let mark = Mark::of_clone(version, pair).map(|mark| mark.clause()).unwrap_or_default();
    let who = place.clone_name.quoted();
    let create = |identified: String| format!("CREATE USER {who} {identified}{clauses}{mark}");
    let doing = "creating the clone";
    let outcome = match session.secret(&create(identified(Form::Hash)?), doing) {
        Err(failure) if version.mariadb && wants_clear(&failure) => {
            session.secret(&create(identified(Form::Clear)?), doing)
        }
        outcome => outcome,
    };
    let Err(failure) = outcome else { return Ok(()) };
    // A session that broke is good for nothing but closing.
    if failure.code.is_empty() {
        return Err(failure);
    }
    // Two attempts at one rotation may be at work at the same time, and neither saw the clone.
    let clones = accounts_named(session, version, &[&pair.clone])?;
    if clones.contains(&place.clone_name) {
        let text = format!("{doing}: somebody else has created {who} just now: try again");
        return Err(Failure::unreachable(text).with_code(failure.code));
    }
    Err(explain_denied(failure, DENIED))
}

/// A password for the time until the real one is set, which nobody ever knows; with a character of
/// each kind that policies ask for.
fn unguessable() -> String {
    let mut bytes = [0; 24];
    fill_random(&mut bytes);
    bytes.iter().fold("aA1-".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Runs a step. A right on something that is gone can't be given and means nothing: it is left out,
/// and the rest of the step's rights are given one by one.
fn give(session: &mut Session, step: &Step, who: &str, stale: &mut Stale) -> Result<(), Failure> {
    let run = |session: &mut Session, step: &Step| {
        session
            .query(&step.statement, "giving the clone the rights of the other")
            .map_err(|failure| explain_denied(failure, DENIED))
    };
    let Err(failure) = run(session, step) else { return Ok(()) };
    let Some((object, privileges)) = step.gives.as_ref().filter(|_| is_gone(&failure)) else {
        return Err(failure);
    };
    if privileges.len() > 1 {
        return step.apart(who).iter().try_for_each(|one| give(session, one, who, stale));
    }
    stale.extend(privileges.iter().map(|privilege| (object.clone(), privilege.clone())));
    log(LogLevel::Warn, &format!("left out a right on what does not exist: {}", failure.message));
    Ok(())
}

/// No such table, column, routine, or grant on them.
fn is_gone(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "1146" | "1054" | "1305")
}

fn is_stale(stale: &Stale, (object, privileges): &(Object, BTreeSet<Privilege>)) -> bool {
    !privileges.is_empty()
        && privileges.iter().all(|privilege| stale.contains(&(object.clone(), privilege.clone())))
}

/// Never a success with fewer rights, nor with more.
fn agree(base: &Half, clone: &Half, stale: &Stale) -> Result<(), Failure> {
    let steps = base.grants.steps_from(&clone.grants, "");
    let lacks = steps.iter().any(|step| match &step.gives {
        Some(gives) => !is_stale(stale, gives),
        None => true,
    });
    let roles = base.grants.default_roles != clone.grants.default_roles;
    if !lacks && !roles && base.account.attributes.agree_with(&clone.account.attributes) {
        return Ok(());
    }
    let mut differences = base.grants.beyond(&clone.grants);
    differences.extend(clone.grants.beyond(&base.grants));
    differences.truncate(NAMED_MAX);
    Err(Failure::declined(format!(
        "the accounts {} and {} still differ after everything was done to make them equal ({}), \
         so the password was not changed",
        base.name.quoted(),
        clone.name.quoted(),
        differences.join("; ")
    )))
}

/// What the operator should know about an existing clone that was not like the base.
fn report(pair: &Pair, base: &Half, clone: &Half) {
    let mut more = clone.grants.beyond(&base.grants);
    more.truncate(NAMED_MAX);
    let (level, what) = if more.is_empty() {
        (LogLevel::Info, "brought up to date".to_owned())
    } else {
        (LogLevel::Warn, format!("had more rights, which it loses: {}", more.join("; ")))
    };
    let text = format!("{:?}, the clone of {:?}, {what}", pair.clone, pair.base);
    log(level, &text);
}

/// How the clone signs in: as the base, and marked where the mark is a method.
fn marked(version: Version, mut identities: Vec<Identity>) -> Vec<Identity> {
    if version.mariadb && !identities.contains(&Identity::mark()) {
        identities.push(Identity::mark());
    }
    identities
}

/// The statements that give the clone the base's default roles.
fn default_roles(version: Version, base: &Half, clone: &Half, who: &str) -> Vec<String> {
    let wanted = &base.grants.default_roles;
    if *wanted == clone.grants.default_roles {
        return Vec::new();
    }
    let names: Vec<_> = wanted.iter().map(role_name).collect();
    let names = if names.is_empty() { "NONE".to_owned() } else { names.join(", ") };
    vec![if version.mariadb {
        format!("SET DEFAULT ROLE {names} FOR {who}")
    } else {
        format!("ALTER USER {who} DEFAULT ROLE {names}")
    }]
}
