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

use windlass_sdk::{ChangeRequest, Failure, LogLevel, Login, TlsMode, clean, log};

use crate::account::Account;
use crate::errors::MUST_CHANGE_PASSWORD;
use crate::pair::pair_of;
use crate::policy::{self, NewPassword};
use crate::quote::{NAMED_MAX, REMEDY_MAX, check_name, check_password, for_people, literal};
use crate::session::{AccountName, Session};
use crate::stored::{Identity, all_accept, identified_mariadb, identified_mysql, same_methods};
use crate::version::Version;
use crate::{alternating, dual, own};

pub(crate) const CHANGING: &str = "changing the password";

/// The key of the secret that says what to do with several accounts of one name.
pub(crate) const ACCOUNT_HOSTS: &str = "accountHosts";

/// What a session can't do whose password has expired.
pub(crate) fn explain_expired(mut failure: Failure) -> Failure {
    if failure.code != MUST_CHANGE_PASSWORD {
        return failure;
    }
    failure.message.push_str(
        ": the password is right but has expired, so the account can do nothing but change it",
    );
    failure.with_remedy("rotate the secret, which changes the password")
}

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
        let account = Account::of(session, version, &name)?;
        targets.push(Target { name, identities: account.identities, stored: None });
    }
    if request.keep_old_valid {
        dual::check(version)?;
        warn_of_clear(&request.username, &request.actor);
        return dual::by_administrator(session, version, &targets, request);
    }
    set_passwords(session, version, targets, request)
}

/// Refuses accounts of one name at several hosts, of which the secret has shown one to be its own, unless
/// the admin secret says that they are all one.
pub(crate) fn check_hosts(actor: &Login, accounts: &[AccountName]) -> Result<(), Failure> {
    match (accounts, actor.field(ACCOUNT_HOSTS)) {
        ([] | [_], _) | (_, Some("all")) => Ok(()),
        (_, Some(other)) => Err(Failure::invalid_secret(format!(
            "the admin secret's {ACCOUNT_HOSTS:?} is {other:?}"
        ))
        .with_remedy(format!("set it to \"all\", or remove {ACCOUNT_HOSTS:?}"))),
        (several, None) => {
            let names: Vec<_> = several.iter().map(AccountName::quoted).collect();
            Err(Failure::declined(format!(
                "there are several accounts of that name: {}",
                for_people(&names.join(", "), NAMED_MAX)
            ))
            .with_remedy(format!(
                "drop those that are not used, or set {ACCOUNT_HOSTS:?} to \"all\" in the admin \
                 secret to give all of them the same password"
            )))
        }
    }
}

/// An account that gets a password, and how it is to sign in.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: AccountName,
    /// How it is to sign in.
    pub(crate) identities: Vec<Identity>,
    /// How it signs in now, where that differs.
    pub(crate) stored: Option<Vec<Identity>>,
}

/// Gives all of them the password, in one statement: MySQL does all of it or nothing. The statement
/// names every method that has a password, so that the old one signs in by no method. An account that
/// has the new password already keeps it, since a history of passwords would refuse it; an earlier call
/// may not have come to ending its second one.
pub(crate) fn set_passwords(
    session: &mut Session,
    version: Version,
    targets: Vec<Target>,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    targets.iter().try_for_each(check_method)?;
    let password = NewPassword::of(request);
    let has_it = |target: &Target| {
        let stored = target.stored.as_ref().unwrap_or(&target.identities);
        same_methods(stored, &target.identities) && all_accept(stored, password.text) == Some(true)
    };
    let to_change: Vec<_> = targets.iter().filter(|target| !has_it(target)).collect();
    let outcome = if to_change.is_empty() {
        Ok(())
    } else if version.mariadb {
        policy::set_mariadb(session, version, password, CHANGING, |form| {
            let one = |target: &&Target| {
                let identified = identified_mariadb(&target.identities, password.text, form)?;
                Ok(format!("{} {identified}", target.name.quoted()))
            };
            let all = to_change.iter().map(one).collect::<Result<Vec<_>, Failure>>()?;
            Ok(format!("ALTER USER {}", all.join(", ")))
        })
    } else {
        warn_of_clear(&request.username, &request.actor);
        let one = |target: &&Target| {
            let plugin = target.identities.first().map_or("", |identity| &identity.plugin);
            format!("{} {}", target.name.quoted(), identified_mysql(plugin, password.text))
        };
        let all: Vec<_> = to_change.iter().map(one).collect();
        let statement = format!("ALTER USER {}", all.join(", "));
        policy::set_mysql(session, version, password.text, CHANGING, &statement)
    };
    outcome.map_err(|failure| explain_denied(failure, ADMIN_DENIED))?;
    dual::end(session, version, &targets)
}

/// The accounts of these names, one for each host.
pub(crate) fn accounts_named(
    session: &mut Session,
    version: Version,
    users: &[&str],
) -> Result<Vec<AccountName>, Failure> {
    let no_roles = if version.mariadb { " AND is_role = 'N'" } else { "" };
    let names: Vec<_> = users.iter().map(|user| literal(user)).collect();
    let statement = format!(
        "SELECT Host, User FROM mysql.user WHERE User IN ({}){no_roles} ORDER BY Host",
        names.join(", ")
    );
    let rows = session
        .query(&statement, "looking for the account")
        .map_err(|failure| explain_denied(failure, ADMIN_DENIED))?;
    let mut accounts = Vec::new();
    for row in rows {
        let [Some(host), Some(name)] = row.as_slice() else {
            return Err(Failure::protocol("the server's list of accounts is unreadable"));
        };
        // Messages name it, and no account is at such a host.
        if clean(host) != *host {
            return Err(Failure::protocol("the server's list of accounts has an impossible host"));
        }
        // However the server compares names, only these are meant.
        if users.contains(&name.as_str()) {
            accounts.push(AccountName { user: name.clone(), host: host.clone() });
        }
    }
    Ok(accounts)
}

pub(crate) fn check_method(target: &Target) -> Result<(), Failure> {
    if target.identities.iter().any(Identity::has_password) {
        return Ok(());
    }
    let plugins: Vec<_> = target.identities.iter().map(|it| it.plugin.as_str()).collect();
    let name = clean(&target.name.quoted());
    Err(Failure::declined(format!(
        "the account {name} signs in with {}, so it has no password that could be changed here",
        clean(&plugins.join(", "))
    ))
    .with_remedy(for_people(
        &format!(
            "as an administrator, give it the password of the secret: ALTER USER {name} IDENTIFIED BY \
             'PASSWORD'; or do not rotate it"
        ),
        REMEDY_MAX,
    )))
}

/// Says so where the new password goes through the network in clear, which only the operator's own
/// word allows.
pub(crate) fn warn_of_clear(username: &str, actor: &Login) {
    if actor.tls == TlsMode::Disabled {
        log(
            LogLevel::Warn,
            &format!(
                "the new password of {username:?} is sent without TLS, in clear: this server has \
                 to see it; remove \"ssl\": false from the secret"
            ),
        );
    }
}

/// What an administrator lacks.
pub(crate) const ADMIN_DENIED: &str = "the administrator needs CREATE USER and SELECT on the database mysql; on MySQL also SYSTEM_USER \
     for an account that has it";

/// Adds what to do where the account may not.
pub(crate) fn explain_denied(failure: Failure, remedy: impl Into<String>) -> Failure {
    if is_denied(&failure) { failure.with_remedy(remedy) } else { failure }
}

/// Whether the server said that this account may not do it.
pub(crate) fn is_denied(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "1044" | "1045" | "1142" | "1227" | "1370" | "1410" | "1698")
}
