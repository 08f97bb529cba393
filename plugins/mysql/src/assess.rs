//! What a turn or a change would meet, said beforehand; and the mark that makes two accounts a pair.
//!
//! `assess` reads and changes nothing. `mark_pair` is an administrator's word that two accounts that
//! exist are a pair: it sets the mark (`mark`) and changes nothing else, neither rights nor passwords.
//! The next turn makes the clone the base's equal.

use windlass_sdk::{AssessRequest, Assessment, Failure, Finding, Login, Pair, PairState};

use crate::account::own_identities;
use crate::differences::{differences, found, statements};
use crate::grants::Grants;
use crate::half::{Half, check_places, marked_clones, places};
use crate::mark::{self, Marks};
use crate::own::BY_ADMINISTRATOR;
use crate::pair::pair_of;
use crate::proof::{Proof, names};
use crate::quote::{NAMED_MAX, check_length, check_name, for_people};
use crate::session::{AccountName, Session};
use crate::stored::first_is_only_password;
use crate::target::accounts_named;
use crate::version::Version;

pub(crate) fn assess(request: &AssessRequest) -> Result<Assessment, Failure> {
    check_name(&request.username, "the name of the account")?;
    let mut session = Session::sign_in(&request.actor)?;
    let outcome = with_session(&mut session, request);
    session.close();
    outcome
}

fn with_session(session: &mut Session, request: &AssessRequest) -> Result<Assessment, Failure> {
    let by_itself = request.clone_of.is_none() && request.actor.username == request.username;
    let prepared = session.prepare(!by_itself)?;
    let version = prepared.version;
    let name = prepared.account.as_ref().map(AccountName::quoted).unwrap_or_default();
    let mut assessment = Assessment {
        session: for_people(&format!("{name} on {version}"), NAMED_MAX),
        lacks: Vec::new(),
        pair: None,
        differences: Vec::new(),
    };
    if by_itself {
        assessment.lacks = lacked_by_itself(session, version)?;
        return Ok(bounded(assessment));
    }
    let held = Grants::held(session, version)?;
    let actor = Actor { held, name, login: &request.actor };
    assessment.lacks = actor.lacks_at_all();
    // Nothing of others can be read without it.
    if actor.held.may_read("mysql") {
        match &request.clone_of {
            Some(current) => {
                let pair = pair_of(current, &request.username)?;
                assess_pair(session, version, &pair, &actor, &mut assessment)?;
            }
            None => assessment.lacks.extend(lacked_for(session, version, request, &actor)?),
        }
    }
    Ok(bounded(assessment))
}

/// What an account lacks to change its own password.
fn lacked_by_itself(session: &mut Session, version: Version) -> Result<Vec<Finding>, Failure> {
    if !version.mariadb || first_is_only_password(&own_identities(session, version)?) {
        return Ok(Vec::new());
    }
    let text =
        "the account has several methods of signing in, of which it may change the first only";
    Ok(vec![Finding::new(text).with_remedy(BY_ADMINISTRATOR)])
}

/// Who would make the change, as statements name it, and what it may do.
struct Actor<'a> {
    held: Grants,
    name: String,
    login: &'a Login,
}

impl Actor<'_> {
    /// What every administrator needs and this one has not.
    fn lacks_at_all(&self) -> Vec<Finding> {
        let needed = [
            (self.held.has_on_everything("CREATE USER"), "CREATE USER ON *.*"),
            (self.held.may_read("mysql"), "SELECT ON mysql.*"),
        ];
        let lacked = needed.into_iter().filter(|(there, _)| !there);
        lacked.map(|(_, right)| self.lacks(right)).collect()
    }

    /// The right without which an account that has it can't be changed.
    fn lacks_system_user(&self, of_account: &Grants) -> Option<Finding> {
        const RIGHT: &str = "SYSTEM_USER";
        let lacks = of_account.has_on_everything(RIGHT) && !self.held.has_on_everything(RIGHT);
        lacks.then(|| self.lacks("SYSTEM_USER ON *.*"))
    }

    fn lacks(&self, right: &str) -> Finding {
        let name = &self.name;
        found(&format!("{name} lacks {right}"), &format!("GRANT {right} TO {name}"))
    }
}

/// What an administrator needs besides for one account.
fn lacked_for(
    session: &mut Session,
    version: Version,
    request: &AssessRequest,
    actor: &Actor<'_>,
) -> Result<Vec<Finding>, Failure> {
    let accounts = accounts_named(session, version, &[&request.username])?;
    if accounts.is_empty() {
        return Ok(vec![no_account(&request.username)]);
    }
    let mut lacks = Vec::new();
    for account in accounts {
        lacks.extend(actor.lacks_system_user(&Grants::ask(session, version, &account)?));
    }
    Ok(lacks)
}

fn no_account(name: &str) -> Finding {
    Finding::new(format!("there is no account {name:?}"))
        .with_remedy("put the name of an account that exists into the secret")
}

fn assess_pair(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    actor: &Actor<'_>,
    assessment: &mut Assessment,
) -> Result<(), Failure> {
    check_length(&pair.clone, version)?;
    let places = places(session, version, pair)?;
    if places.is_empty() {
        assessment.lacks.push(no_account(&pair.base));
        return Ok(());
    }
    for Half { grants, .. } in places.iter().map(|place| &place.base) {
        assessment.lacks.extend(actor.lacks_system_user(grants));
        for (right, statement) in actor.held.can_not_hand_on(grants, &actor.name) {
            let text = format!("{} may not hand on {right}", actor.name);
            assessment.lacks.push(found(&text, &statement));
        }
    }
    if let Err(failure) = check_places(actor.login, &places) {
        assessment.lacks.push(Finding::new(failure.message).with_remedy(failure.remedy));
    }
    if places.iter().all(|place| place.clone.is_none()) {
        assessment.pair = Some(PairState::Absent);
        return Ok(());
    }
    let mut found: Vec<_> = places.iter().flat_map(|place| differences(place, version)).collect();
    assessment.pair = Some(match Proof::new(&places, version) {
        Proof::Marked => PairState::Marked,
        Proof::Equal => PairState::Equal,
        Proof::Doubtful(doubts) => {
            found = doubts;
            PairState::Different
        }
    });
    assessment.differences = found;
    Ok(())
}

/// Bounds what a server with many rights makes of it.
fn bounded(found: Assessment) -> Assessment {
    let (lacks, differences) = (Finding::bounded(found.lacks), Finding::bounded(found.differences));
    Assessment { lacks, differences, ..found }
}

pub(crate) fn mark_pair(request: &AssessRequest) -> Result<(), Failure> {
    let Some(current) = &request.clone_of else {
        return Err(Failure::unsupported("a pair has two accounts, and the request names one"));
    };
    let pair = pair_of(current, &request.username)?;
    let mut session = Session::sign_in(&request.actor)?;
    let outcome = session.prepare(true).and_then(|prepared| {
        let version = prepared.version;
        let marks = Marks::for_version(version);
        let places = places(&mut session, version, &pair)?;
        let (bases, clones) = names(&places);
        if clones.is_empty() {
            let missing = if places.is_empty() { &pair.base } else { &pair.clone };
            return Err(Failure::declined(format!(
                "the account {missing:?} does not exist and can't be marked"
            ))
            .with_remedy("rotate the secret, which makes the clone and marks it"));
        }
        if marks == Marks::Impossible {
            let found: Vec<_> =
                places.iter().flat_map(|place| differences(place, version)).collect();
            return Err(Failure::unsupported(format!(
                "the server is {version}, where nothing can mark a pair (MySQL 8.0.21 can)"
            ))
            .with_remedy(format!(
                "make the two accounts equal, and neither WITH GRANT OPTION: {}",
                statements(&found)
            )));
        }
        let marked = marked_clones(&places);
        check_places(&request.actor, &places)?;
        if marks == Marks::Role {
            mark::ensure_role(&mut session, version, &pair, &marked)?;
        }
        marks.set(&mut session, &pair, (&bases, &clones), &marked)
    });
    session.close();
    outcome
}
