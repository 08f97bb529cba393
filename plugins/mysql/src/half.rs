//! One account of a pair as the server describes it, and both at one host.

use windlass_sdk::{Failure, Login, Pair, clean};

use crate::account::Account;
use crate::grants::Grants;
use crate::mark::{self, Marks};
use crate::session::{AccountName, Session};
use crate::target::{DENIED, accounts_named, check_hosts, explain_denied};
use crate::version::Version;

/// One account, as the server describes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Half {
    pub(crate) name: AccountName,
    pub(crate) account: Account,
    pub(crate) grants: Grants,
    /// Whether it bears its half of the mark (see `mark`).
    pub(crate) marked: bool,
}

/// A host of the base's, and both accounts there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) base: Half,
    pub(crate) clone: Option<Half>,
    pub(crate) clone_name: AccountName,
}

/// Reads both accounts at every host of the base's. Refuses a clone at a host where there is no base.
pub(crate) fn places(
    session: &mut Session,
    version: Version,
    pair: &Pair,
) -> Result<Vec<Place>, Failure> {
    let halves = accounts_named(session, version, &[&pair.base, &pair.clone])?;
    let (bases, mut clones): (Vec<_>, Vec<_>) =
        halves.into_iter().partition(|account| account.user == pair.base);
    let marked = Marks::for_version(version).borne(session, pair)?;
    let mut places = Vec::new();
    for base in bases {
        let here = |clone: &AccountName| clone.host.eq_ignore_ascii_case(&base.host);
        let clone = match clones.iter().position(here) {
            Some(at) => Some(Half::ask(session, version, pair, clones.swap_remove(at), &marked)?),
            None => None,
        };
        let clone_name = AccountName { user: pair.clone.clone(), host: base.host.clone() };
        let base = Half::ask(session, version, pair, base, &marked)?;
        places.push(Place { base, clone, clone_name });
    }
    if let (Some(stray), Some(_)) = (clones.first(), places.first()) {
        let stray = clean(&stray.quoted());
        return Err(Failure::declined(format!(
            "there is an account {}, and none of {:?} at that host",
            stray, pair.base
        ))
        .with_remedy(format!(
            "as an administrator, run DROP USER {stray}; or, if somebody uses it, RENAME USER {stray} TO \
             a name that is not the clone's"
        )));
    }
    Ok(places)
}

/// Refuses a pair at several hosts, unless it is marked at all of them or the admin secret says that the
/// accounts of one name are one: the secret signs in at one host, and what is at another may be somebody
/// else's.
pub(crate) fn check_places(actor: &Login, places: &[Place]) -> Result<(), Failure> {
    let marked =
        |place: &Place| place.base.marked && place.clone.as_ref().is_some_and(|clone| clone.marked);
    if places.iter().all(marked) {
        return Ok(());
    }
    let bases: Vec<_> = places.iter().map(|place| place.base.name.clone()).collect();
    check_hosts(actor, &bases)
}

/// The clones that bear the mark.
pub(crate) fn marked_clones(places: &[Place]) -> Vec<AccountName> {
    let clones = places.iter().filter_map(|place| place.clone.as_ref());
    clones.filter(|clone| clone.marked).map(|clone| clone.name.clone()).collect()
}

impl Half {
    /// Reads a half; `marked` are the accounts that bear an attribute as their mark. MariaDB's mark is
    /// a role of the clone's, which is no right of its own; the base has none there, and needs none.
    fn ask(
        session: &mut Session,
        version: Version,
        pair: &Pair,
        name: AccountName,
        marked: &[AccountName],
    ) -> Result<Self, Failure> {
        let denied = |failure| explain_denied(failure, DENIED);
        let account = Account::ask(session, version, &name).map_err(denied)?;
        let mut grants = Grants::ask(session, version, &name).map_err(denied)?;
        let roles = account.default_roles.iter().cloned();
        grants.default_roles.extend(roles.map(|(role, host)| (role, Some(host))));
        let marked = match Marks::for_version(version) {
            Marks::Role => {
                let has_role = mark::take_role(&mut grants, pair);
                has_role || name.user == pair.base
            }
            Marks::Attributes | Marks::Impossible => marked.contains(&name),
        };
        Ok(Self { name, account, grants, marked })
    }

    /// The half once more, after something was changed on it.
    pub(crate) fn again(
        session: &mut Session,
        version: Version,
        pair: &Pair,
        name: &AccountName,
    ) -> Result<Self, Failure> {
        let marked = Marks::for_version(version).borne(session, pair)?;
        Self::ask(session, version, pair, name.clone(), &marked)
    }
}
