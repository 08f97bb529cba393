//! Whether two accounts whose names fit are a pair.
//!
//! An administrator is about to change the password of one because a secret speaks of the other. So
//! the two must be a pair by something that neither of them can have set alone:
//!
//! - **MySQL**: each bears an attribute that names the other. An account may change its own attribute
//!   together with its password (`ALTER USER … IDENTIFIED BY … ATTRIBUTE …` takes no right), so that
//!   of one half proves nothing; whoever could write both holds both passwords already.
//! - **MariaDB**: the clone has a second method of signing in that lets nobody in, behind its
//!   password. `SET PASSWORD` can put it in no other place than the password's own, and everything
//!   else takes `CREATE USER`.
//!
//! A pair without marks, as AWS's rotation function makes it, is accepted if the two are equal in
//! everything that only an administrator sets: hosts, rights, roles, limits, `REQUIRE`, rules for
//! passwords, methods of signing in, a lock. There must be a right in which they are, and none that
//! may be granted on: who may grant can give the other its own rights, and give up its own. That is
//! said in the log, and MySQL's are marked then. MySQL before 8.0.21 has no attributes: there every
//! turn asks for this equality, and a pair that could not pass it is not made.

use windlass_sdk::{Failure, Pair};

use crate::half::{Half, Place};
use crate::quote::literal;
use crate::session::{AccountName, Session};
use crate::stored::{Identity, is_marked};
use crate::version::Version;

/// How many rights a message names.
pub(crate) const NAMED_MAX: usize = 5;

/// An attribute of MySQL's, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark<'a> {
    key: &'static str,
    other: &'a str,
}

impl<'a> Mark<'a> {
    /// What the clone bears; `None` where accounts have no attributes.
    pub(crate) fn of_clone(version: Version, pair: &'a Pair) -> Option<Self> {
        version.has_attributes().then_some(Self { key: "windlass_clone_of", other: &pair.base })
    }

    /// What the base bears.
    pub(crate) fn of_base(version: Version, pair: &'a Pair) -> Option<Self> {
        version.has_attributes().then_some(Self { key: "windlass_clone", other: &pair.clone })
    }

    /// The clause of `ALTER USER` and `CREATE USER` that sets it and keeps all other attributes.
    pub(crate) fn clause(self) -> String {
        let text = format!("{{\"{}\": \"{}\"}}", self.key, json(self.other));
        format!(" ATTRIBUTE {}", literal(&text))
    }

    /// Whether the account bears it.
    pub(crate) fn is_on(self, session: &mut Session, name: &AccountName) -> Result<bool, Failure> {
        Ok(bearers(session, &[(&name.user, self)])?.contains(name))
    }
}

/// The accounts of the pair that bear their half of the mark, at every host, in one round trip. On
/// MariaDB the mark is among what is read of an account anyway.
pub(crate) fn marked(
    session: &mut Session,
    version: Version,
    pair: &Pair,
) -> Result<Vec<AccountName>, Failure> {
    match (Mark::of_base(version, pair), Mark::of_clone(version, pair)) {
        (Some(on_base), Some(on_clone)) => {
            bearers(session, &[(&pair.base, on_base), (&pair.clone, on_clone)])
        }
        _ => Ok(Vec::new()),
    }
}

/// Of the accounts of each name, those that bear the mark beside it.
fn bearers(session: &mut Session, marks: &[(&str, Mark<'_>)]) -> Result<Vec<AccountName>, Failure> {
    let extract = |(_, mark): &(&str, Mark<'_>)| {
        format!("JSON_UNQUOTE(JSON_EXTRACT(ATTRIBUTE, {}))", literal(&format!("$.{}", mark.key)))
    };
    let names: Vec<_> = marks.iter().map(|(user, _)| literal(user)).collect();
    let statement = format!(
        "SELECT USER, HOST, {} FROM INFORMATION_SCHEMA.USER_ATTRIBUTES WHERE USER IN ({})",
        marks.iter().map(extract).collect::<Vec<_>>().join(", "),
        names.join(", ")
    );
    let mut bearers = Vec::new();
    for row in session.query(&statement, "reading the accounts' attributes")? {
        let [Some(user), Some(host), found @ ..] = row.as_slice() else {
            return Err(Failure::protocol("the server's list of attributes is unreadable"));
        };
        // However the server compares names, only these are meant.
        let bears = marks
            .iter()
            .zip(found)
            .any(|((name, mark), found)| name == user && found.as_deref() == Some(mark.other));
        if bears {
            bearers.push(AccountName { user: user.clone(), host: host.clone() });
        }
    }
    Ok(bearers)
}

/// Refuses two accounts that are not surely a pair. Returns what the log has to say about one that
/// was taken for a pair without a mark.
pub(crate) fn check(
    pair: &Pair,
    version: Version,
    places: &[Place],
) -> Result<Option<String>, Failure> {
    if !version.mariadb && !version.has_attributes() {
        places.iter().try_for_each(|place| check_lasting(version, &place.base))?;
    }
    let halves = || places.iter().filter_map(|place| Some((&place.base, place.clone.as_ref()?)));
    let mut unmarked = halves().filter(|(base, clone)| !(base.marked && clone.marked)).peekable();
    if unmarked.peek().is_none() {
        return Ok(None);
    }
    let alone = places.iter().find(|place| place.clone.is_none());
    for (base, clone) in unmarked {
        let doubt = match alone {
            Some(place) => Some(format!("there is no {}", place.clone_name.quoted())),
            None => doubt(base, clone),
        };
        if let Some(doubt) = doubt {
            return Err(refusal(pair, version, base, clone, &doubt));
        }
    }
    Ok(Some(format!(
        "the account {:?} is not marked as the clone of {:?}; it was taken for it because the two are \
         equal in their rights and in everything else that only an administrator sets",
        pair.clone, pair.base
    )))
}

/// Refuses a base whose pair could not be told from two accounts that were made equal, where no mark
/// says so.
fn check_lasting(version: Version, base: &Half) -> Result<(), Failure> {
    match unprovable(base) {
        None => Ok(()),
        Some(why) => Err(Failure::declined(format!(
            "{} can't take turns with a clone on {version}, which can't mark one (MySQL 8.0.21 can): \
             {why}",
            base.name.quoted()
        ))),
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

/// Why the equality of two accounts does not show that they are a pair.
fn doubt(base: &Half, clone: &Half) -> Option<String> {
    let mut differences = base.grants.beyond(&clone.grants);
    differences.extend(clone.grants.beyond(&base.grants));
    differences.truncate(NAMED_MAX);
    if !differences.is_empty() || base.grants != clone.grants {
        return Some(format!("their rights differ: {}", differences.join("; ")));
    }
    if !base.account.attributes.agree_with(&clone.account.attributes) {
        return Some("their limits, REQUIRE or rules for passwords differ".into());
    }
    if base.account.locked != clone.account.locked {
        return Some("one of them is locked".into());
    }
    let [of_base, of_clone] = [base, clone].map(|half| methods(&half.account.identities));
    if of_base != of_clone {
        return Some(format!("one signs in with {of_base}, the other with {of_clone}"));
    }
    unprovable(base).map(str::to_owned)
}

/// The methods, a mark left out that may be among them.
fn methods(identities: &[Identity]) -> String {
    let has_mark = is_marked(identities);
    let is_mark = |identity: &&Identity| has_mark && **identity == Identity::mark();
    let methods = identities.iter().filter(|identity| !is_mark(identity));
    methods.map(|identity| identity.plugin.as_str()).collect::<Vec<_>>().join(", ")
}

fn refusal(pair: &Pair, version: Version, base: &Half, clone: &Half, doubt: &str) -> Failure {
    let (of_base, of_clone) = (base.name.quoted(), clone.name.quoted());
    let how = match (Mark::of_clone(version, pair), Mark::of_base(version, pair)) {
        (Some(on_clone), Some(on_base)) => format!(
            "ALTER USER {of_clone}{}; ALTER USER {of_base}{}",
            on_clone.clause(),
            on_base.clause()
        ),
        _ if version.mariadb => {
            let method = base.account.identities.iter().find(|identity| identity.has_password());
            let method = method.map_or("mysql_native_password", |method| &method.plugin);
            format!(
                "mark it: ALTER USER {of_clone} IDENTIFIED VIA {method} USING PASSWORD('its \
                 password') OR mysql_native_password USING 'invalid'"
            )
        }
        _ => format!("give it the rights and attributes of {of_base}, none WITH GRANT OPTION"),
    };
    Failure::declined(format!(
        "the account {of_clone} exists and is neither marked as the clone of {of_base} nor surely its \
         equal ({doubt}), so it may be somebody else's, and neither was changed: rename it, or, if it \
         is the clone, {how}"
    ))
}

/// A name within a JSON string.
fn json(name: &str) -> String {
    let escape = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        control if control.is_control() => format!("\\u{:04x}", u32::from(control)),
        other => other.to_string(),
    };
    name.chars().map(escape).collect()
}
