//! Makes the clone of a pair the base's equal, and creates it where it does not exist.
//!
//! Attributes first, then what the clone has too much, then what it lacks; then it is read again and
//! must agree. Wherever it stops, the clone has no right that the base has not. (One exception is
//! MariaDB's own: `PROXY … WITH GRANT OPTION` brings the option on everything with it, which the next
//! pass takes back.)

use std::collections::BTreeSet;
use std::slice::from_ref;

use windlass_sdk::{ChangeRequest, Failure, FailureKind, LogLevel, Pair, clean, fill_random, log};

use crate::account::{Attributes, Change};
use crate::differences::{default_roles, differences, in_short, statements};
use crate::errno;
use crate::grants::{GrantChange, Object, Privilege};
use crate::half::{Half, Place};
use crate::mark::{self, Marks};
use crate::policy::{self, NewPassword, Sendable};
use crate::quote::{PASSWORD_BYTES, identifier};
use crate::session::{AccountName, Session};
use crate::stored::{identified_mariadb, identified_mysql};
use crate::target::DENIED;
use crate::target::{accounts_named, explain_denied};
use crate::version::Version;

/// How often the clone is compared and equalised. Once is enough but where one right brings or takes
/// another with it (`PROXY` of MariaDB).
const PASSES: usize = 3;

/// A right on something that does not exist any more.
type Stale = BTreeSet<(Object, Privilege)>;

/// Returns the clone as it is then. `marked` are the clones at any host that bear the mark.
pub(crate) fn equalise(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    place: &Place,
    marked: &[AccountName],
    request: &ChangeRequest,
) -> Result<Half, Failure> {
    let (base, who) = (&place.base, place.clone_name.quoted());
    // First, so that a clone that is there and marked has a base that is.
    if !base.marked {
        mark_one(session, version, pair, (from_ref(&base.name), &[]), marked)?;
    }
    let mut clone = match &place.clone {
        Some(clone) => {
            if let Some((level, text)) = report(pair, place, version) {
                log(level, &text);
            }
            clone.clone()
        }
        None => {
            create(session, version, pair, place, marked, request)?;
            log(LogLevel::Info, &format!("created the account {who}"));
            Half::again(session, version, pair, &place.clone_name)?
        }
    };
    if !clone.marked && Marks::for_version(version) != Marks::Impossible {
        mark_one(session, version, pair, (&[], from_ref(&clone.name)), marked)?;
        clone = Half::again(session, version, pair, &place.clone_name)?;
    }
    let mut stale = Stale::new();
    for _ in 0..PASSES {
        if !correct(session, version, base, &clone, &who, &mut stale)? {
            break;
        }
        clone = Half::again(session, version, pair, &place.clone_name)?;
    }
    agree(base, clone, &stale, version)
}

fn mark_one(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    halves: (&[AccountName], &[AccountName]),
    marked: &[AccountName],
) -> Result<(), Failure> {
    Marks::for_version(version).set(session, pair, halves, marked)
}

/// Changes what differs on the clone; `false` where nothing does.
fn correct(
    session: &mut Session,
    version: Version,
    base: &Half,
    clone: &Half,
    who: &str,
    stale: &mut Stale,
) -> Result<bool, Failure> {
    let denied = |failure| explain_denied(failure, DENIED);
    let clauses = base.account.attributes.clauses_instead_of(&clone.account.attributes);
    let unlock = if clone.account.locked { " ACCOUNT UNLOCK" } else { "" };
    let altered = format!("{clauses}{unlock}");
    let mut steps = base.grants.changes_from(&clone.grants, who);
    steps.retain(|step| step.gives.as_ref().is_none_or(|gives| !is_stale(stale, gives)));
    let roles = default_roles(version, base, clone, who);
    if altered.is_empty() && steps.is_empty() && roles.is_empty() {
        return Ok(false);
    }
    if !altered.is_empty() {
        let statement = format!("ALTER USER {who}{altered}");
        session.query(&statement, "changing the clone's attributes").map_err(denied)?;
    }
    for step in steps {
        give(session, &step, who, stale)?;
    }
    for statement in roles {
        session.query(&statement, "setting the clone's default roles").map_err(denied)?;
    }
    Ok(true)
}

/// Creates the clone, marked, in one statement: an account that is there and not marked is somebody
/// else's. It gets a password that nobody knows until it has its rights.
fn create(
    session: &mut Session,
    version: Version,
    pair: &Pair,
    place: &Place,
    marked: &[AccountName],
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let text = unguessable(&request.new_password);
    let password = NewPassword { text: &text, sendable: Sendable::Yes };
    let (base, who) = (&place.base.account, place.clone_name.quoted());
    let doing = "creating the clone";
    let outcome = if version.mariadb {
        let role = identifier(&mark::role(pair));
        mark::grant(session, pair, marked, |session| {
            policy::set_mariadb(session, version, password, doing, |form| {
                let identified = identified_mariadb(&base.identities, &text, form)?;
                Ok(format!("GRANT {role} TO {who} {identified}"))
            })
        })
    } else {
        let plugin = base.identities.first().map_or("", |identity| &identity.plugin);
        let identified = identified_mysql(plugin, &text);
        let clauses = base.attributes.clauses_instead_of(&Attributes::default());
        let mark = match Marks::for_version(version) {
            Marks::Attributes => mark::clone_mark(pair),
            Marks::Role | Marks::Impossible => String::new(),
        };
        let statement = format!("CREATE USER {who} {identified}{clauses}{mark}");
        policy::set_mysql(session, version, &text, doing, &statement)
    };
    let Err(failure) = outcome else { return Ok(()) };
    if failure.kind == FailureKind::PasswordRejected {
        return Err(Failure::unreachable(failure.message)
            .with_code(failure.code)
            .with_remedy("try again, which makes another intermediate password"));
    }
    // A session that broke is good for nothing but closing.
    if failure.code.is_empty() {
        return Err(failure);
    }
    // Two attempts at one rotation may be at work at the same time, and neither saw the clone.
    let clones = accounts_named(session, version, &[&pair.clone])?;
    if clones.contains(&place.clone_name) {
        let text = format!("{doing}: somebody else has created {} just now", clean(&who));
        return Err(Failure::unreachable(text)
            .with_code(failure.code)
            .with_remedy("try again: nothing was changed"));
    }
    Err(explain_denied(failure, DENIED))
}

/// How many characters of 6 bits stand behind what resembles the real password: 132 bits.
const BEHIND: usize = 22;

/// A password for the time until the real one is set, which nobody ever knows: for each character of
/// the real one a random one of its class, so that a policy that takes the one takes the other, and
/// behind them enough random ones, whatever the real one is made of.
fn unguessable(like: &str) -> String {
    const CLASSES: [&[u8]; 3] =
        [b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz", b"0123456789"];
    // So many that neighbours hardly ever follow each other, which cracklib calls systematic.
    const ALL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let one_of = |class: &[u8], random: u8| {
        let at = usize::from(random) % class.len().max(1);
        class.get(at).map_or('-', |&byte| char::from(byte))
    };
    let mut random = vec![0; like.len().min(PASSWORD_BYTES - BEHIND) + BEHIND];
    fill_random(&mut random);
    let (behind, front) = random.split_at(BEHIND);
    let front = front.iter().zip(like.bytes()).map(|(&random, like)| {
        match CLASSES.into_iter().find(|class| class.contains(&like)) {
            Some(class) => one_of(class, random),
            None if like.is_ascii_graphic() => char::from(like),
            None => '-',
        }
    });
    front.chain(behind.iter().map(|&random| one_of(ALL, random))).collect()
}

/// Runs a step. A right on something that is gone can't be given and means nothing: it is left out,
/// and the rest of the step's rights are given one by one.
fn give(
    session: &mut Session,
    step: &GrantChange,
    who: &str,
    stale: &mut Stale,
) -> Result<(), Failure> {
    let doing = "giving the clone the rights of the other";
    let outcome = if step.in_oracle_mode {
        session.query_in_oracle_mode(&step.statement, doing)
    } else {
        session.query(&step.statement, doing)
    };
    let Err(failure) = outcome.map_err(|failure| explain_denied(failure, DENIED)) else {
        return Ok(());
    };
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
    errno::is_any(
        failure,
        &[errno::NO_SUCH_TABLE, errno::BAD_FIELD_ERROR, errno::SP_DOES_NOT_EXIST],
    )
}

fn is_stale(stale: &Stale, (object, privileges): &(Object, BTreeSet<Privilege>)) -> bool {
    !privileges.is_empty()
        && privileges.iter().all(|privilege| stale.contains(&(object.clone(), privilege.clone())))
}

/// Never a success with fewer rights, nor with more.
fn agree(base: &Half, clone: Half, stale: &Stale, version: Version) -> Result<Half, Failure> {
    let steps = base.grants.changes_from(&clone.grants, "");
    let lacks = steps.iter().any(|step| match &step.gives {
        Some(gives) => !is_stale(stale, gives),
        None => true,
    });
    let roles = base.grants.default_roles != clone.grants.default_roles;
    if !lacks && !roles && base.account.attributes.agree_with(&clone.account.attributes) {
        return Ok(clone);
    }
    let names = [&base.name, &clone.name].map(|name| clean(&name.quoted()));
    let place = Place { base: base.clone(), clone_name: clone.name.clone(), clone: Some(clone) };
    let differences = differences(&place, version);
    Err(Failure::declined(format!(
        "the accounts {} still differ after everything was done to make them equal ({}), so the \
         password was not changed",
        names.join(" and "),
        in_short(&differences)
    ))
    .with_remedy(format!(
        "as an administrator, run {}, and look at what the server answers",
        statements(&differences)
    )))
}

/// What the operator should know about an existing clone that was not like the base, each attribute with
/// both values. What it loses, a longer life of its password and the end of a lock are warned of.
fn report(pair: &Pair, place: &Place, version: Version) -> Option<(LogLevel, String)> {
    let found = differences(place, version);
    if found.is_empty() {
        return None;
    }
    let warned = place.clone.as_ref().is_some_and(|clone| {
        let (base, steps) =
            (&place.base.account, place.base.grants.changes_from(&clone.grants, ""));
        let changes = base.attributes.changes_of(&clone.account.attributes);
        clone.account.locked
            || changes.iter().any(Change::lengthens_a_life)
            || steps.iter().any(|step| step.gives.is_none())
    });
    let level = if warned { LogLevel::Warn } else { LogLevel::Info };
    let text = format!(
        "{:?}, the clone of {:?}, is brought up to date: {}",
        pair.clone,
        pair.base,
        in_short(&found)
    );
    Some((level, text))
}

#[cfg(test)]
mod tests {
    use windlass_sdk::Turn;

    use super::*;
    use crate::account::Account;
    use crate::grants::Grants;
    use crate::tokens::Backslash;

    /// `app` and `app_clone` of a MariaDB, each with these attributes.
    fn place(of_base: &str, of_clone: &str) -> Place {
        let half = |user: &str, attributes: &str| Half {
            name: AccountName { user: user.into(), host: "%".into() },
            account: Account::read(
                &format!("CREATE USER `{user}`@`%` {attributes}"),
                Backslash::Single,
            )
            .unwrap(),
            grants: Grants::default(),
            marked: true,
        };
        let clone = half("app_clone", of_clone);
        Place { base: half("app", of_base), clone_name: clone.name.clone(), clone: Some(clone) }
    }

    #[test]
    fn what_changes_is_logged_with_both_values_and_a_longer_life_or_the_end_of_a_lock_as_a_warning()
    {
        let pair = Pair { base: "app".into(), clone: "app_clone".into(), turn: Turn::Clone };
        for (base, clone, expected) in [
            ("", "", None),
            (
                "WITH MAX_USER_CONNECTIONS 9",
                "REQUIRE SSL",
                Some((
                    LogLevel::Info,
                    "`app_clone`@`%` has REQUIRE SSL, `app`@`%` has REQUIRE NONE; `app_clone`@`%` has \
                     MAX_USER_CONNECTIONS 0, `app`@`%` has MAX_USER_CONNECTIONS 9",
                )),
            ),
            (
                "PASSWORD EXPIRE NEVER",
                "PASSWORD EXPIRE INTERVAL 9 DAY",
                Some((
                    LogLevel::Warn,
                    "has PASSWORD EXPIRE INTERVAL 9 DAY, `app`@`%` has PASSWORD EXPIRE NEVER",
                )),
            ),
            ("", "ACCOUNT LOCK", Some((LogLevel::Warn, "`app_clone`@`%` is locked"))),
        ] {
            let note = report(&pair, &place(base, clone), Version::read("10.11.6-MariaDB", ""));
            let found = note.as_ref().map(|(level, _)| *level);
            assert_eq!(found, expected.map(|(level, _)| level), "{note:?}");
            let part = expected.map_or("", |(_, part)| part);
            assert!(note.is_none_or(|(_, text)| text.contains(part)), "{part}");
        }
    }

    #[test]
    fn a_password_that_nobody_knows_has_the_classes_of_one_that_the_policy_took() {
        for like in ["aB3.", &"a".repeat(44), "9!x", "é-é", &"Zz9-".repeat(50)] {
            let (one, two) = (unguessable(like), unguessable(like));
            assert_ne!(one, two);
            assert!(one.len() >= like.len() + BEHIND && one.len() <= PASSWORD_BYTES);
            for class in [
                |byte: &u8| byte.is_ascii_uppercase(),
                |byte: &u8| byte.is_ascii_lowercase(),
                |byte: &u8| byte.is_ascii_digit(),
            ] {
                let of = |text: &str| text.bytes().filter(class).count();
                assert!(of(&one) >= of(like), "{like} {one}");
            }
        }
    }
}
