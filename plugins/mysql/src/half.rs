//! One account of a pair as the server describes it, and both at one host.

use windlass_sdk::{Failure, Pair};

use crate::account::Account;
use crate::change::explain_denied;
use crate::grants::Grants;
use crate::proof::Mark;
use crate::session::{AccountName, Session};
use crate::stored::is_marked;
use crate::version::Version;

/// What the base of a pair lacks for its administrator to hand it on.
pub(crate) const DENIED: &str = "the administrator needs CREATE USER, SELECT on the database mysql, \
                                 and every right that it hands on, WITH GRANT OPTION (roles: WITH \
                                 ADMIN OPTION)";

/// One account, as the server describes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Half {
    pub(crate) name: AccountName,
    pub(crate) account: Account,
    pub(crate) grants: Grants,
    /// Whether it bears its half of the mark (see `proof`).
    pub(crate) marked: bool,
}

/// A host of the base's, and both accounts there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) base: Half,
    pub(crate) clone: Option<Half>,
    pub(crate) clone_name: AccountName,
}

impl Half {
    /// The base; `marked` is who bears a mark. On MariaDB the base has none, and needs none.
    pub(crate) fn base_of(
        session: &mut Session,
        version: Version,
        name: AccountName,
        marked: &[AccountName],
    ) -> Result<Self, Failure> {
        let mut half = Self::read(session, version, name)?;
        half.marked = version.mariadb || marked.contains(&half.name);
        Ok(half)
    }

    /// The clone.
    pub(crate) fn clone_of(
        session: &mut Session,
        version: Version,
        name: AccountName,
        marked: &[AccountName],
    ) -> Result<Self, Failure> {
        let mut half = Self::read(session, version, name)?;
        half.marked = if version.mariadb {
            is_marked(&half.account.identities)
        } else {
            marked.contains(&half.name)
        };
        Ok(half)
    }

    /// The clone once more, after something was changed on it.
    pub(crate) fn clone_again(
        session: &mut Session,
        version: Version,
        pair: &Pair,
        name: AccountName,
    ) -> Result<Self, Failure> {
        let marked = match Mark::of_clone(version, pair) {
            Some(mark) if mark.is_on(session, &name)? => vec![name.clone()],
            _ => Vec::new(),
        };
        Self::clone_of(session, version, name, &marked)
    }

    fn read(session: &mut Session, version: Version, name: AccountName) -> Result<Self, Failure> {
        let denied = |failure| explain_denied(failure, DENIED);
        let account = Account::of(session, version, &name).map_err(denied)?;
        let mut grants = Grants::of(session, version, &name).map_err(denied)?;
        let roles = account.default_roles.iter().cloned();
        grants.default_roles.extend(roles.map(|(role, host)| (role, Some(host))));
        Ok(Self { name, account, grants, marked: false })
    }
}
