//! Whether two accounts whose names fit are a pair.
//!
//! An administrator is about to change the password of one because a secret speaks of the other. So
//! the two must be a pair by something that neither of them can have set alone: the mark (see `mark`).
//!
//! A pair without marks, as AWS's rotation function makes it, is accepted if the two are equal in
//! everything that only an administrator sets: hosts, rights, roles, limits, `REQUIRE`, rules for
//! passwords, methods of signing in, a lock. There must be a right in which they are, and none that
//! may be granted on: who may grant can give the other its own rights, and give up its own. That is
//! said in the log, and they are marked then. MySQL before 8.0.21 has no marks: there every turn asks
//! for this equality, and a pair that could not pass it is not made.

use windlass_sdk::{Failure, Finding, Pair};

use crate::differences::{differences, in_short, statements};
use crate::half::{Half, Place};
use crate::mark::Marks;
use crate::quote::{NAMED_MAX, for_people};
use crate::session::AccountName;
use crate::version::Version;

/// What shows that the accounts are a pair, or why nothing does.
#[derive(Debug)]
pub(crate) enum Proof {
    /// Every clone bears the mark.
    Marked,
    /// Some bear none, and all are equal.
    Equal,
    /// These speak against it.
    Doubtful(Vec<Finding>),
}

impl Proof {
    pub(crate) fn new(places: &[Place], version: Version) -> Self {
        let halves = || places.iter().filter_map(|place| Some((place, place.clone.as_ref()?)));
        let unmarked = || halves().filter(|(place, clone)| !(place.base.marked && clone.marked));
        if unmarked().next().is_none() {
            return Self::Marked;
        }
        let mut doubts: Vec<_> =
            places.iter().flat_map(|place| differences(place, version)).collect();
        if doubts.is_empty() {
            let doubts_of = |(place, _): (&Place, &Half)| unprovable(&place.base);
            doubts.extend(unmarked().filter_map(doubts_of).map(Finding::new));
        }
        if doubts.is_empty() { Self::Equal } else { Self::Doubtful(doubts) }
    }
}

/// Refuses two accounts that are not surely a pair. Returns what the log has to say about one that
/// was taken for a pair without a mark.
pub(crate) fn check(
    pair: &Pair,
    version: Version,
    places: &[Place],
) -> Result<Option<String>, Failure> {
    if Marks::for_version(version) == Marks::Impossible {
        places.iter().try_for_each(|place| check_lasting(version, &place.base))?;
    }
    match Proof::new(places, version) {
        Proof::Marked => Ok(None),
        Proof::Equal => Ok(Some(format!(
            "the account {:?} is not marked as the clone of {:?}; it was taken for it because the two \
             are equal in their rights and in everything else that only an administrator sets",
            pair.clone, pair.base
        ))),
        Proof::Doubtful(doubts) => Err(refusal(pair, version, places, &doubts)),
    }
}

/// Refuses a base whose pair could not be distinguished from two accounts that were made equal, where
/// no mark says so.
fn check_lasting(version: Version, base: &Half) -> Result<(), Failure> {
    match unprovable(base) {
        None => Ok(()),
        Some(why) => Err(Failure::declined(format!(
            "{} can't take turns with a clone on {version}, which can't mark one: {why}",
            base.name.quoted()
        ))
        .with_remedy(
            "use the strategy \"single-user\", or a server that can mark a pair (MySQL 8.0.21, \
             MariaDB)",
        )),
    }
}

/// Why nobody's equality with this account would prove anything.
fn unprovable(base: &Half) -> Option<&'static str> {
    if base.grants.is_empty() {
        return Some("it has no right in which another could be its equal");
    }
    let text =
        "it may grant rights (GRANT OPTION, ADMIN OPTION), so either could have made them equal";
    base.grants.may_grant().then_some(text)
}

/// Where the pair can be marked, the host knows the command; else the two have to be equal.
fn refusal(pair: &Pair, version: Version, places: &[Place], doubts: &[Finding]) -> Failure {
    let (_, clones) = names(places);
    let names: Vec<_> = clones.iter().map(AccountName::quoted).collect();
    let failure = Failure::not_a_pair(format!(
        "the account {} bears no mark of being the clone of {:?}, and the two are not equal either, so \
         it may be somebody else's and nothing was changed: {}",
        for_people(&names.join(", "), NAMED_MAX),
        pair.base,
        in_short(doubts)
    ));
    match Marks::for_version(version) {
        Marks::Attributes | Marks::Role => failure,
        Marks::Impossible => failure.with_remedy(format!(
            "make the two equal, as an administrator ({}), or give the account that is not a clone \
             another name (RENAME USER)",
            statements(doubts)
        )),
    }
}

/// The accounts that there are: the bases, and the clones.
pub(crate) fn names(places: &[Place]) -> (Vec<AccountName>, Vec<AccountName>) {
    let there = || places.iter().filter(|place| place.clone.is_some());
    let bases = there().map(|place| place.base.name.clone());
    (bases.collect(), there().map(|place| place.clone_name.clone()).collect())
}
