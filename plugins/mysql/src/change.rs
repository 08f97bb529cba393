//! Whose password is changed, and by whom.
//!
//! Everything that can be refused without a server is refused first. An account is a name and a
//! host. One's own is the one that the session belongs to. An administrator changes the only one of
//! that name; where there are several, the key `accountHosts` of the secret that signs in must say
//! `all`, and all of them are changed in one statement.
//!
//! The form of the new password: MariaDB gets its hash, by the method with which the account signs
//! in, unless its password policy insists on seeing the password. MySQL gets the password: it alone
//! makes caching_sha2_password's hash, applies its policy and history, and keeps such statements
//! out of its logs.
//!
//! An account that has the new password already is left alone: a history of passwords would refuse
//! it. Accounts with two passwords (MySQL's dual passwords) are in `dual`.

use windlass_sdk::{ChangeRequest, Failure, LogLevel, Login, TlsMode, clean, log};

use crate::account::Account;
use crate::alternating;
use crate::auth::Method;
use crate::dual;
use crate::errors::MUST_CHANGE_PASSWORD;
use crate::pair::pair_of;
use crate::parsec;
use crate::quote::{check_name, check_password, literal};
use crate::session::{AccountName, Prepared, Session};
use crate::stored::{Form, Identity, identified_mariadb, identified_mysql};
use crate::version::Version;
use crate::{scramble, shacrypt};

pub(crate) const CHANGING: &str = "changing the password";

/// The key of the secret that says what to do with several accounts of one name.
pub(crate) const ACCOUNT_HOSTS: &str = "accountHosts";

/// `ER_OPTION_PREVENTS_STATEMENT`: here, `strict_password_validation` refuses a hash.
const OPTION_PREVENTS: &str = "1290";
/// `ER_NOT_VALID_PASSWORD`, with which a policy of MariaDB's answers a hash.
const NOT_VALID_PASSWORD: &str = "1819";
/// `ER_CANNOT_USER`, with which `ALTER USER` and `CREATE USER` of MariaDB answer in both cases.
const CANNOT_USER: &str = "1396";
/// `ER_MISSING_CURRENT_PASSWORD`: MySQL wants the old password beside the new one.
const CURRENT_PASSWORD_REQUIRED: &str = "3892";

/// What a session can't do whose password has expired.
pub(crate) fn explain_expired(mut failure: Failure) -> Failure {
    if failure.code == MUST_CHANGE_PASSWORD {
        failure.message.push_str(
            ": the password is right but has expired, so the account can do nothing but change it",
        );
    }
    failure
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
        Some(pair) => alternating::change(
            &mut session,
            prepared.version,
            pair,
            &request.new_password,
            &request.actor,
        ),
        None if own_change => own(&mut session, &prepared, request),
        None => by_administrator(&mut session, prepared.version, request),
    });
    session.close();
    outcome
}

fn own(session: &mut Session, prepared: &Prepared, request: &ChangeRequest) -> Result<(), Failure> {
    let (password, version) = (&request.new_password, prepared.version);
    check_quotable(prepared, password)?;
    if request.keep_old_valid {
        dual::check(version)?;
        warn_of_clear(&request.username, &request.actor);
        return dual::own(session, request);
    }
    if version.mariadb {
        if prepared.is_own {
            check_only_password(session, version)?;
        }
        own_mariadb(session, request)
    } else {
        warn_of_clear(&request.username, &request.actor);
        let statement = |replace: &str| {
            format!("ALTER USER USER() IDENTIFIED BY {}{replace}", literal(password))
        };
        match session.secret(&statement(""), CHANGING) {
            Err(failure) if failure.code == CURRENT_PASSWORD_REQUIRED => {
                let replace = format!(" REPLACE {}", literal(&request.actor.password));
                session.secret(&statement(&replace), CHANGING)
            }
            outcome => outcome,
        }?;
        dual::end_own(session, version)
    }
}

/// Where the session could not be prepared, what a backslash or a character outside ASCII means is
/// not known, and a wrong guess would lock the account's owner out.
fn check_quotable(prepared: &Prepared, password: &str) -> Result<(), Failure> {
    if prepared.quoting || (password.is_ascii() && !password.contains('\\')) {
        return Ok(());
    }
    Err(Failure::unsupported(
        "the password has expired, and until it is changed the server lets nobody say how \
         backslashes and characters outside ASCII are meant: exclude them from the new password",
    ))
}

/// `SET PASSWORD` changes the first method of an account, and an ordinary user may say nothing else:
/// the old password would go on to sign in by the second one.
fn check_only_password(session: &mut Session, version: Version) -> Result<(), Failure> {
    // What can't be read is not in the way: the method of the sign-in is known.
    let Ok(own) = Account::own(session, version)? else { return Ok(()) };
    if own.identities.iter().filter(|identity| identity.has_password()).count() < 2 {
        return Ok(());
    }
    Err(Failure::declined(
        "the account has several methods with a password, and may change that of one only: let an \
         administrator change it (\"masterarn\" in the secret)",
    ))
}

fn own_mariadb(session: &mut Session, request: &ChangeRequest) -> Result<(), Failure> {
    let password = &request.new_password;
    let hash = match session.method {
        Method::Native => scramble::native_hash(password),
        Method::Ed25519 => scramble::ed25519_hash(password),
        Method::Parsec => parsec::hash(password),
        Method::CachingSha2 => shacrypt::hash(password),
        Method::Sha256 => {
            return Err(Failure::protocol("MariaDB asked for a method that it does not have"));
        }
    };
    match session.secret(&format!("SET PASSWORD = {}", literal(&hash)), CHANGING) {
        Err(failure) if wants_clear(&failure) => {
            warn_of_clear(&request.username, &request.actor);
            session.secret(&format!("SET PASSWORD = PASSWORD({})", literal(password)), CHANGING)
        }
        outcome => outcome,
    }
}

fn by_administrator(
    session: &mut Session,
    version: Version,
    request: &ChangeRequest,
) -> Result<(), Failure> {
    let accounts = accounts_named(session, version, &[&request.username])?;
    match (accounts.as_slice(), request.actor.field(ACCOUNT_HOSTS)) {
        ([], _) => {
            return Err(Failure::declined(format!("there is no account {:?}", request.username)));
        }
        ([_], _) | (_, Some("all")) => {}
        (_, Some(other)) => {
            return Err(Failure::invalid_secret(format!(
                "the admin secret's {ACCOUNT_HOSTS:?} is {other:?}; \"all\" is what it may be"
            )));
        }
        (several, None) => {
            let names: Vec<_> = several.iter().map(AccountName::quoted).collect();
            return Err(Failure::declined(format!(
                "there are several accounts of that name: {}; drop those that are not used, or \
                 set {ACCOUNT_HOSTS:?} to \"all\" in the admin secret to give all of them the same \
                 password",
                names.join(", ")
            )));
        }
    }
    let mut targets = Vec::new();
    for name in accounts {
        let account = Account::of(session, version, &name)?;
        targets.push(Target { name, identities: account.identities });
    }
    if request.keep_old_valid {
        dual::check(version)?;
        warn_of_clear(&request.username, &request.actor);
        return dual::by_administrator(session, &targets, request);
    }
    targets.retain(|target| target.accepts(&request.new_password) != Some(true));
    set_passwords(session, version, &targets, &request.new_password, &request.actor)
}

/// An account that gets a password, and how it is to sign in.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: AccountName,
    pub(crate) identities: Vec<Identity>,
}

impl Target {
    /// Whether the account has this password, the first if it has two; `None` where that can't be
    /// told.
    pub(crate) fn accepts(&self, password: &str) -> Option<bool> {
        let mut passwords = self.identities.iter().filter(|identity| identity.has_password());
        passwords.try_fold(true, |all, identity| Some(all && identity.accepts(password)?))
    }
}

/// Gives all of them the password, in one statement: MySQL does all of it or nothing.
pub(crate) fn set_passwords(
    session: &mut Session,
    version: Version,
    targets: &[Target],
    password: &str,
    actor: &Login,
) -> Result<(), Failure> {
    let Some(first) = targets.first() else { return Ok(()) };
    for target in targets {
        check_method(target)?;
    }
    let statement = |form| -> Result<String, Failure> {
        let one = |target: &Target| {
            let identified = match target.identities.first() {
                Some(identity) if !version.mariadb => identified_mysql(&identity.plugin, password),
                _ => identified_mariadb(&target.identities, password, form)?,
            };
            Ok(format!("{} {identified}", target.name.quoted()))
        };
        let all = targets.iter().map(one).collect::<Result<Vec<_>, Failure>>()?;
        Ok(format!("ALTER USER {}", all.join(", ")))
    };
    if !version.mariadb {
        warn_of_clear(&first.name.user, actor);
    }
    let outcome = match session.secret(&statement(Form::Hash)?, CHANGING) {
        Err(failure) if version.mariadb && wants_clear(&failure) => {
            warn_of_clear(&first.name.user, actor);
            session.secret(&statement(Form::Clear)?, CHANGING)
        }
        outcome => outcome,
    };
    outcome.map_err(|failure| explain_denied(failure, ADMIN_DENIED))?;
    dual::end(session, version, targets)
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
        // It is told in messages, and no account is at such a host.
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
    Err(Failure::declined(format!(
        "the account {} signs in with {}, so it has no password that could be changed here",
        target.name.quoted(),
        plugins.join(", ")
    )))
}

/// Says so where the new password goes through the network in clear, which only the operator's own
/// word allows.
fn warn_of_clear(username: &str, actor: &Login) {
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

/// Whether MariaDB may have refused a hash because it was none of the password itself.
pub(crate) fn wants_clear(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), OPTION_PREVENTS | NOT_VALID_PASSWORD | CANNOT_USER)
}

/// What an administrator lacks.
pub(crate) const ADMIN_DENIED: &str = "the administrator needs CREATE USER and SELECT on the \
                                       database mysql; on MySQL also SYSTEM_USER for an account \
                                       that has it";

/// Adds what to do where the account may not.
pub(crate) fn explain_denied(mut failure: Failure, hint: &str) -> Failure {
    if is_denied(&failure) {
        failure.message = format!("{}: {hint}", failure.message);
    }
    failure
}

/// Whether the server said that this account may not do it.
pub(crate) fn is_denied(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "1044" | "1045" | "1142" | "1227" | "1370" | "1410" | "1698")
}
