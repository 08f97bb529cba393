//! What stands in the way of a change, found out without changing anything; and the mark of a pair.
//!
//! One sign-in and one transaction that can only read. What is looked at is what a change needs: who
//! the session is and what it may do, whether the account signs in at all, and, of alternating users,
//! what shows that the two are a pair and in what they differ.
//!
//! `mark_pair` writes the comment that `proof` looks for, and nothing else.

use windlass_postgres_wire::{Session, Value, literal, printable};
use windlass_sdk::{AssessRequest, Assessment, Failure, Finding, Login, Pair, PairState, clean};

use crate::alternating;
use crate::facts::Facts;
use crate::names::{DIALECT, check_name, identifier};
use crate::product::READ_ONLY;
use crate::proof;
use crate::role::flag;
use crate::sign_in::sign_in;
use crate::transaction::{Access, RunAs, begin, commit_plain};

/// The numbers of the versions from which on an administrator needs the admin option.
const ADMIN_OPTION: u32 = 160_000;

/// The number of the first version in which a setting can be granted.
const PARAMETER_PRIVILEGES: u32 = 150_000;

/// See `windlass:plugin/assessment`.
pub(crate) fn assess(request: &AssessRequest) -> Result<Assessment, Failure> {
    let pair = pair_of(request)?;
    let mut session = sign_in(&request.actor)?;
    let outcome = read(&mut session, request, pair.as_ref());
    session.close();
    outcome
}

/// See `windlass:plugin/assessment`.
pub(crate) fn mark_pair(request: &AssessRequest) -> Result<(), Failure> {
    let pair = pair_of(request)?.ok_or_else(|| {
        Failure::unsupported("a single account is not a pair, so it was not marked")
    })?;
    let mut session = sign_in(&request.actor)?;
    let outcome = mark(&mut session, &request.actor, &pair);
    session.close();
    outcome
}

fn pair_of(request: &AssessRequest) -> Result<Option<Pair>, Failure> {
    check_name(&request.username, "the name of the account")?;
    let current = request.clone_of.as_deref();
    current.map(|current| DIALECT.pair_of(current, &request.username)).transpose()
}

fn mark(session: &mut Session, actor: &Login, pair: &Pair) -> Result<(), Failure> {
    let queries = Facts::queries(pair)?;
    let begun = begin(session, RunAs::Configured, Access::Write, &queries)?;
    let facts = Facts::read(begun.tables, pair)?;
    for (name, role) in [(&pair.base, &facts.base), (&pair.clone, &facts.clone)] {
        if role.is_none() {
            return Err(Failure::declined(format!(
                "the role {name:?} does not exist and can't be marked"
            )));
        }
    }
    let Some(clone) = &facts.clone else { return Ok(()) };
    if proof::is_marked(pair, clone)? {
        return Ok(());
    }
    let Some(statement) = proof::mark(pair, clone.comment.as_deref())? else {
        return Err(Failure::declined(format!(
            "the comment on the role {:?} holds bytes that are not UTF-8 and can't be kept",
            pair.clone
        ))
        .with_remedy(proof::remedy(pair, None)?));
    };
    let denied = format!(
        "as a superuser: {statement}; or enable the administrator to do it: ALTER ROLE {} CREATEROLE, and \
         from PostgreSQL 16 on GRANT {} TO {0} WITH ADMIN OPTION",
        identifier(&actor.username)?,
        identifier(&pair.clone)?
    );
    commit_plain(session, &[statement], "marking the pair", &denied)
}

fn read(
    session: &mut Session,
    request: &AssessRequest,
    pair: Option<&Pair>,
) -> Result<Assessment, Failure> {
    let accounts: Vec<&str> = match pair {
        Some(pair) => vec![&pair.base, &pair.clone],
        None => vec![&request.username],
    };
    let is_own = pair.is_none() && request.actor.username == request.username;
    let queries = queries(&accounts, pair)?;
    let run_as = if is_own { RunAs::SignedIn } else { RunAs::Configured };
    let begun = begin(session, run_as, Access::Read, &queries)?;
    let version = begun.version;
    let unreadable = || Failure::protocol("the server's catalog can't be read");
    let mut tables = begun.tables.into_iter();
    let mut actor = tables.next().and_then(|rows| rows.into_iter().next());
    let actor = actor.take().and_then(|row| Actor::read(&row)).ok_or_else(unreadable)?;
    let rows = tables.next().ok_or_else(unreadable)?;
    let found: Vec<Account> =
        rows.iter().map(|row| Account::read(row)).collect::<Option<_>>().ok_or_else(unreadable)?;

    let mut lacks = Vec::new();
    for name in accounts {
        let account = found.iter().find(|account| account.name == name);
        // A clone that is not there is made.
        let may_be_absent = pair.is_some_and(|pair| pair.clone == name);
        match account {
            Some(account) => lacks.extend(account.lacks(may_be_absent)?),
            None if may_be_absent => {}
            None => lacks.push(finding(
                format!("there is no role {name:?}"),
                "set \"username\" in the secret to a role that exists",
            )),
        }
    }
    lacks.extend(actor.lacks(is_own, &found, version)?);
    let mut assessment =
        Assessment { session: clean(&actor.session), lacks, pair: None, differences: Vec::new() };
    if let Some(pair) = pair {
        let mut facts = Facts::read(tables.collect(), pair)?;
        if version >= PARAMETER_PRIVILEGES && !actor.superuser {
            leave_out_granted(session, &mut facts)?;
        }
        of_pair(&mut assessment, pair, &facts, &actor.current, actor.superuser, version)?;
    }
    assessment.lacks = Finding::bounded(assessment.lacks.into_iter().map(printable));
    assessment.differences = Finding::bounded(assessment.differences.into_iter().map(printable));
    Ok(assessment)
}

/// About the session, about the accounts, about the pair.
fn queries(accounts: &[&str], pair: Option<&Pair>) -> Result<String, Failure> {
    let names: Vec<String> = accounts.iter().map(|name| literal(name)).collect::<Result<_, _>>()?;
    Ok(format!(
        "SELECT session_user, current_user, rolsuper, rolcreaterole, pg_is_in_recovery(), \
         current_setting('rds.restrict_password_commands', true) IN ('on', '1') AND NOT EXISTS \
         (SELECT FROM pg_roles g WHERE g.rolname = 'rds_password' \
         AND pg_has_role(g.oid, 'MEMBER')) FROM pg_roles WHERE rolname = current_user; \
         SELECT rolname, rolcanlogin, coalesce(NOT rolvaliduntil > now(), false), rolsuper, \
         pg_has_role(oid, 'MEMBER WITH ADMIN OPTION') FROM pg_roles WHERE rolname IN ({}); {}",
        names.join(", "),
        pair.map(Facts::queries).transpose()?.unwrap_or_default()
    ))
}

/// Leaves out the settings that this administrator may make without being a superuser.
fn leave_out_granted(session: &mut Session, facts: &mut Facts) -> Result<(), Failure> {
    if facts.superuser_settings.is_empty() {
        return Ok(());
    }
    let names: Vec<String> =
        facts.superuser_settings.iter().map(|name| literal(name)).collect::<Result<_, _>>()?;
    let query = format!(
        "SELECT name FROM unnest(ARRAY[{}]) name WHERE has_parameter_privilege(name, 'SET')",
        names.join(", ")
    );
    let answer = session.run(&query, "reading the catalog")?;
    for name in answer.tables.into_iter().flatten().flatten().flatten() {
        facts.superuser_settings.remove(&name);
    }
    Ok(())
}

fn of_pair(
    assessment: &mut Assessment,
    pair: &Pair,
    facts: &Facts,
    administrator: &str,
    superuser: bool,
    version: u32,
) -> Result<(), Failure> {
    let administrator = identifier(administrator)?;
    let remedy = alternating::superuser_settings(pair, facts, &administrator, version)?;
    if let Some(remedy) = remedy.filter(|_| !superuser) {
        let names: Vec<&str> = facts.superuser_settings.iter().map(String::as_str).collect();
        let names = clean(&names.join(", "));
        let text = format!("only a superuser may set {names} for {:?}", pair.clone);
        assessment.lacks.push(Finding { text, remedy });
    }
    let (Some(base), Some(clone)) = (&facts.base, &facts.clone) else {
        assessment.pair = Some(PairState::Absent);
        return Ok(());
    };
    let doubts = proof::doubts(pair, facts, base, clone)?;
    assessment.pair = Some(match (proof::is_marked(pair, clone)?, doubts.is_empty()) {
        (true, _) => PairState::Marked,
        (false, true) => PairState::Equal,
        (false, false) => PairState::Different,
    });
    assessment.differences = doubts;
    assessment.differences.extend(alternating::differences(pair, facts, base, clone)?);
    Ok(())
}

/// Who the session is.
struct Actor {
    session: String,
    current: String,
    superuser: bool,
    create_role: bool,
    standby: bool,
    /// On RDS: passwords may not be changed by it.
    restricted: bool,
}

impl Actor {
    fn read(row: &[Value]) -> Option<Self> {
        let [session, current, superuser, create_role, standby, restricted] = row else {
            return None;
        };
        Some(Self {
            session: session.clone()?,
            current: current.clone()?,
            superuser: flag(superuser)?,
            create_role: flag(create_role)?,
            standby: flag(standby)?,
            // Unknown outside of RDS.
            restricted: restricted.as_deref() == Some("t"),
        })
    }

    fn lacks(
        &self,
        is_own: bool,
        accounts: &[Account],
        version: u32,
    ) -> Result<Vec<Finding>, Failure> {
        let mut lacks = Vec::new();
        let role = identifier(&self.current)?;
        if self.standby {
            lacks.push(finding("the server is a standby and does not accept changes", READ_ONLY));
        }
        if self.restricted {
            lacks.push(finding(
                format!(
                    "{:?} may not change passwords (rds.restrict_password_commands)",
                    self.current
                ),
                format!("GRANT rds_password TO {role}"),
            ));
        }
        if is_own || self.superuser {
            return Ok(lacks);
        }
        if !self.create_role {
            lacks.push(finding(
                format!("{:?} has no CREATEROLE", self.current),
                format!("as a superuser, ALTER ROLE {role} CREATEROLE"),
            ));
        }
        for account in accounts {
            let of_account = identifier(&account.name)?;
            if account.superuser {
                lacks.push(finding(
                    format!(
                        "{:?} is a superuser, which {:?} may not change",
                        account.name, self.current
                    ),
                    format!("ALTER ROLE {of_account} NOSUPERUSER, or let a superuser be the administrator"),
                ));
            } else if version >= ADMIN_OPTION && !account.administered {
                lacks.push(finding(
                    format!("{:?} has no admin option on {:?}", self.current, account.name),
                    format!("as a superuser, GRANT {of_account} TO {role} WITH ADMIN OPTION"),
                ));
            }
        }
        Ok(lacks)
    }
}

/// An account whose password is to be changed.
struct Account {
    name: String,
    can_login: bool,
    expired: bool,
    superuser: bool,
    administered: bool,
}

impl Account {
    fn read(row: &[Value]) -> Option<Self> {
        let [name, can_login, expired, superuser, administered] = row else { return None };
        Some(Self {
            name: name.clone()?,
            can_login: flag(can_login)?,
            expired: flag(expired)?,
            superuser: flag(superuser)?,
            administered: flag(administered)?,
        })
    }

    /// A clone is made to sign in.
    fn lacks(&self, is_clone: bool) -> Result<Option<Finding>, Failure> {
        if is_clone {
            return Ok(None);
        }
        let refused = crate::role_change::check_signs_in(&self.name, self.can_login, self.expired);
        Ok(refused.err().map(|failure| Finding { text: failure.message, remedy: failure.remedy }))
    }
}

fn finding(text: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding::new(text).with_remedy(remedy)
}
