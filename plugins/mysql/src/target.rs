//! The accounts that get a password: which they are, whether they may, and the statement.

use windlass_sdk::{Failure, LogLevel, Login, TlsMode, clean, log};

use crate::errno::{self, is_denied};
use crate::quote::{NAMED_MAX, REMEDY_MAX, for_people, literal};
use crate::session::{AccountName, Session};
use crate::stored::Identity;
use crate::version::Version;

/// What the administrator of a pair lacks who may not do something.
pub(crate) const DENIED: &str = "the administrator needs CREATE USER, SELECT on the database mysql, and every right that it \
     hands on, WITH GRANT OPTION (roles: WITH ADMIN OPTION)";

/// The key of the secret that says what to do with several accounts of one name.
pub(crate) const ACCOUNT_HOSTS: &str = "accountHosts";

/// What an administrator lacks.
pub(crate) const ADMIN_DENIED: &str = "the administrator needs CREATE USER and SELECT on the database mysql; on MySQL also SYSTEM_USER \
     for an account that has it";

/// An account that gets a password, and how it is to sign in.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: AccountName,
    /// How it is to sign in.
    pub(crate) identities: Vec<Identity>,
    /// How it signs in now, where that differs.
    pub(crate) stored: Option<Vec<Identity>>,
}

/// Adds what to do where the account may not.
pub(crate) fn explain_denied(failure: Failure, remedy: impl Into<String>) -> Failure {
    if is_denied(&failure) { failure.with_remedy(remedy) } else { failure }
}

/// What a session can't do whose password has expired.
pub(crate) fn explain_expired(mut failure: Failure) -> Failure {
    if !errno::is(&failure, errno::MUST_CHANGE_PASSWORD) {
        return failure;
    }
    failure.message.push_str(
        ": the password is right but has expired, so the account can do nothing but change it",
    );
    failure.with_remedy("rotate the secret, which changes the password")
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
