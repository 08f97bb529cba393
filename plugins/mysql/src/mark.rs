//! What marks two accounts as a pair: what neither of them can set alone, and no password policy looks
//! at.
//!
//! - **MySQL** 8.0.21 and later: each bears an attribute that names the other. An account may change its
//!   own attribute together with its password (`ALTER USER … IDENTIFIED BY … ATTRIBUTE …` takes no
//!   right), so that of one half proves nothing; whoever could write both holds both passwords already.
//! - **MariaDB**: the clone has a role that names the base and has no right. To make a role takes
//!   `CREATE USER`, and to give it `ADMIN OPTION`, which only its maker has.
//! - Before that, MySQL has nothing that would do.

use sha2::{Digest, Sha256};
use windlass_sdk::{Failure, Pair};

use crate::errno;
use crate::grants::{Grants, Object};
use crate::quote::{identifier, literal};
use crate::session::{AccountName, Session};
use crate::target::DENIED;
use crate::target::explain_denied;
use crate::version::Version;

/// What the name of a role begins with that is a mark.
const ROLE: &str = "windlass:";

/// The longest name of a role that every MariaDB takes, in characters.
const ROLE_MAX: usize = 80;

/// How the accounts of a server are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marks {
    /// An attribute of each (MySQL).
    Attributes,
    /// A role of the clone's (MariaDB).
    Role,
    /// Not at all.
    Impossible,
}

impl Marks {
    pub(crate) fn for_version(version: Version) -> Self {
        match (version.mariadb, version.has_attributes()) {
            (true, _) => Self::Role,
            (false, true) => Self::Attributes,
            (false, false) => Self::Impossible,
        }
    }

    /// The statements that mark these accounts, for people as well.
    pub(crate) fn statements(
        self,
        pair: &Pair,
        bases: &[AccountName],
        clones: &[AccountName],
    ) -> Vec<String> {
        match self {
            Self::Impossible => Vec::new(),
            Self::Attributes => {
                let mark =
                    |name: &AccountName, mark: &str| format!("ALTER USER {}{mark}", name.quoted());
                let bases = bases.iter().map(|name| mark(name, &base_mark(pair)));
                bases.chain(clones.iter().map(|name| mark(name, &clone_mark(pair)))).collect()
            }
            Self::Role if clones.is_empty() => Vec::new(),
            Self::Role => {
                let role = identifier(&role(pair));
                let clones: Vec<_> = clones.iter().map(AccountName::quoted).collect();
                let clones = clones.join(", ");
                vec![
                    format!("CREATE ROLE IF NOT EXISTS {role}"),
                    format!("GRANT {role} TO {clones}"),
                ]
            }
        }
    }

    /// Marks these accounts; `marked` are the clones that bear the mark already. A second call changes
    /// nothing.
    pub(crate) fn set(
        self,
        session: &mut Session,
        pair: &Pair,
        (bases, clones): (&[AccountName], &[AccountName]),
        marked: &[AccountName],
    ) -> Result<(), Failure> {
        for statement in self.statements(pair, bases, clones) {
            match self {
                Self::Role => grant(session, pair, marked, |session| {
                    session.query(&statement, MARKING).map(drop)
                }),
                _ => session.query(&statement, MARKING).map(drop),
            }
            .map_err(|failure| explain_denied(failure, DENIED))?;
        }
        Ok(())
    }

    /// The accounts of the pair that bear their half of the mark, at every host, where they can be
    /// asked for in one round trip. A role is among the rights of an account anyway.
    pub(crate) fn borne(
        self,
        session: &mut Session,
        pair: &Pair,
    ) -> Result<Vec<AccountName>, Failure> {
        match self {
            Self::Attributes => bearers(session, pair),
            Self::Role | Self::Impossible => Ok(Vec::new()),
        }
    }
}

const MARKING: &str = "marking the accounts as a pair";

/// Runs a statement that grants the role. Where another administrator has made the role, nobody here
/// may grant it: it is made anew, and given to those who had it.
pub(crate) fn grant(
    session: &mut Session,
    pair: &Pair,
    marked: &[AccountName],
    run: impl Fn(&mut Session) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match run(session) {
        Err(failure) if errno::is(&failure, errno::ACCESS_DENIED_NO_PASSWORD_ERROR) => {
            make_anew(session, pair, marked)?;
            run(session)
        }
        outcome => outcome,
    }
}

/// Makes the role where it does not exist, and anew where somebody has given it a right: it would be
/// one of the clone's that the base has not.
pub(crate) fn ensure_role(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    marked: &[AccountName],
) -> Result<(), Failure> {
    let role = identifier(&role(pair));
    session
        .query(&format!("CREATE ROLE IF NOT EXISTS {role}"), MARKING)
        .map_err(|failure| explain_denied(failure, DENIED))?;
    if Grants::ask_role(session, version, &role)?.is_empty() {
        return Ok(());
    }
    make_anew(session, pair, marked)
}

fn make_anew(session: &mut Session, pair: &Pair, marked: &[AccountName]) -> Result<(), Failure> {
    let role = identifier(&role(pair));
    let denied = |failure| explain_denied(failure, DENIED);
    session.query(&format!("CREATE OR REPLACE ROLE {role}"), MARKING).map_err(denied)?;
    if marked.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = marked.iter().map(AccountName::quoted).collect();
    session
        .query(&format!("GRANT {role} TO {}", names.join(", ")), MARKING)
        .map(drop)
        .map_err(denied)
}

/// Waits until no other attempt at a turn of this pair is at work on this server, and keeps others out
/// until the session ends: the statement that makes a marked clone would set the password of one that
/// another attempt has made just now. A cluster may have no such locks, and goes without.
///
/// A lock takes no right, and whoever knows its name can hold it. So the name depends on what nobody
/// but an administrator and the base itself may see: what the server stores of the base, which stays
/// as it is during the clone's turn. It is asked for first: a statement that waits for a lock keeps the
/// tables that it reads from everybody who changes an account.
pub(crate) fn keep_others_out(session: &mut Session, pair: &Pair) -> Result<(), Failure> {
    let base = literal(&pair.base);
    let name = format!(
        "SELECT LEFT(SHA2(CONCAT({base}, COALESCE(GROUP_CONCAT(Host, Priv ORDER BY Host), '')), 256), \
         {LOCK_DIGITS}) FROM mysql.global_priv WHERE User = {base}"
    );
    let Some(name) = answer_of(session, &name)? else { return Ok(()) };
    let lock = format!("SELECT GET_LOCK({}, 10)", literal(&format!("{ROLE}{name}")));
    match answer_of(session, &lock)?.as_deref() {
        None | Some("1") => Ok(()),
        _ => Err(Failure::unreachable("another attempt at a turn of this pair is at work")
            .with_remedy("try again when it has ended")),
    }
}

/// What the server answers to a question with one answer. `None`: it refuses the question.
fn answer_of(session: &mut Session, question: &str) -> Result<Option<String>, Failure> {
    let rows = match session.query(question, "waiting for other turns of this pair") {
        Err(failure) if !failure.code.is_empty() => return Ok(None),
        outcome => outcome?,
    };
    let answer = rows.into_iter().next().and_then(|row| row.into_iter().next());
    Ok(Some(answer.flatten().unwrap_or_default()))
}

/// How many hexadecimal digits the name of a lock ends in; every MariaDB takes 64 characters in all.
const LOCK_DIGITS: usize = 48;

/// Takes the mark out of an account's rights, of which it is not one. Returns whether it was there.
pub(crate) fn take_role(grants: &mut Grants, pair: &Pair) -> bool {
    grants.rights.remove(&Object::Role(role(pair), None)).is_some()
}

/// The role that marks the clone of this pair's base.
pub(crate) fn role(pair: &Pair) -> String {
    let name = format!("{ROLE}{}", pair.base);
    if name.chars().count() <= ROLE_MAX {
        return name;
    }
    let digest = Sha256::digest(pair.base.as_bytes());
    digest.iter().fold(ROLE.to_owned(), |name, byte| name + &format!("{byte:02x}"))
}

/// The clause of `ALTER USER` and `CREATE USER` that marks a base and keeps all other attributes.
pub(crate) fn base_mark(pair: &Pair) -> String {
    clause(ON_BASE, &pair.clone)
}

/// The same for a clone.
pub(crate) fn clone_mark(pair: &Pair) -> String {
    clause(ON_CLONE, &pair.base)
}

const ON_BASE: &str = "windlass_clone";
const ON_CLONE: &str = "windlass_clone_of";

fn clause(key: &str, other: &str) -> String {
    let text = format!("{{\"{key}\": \"{}\"}}", json(other));
    format!(" ATTRIBUTE {}", literal(&text))
}

/// Of the accounts of each name, those that bear the attribute beside it.
fn bearers(session: &mut Session, pair: &Pair) -> Result<Vec<AccountName>, Failure> {
    let marks = [(&pair.base, ON_BASE, &pair.clone), (&pair.clone, ON_CLONE, &pair.base)];
    let extracted = marks.map(|(_, key, _)| {
        format!("JSON_UNQUOTE(JSON_EXTRACT(ATTRIBUTE, {}))", literal(&format!("$.{key}")))
    });
    let statement = format!(
        "SELECT USER, HOST, {} FROM INFORMATION_SCHEMA.USER_ATTRIBUTES WHERE USER IN ({}, {})",
        extracted.join(", "),
        literal(&pair.base),
        literal(&pair.clone)
    );
    let rows = session
        .query(&statement, "reading the accounts' attributes")
        .map_err(|failure| explain_denied(failure, DENIED))?;
    let mut bearers = Vec::new();
    for row in rows {
        let [Some(user), Some(host), found @ ..] = row.as_slice() else {
            return Err(Failure::protocol("the server's list of attributes is unreadable"));
        };
        // However the server compares names, only these are meant.
        let bears = marks
            .iter()
            .zip(found)
            .any(|((name, _, other), found)| *name == user && found.as_deref() == Some(other));
        if bears {
            bearers.push(AccountName { user: user.clone(), host: host.clone() });
        }
    }
    Ok(bearers)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_names_the_base_however_long_its_name_is() {
        let role_of = |base: &str| role(&Pair::new(base, &format!("{base}_clone")).unwrap());
        assert_eq!(role_of("app"), "windlass:app");
        let [long, other] = ["é".repeat(120), "é".repeat(121)];
        assert_eq!(role_of(&long).len(), ROLE.len() + 64);
        assert_ne!(role_of(&long), role_of(&other));
        assert_eq!(role_of(&"é".repeat(71)), format!("windlass:{}", "é".repeat(71)));
    }

    #[test]
    fn names_of_any_characters_stay_one_string_of_the_attribute() {
        let pair = Pair::new("a\"\\'\n", "a\"\\'\n_clone").unwrap();
        assert_eq!(clone_mark(&pair), r#" ATTRIBUTE '{"windlass_clone_of": "a\"\\''\u000a"}'"#);
    }
}
