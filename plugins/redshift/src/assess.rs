//! What stands in the way of a change, found out without changing anything; and the mark of a pair.
//!
//! One sign-in and one transaction that can only read. `mark_pair` makes the clone a member of the group
//! that `pairs` looks for, and nothing else.

use windlass_postgres_wire::{Session, Value, literal, printable};
use windlass_sdk::{AssessRequest, Assessment, Failure, Finding, Pair, PairState, clean};

use crate::alternating::{self, DENIED};
use crate::catalog::{self, Access, Catalog};
use crate::pairs;
use crate::product::{PRODUCT, check_name, identifier, sign_in};
use crate::rights;

/// See `windlass:plugin/assessment`.
pub(crate) fn assess(request: &AssessRequest) -> Result<Assessment, Failure> {
    let pair = pair_of(request)?;
    let (mut session, _) = sign_in(&request.actor)?;
    let outcome = read(&mut session, request, pair.as_ref());
    session.close();
    outcome
}

/// See `windlass:plugin/assessment`.
pub(crate) fn mark_pair(request: &AssessRequest) -> Result<(), Failure> {
    let pair = pair_of(request)?.ok_or_else(|| {
        Failure::unsupported("a single account is not a pair, so it was not marked")
    })?;
    let (mut session, _) = sign_in(&request.actor)?;
    let outcome = mark(&mut session, &pair);
    session.close();
    outcome
}

fn pair_of(request: &AssessRequest) -> Result<Option<Pair>, Failure> {
    check_name(&request.username, "the name of the account")?;
    let current = request.clone_of.as_deref();
    current.map(|current| PRODUCT.dialect.pair_of(current, &request.username)).transpose()
}

fn mark(session: &mut Session, pair: &Pair) -> Result<(), Failure> {
    const OPERATION: &str = "marking the pair";
    let catalog = catalog::begin(session, Access::Write)?;
    let accounts = alternating::read(session, &catalog, pair, &[], OPERATION)?.accounts;
    for (name, account) in [(&pair.base, &accounts.base), (&pair.clone, &accounts.clone)] {
        if account.is_none() {
            return Err(Failure::declined(format!(
                "the user {name:?} does not exist and can't be marked"
            )));
        }
    }
    if accounts.clone.as_ref().is_some_and(|clone| clone.marked) {
        return Ok(());
    }
    let statements = format!("{}; COMMIT", pairs::mark(pair, &accounts)?.join("; "));
    let answer = session.run(&statements, OPERATION).map_err(|failure| {
        if failure.code == "42501" { failure.with_remedy(DENIED) } else { failure }
    })?;
    if answer.last == "COMMIT" {
        Ok(())
    } else {
        Err(Failure::protocol(format!("{OPERATION}: the server did not commit")))
    }
}

fn read(
    session: &mut Session,
    request: &AssessRequest,
    pair: Option<&Pair>,
) -> Result<Assessment, Failure> {
    const OPERATION: &str = "reading what the users may do";
    let catalog = catalog::begin(session, Access::Read)?;
    let actor = Actor::read(session, &catalog, OPERATION)?;
    let is_own = pair.is_none() && request.actor.username == request.username;
    let mut lacks = Vec::from_iter(actor.lacks(is_own, pair.is_some())?);
    if pair.is_none() {
        lacks.extend(missing(session, &request.username, OPERATION)?);
    }
    let mut assessment =
        Assessment { session: clean(&actor.name), lacks, pair: None, differences: Vec::new() };
    if let Some(pair) = pair {
        of_pair(&mut assessment, session, &catalog, pair, OPERATION)?;
    }
    assessment.lacks = Finding::bounded(assessment.lacks.into_iter().map(printable));
    assessment.differences = Finding::bounded(assessment.differences.into_iter().map(printable));
    Ok(assessment)
}

fn of_pair(
    assessment: &mut Assessment,
    session: &mut Session,
    catalog: &Catalog,
    pair: &Pair,
    operation: &str,
) -> Result<(), Failure> {
    let state = alternating::read(session, catalog, pair, &[], operation)?;
    let Some(base) = &state.accounts.base else {
        assessment.lacks.push(no_user(&pair.base));
        assessment.pair = Some(PairState::Absent);
        return Ok(());
    };
    if base.superuser {
        let finding = Finding::new(format!(
            "{:?} is a superuser, so no second user is made its equal",
            pair.base
        ));
        let remedy = "use the strategy single-user, in which it changes its own password";
        assessment.lacks.push(finding.with_remedy(remedy));
    }
    let Some(clone) = &state.accounts.clone else {
        assessment.pair = Some(PairState::Absent);
        return Ok(());
    };
    let difference = rights::compare(&state.objects, pair, catalog.is_redshift())?;
    let doubts = pairs::doubts(pair, base, clone, &difference)?;
    assessment.pair = Some(match (clone.marked, doubts.is_empty()) {
        (true, _) => PairState::Marked,
        (false, true) => PairState::Equal,
        (false, false) => PairState::Different,
    });
    assessment.differences = match clone.marked {
        true => pairs::differences(pair, base, clone, &difference)?,
        false => doubts,
    };
    if clone.superuser {
        let finding = Finding::new(format!("{:?} is a superuser", pair.clone));
        let remedy = format!("ALTER USER {} NOCREATEUSER", identifier(&pair.clone)?);
        assessment.lacks.push(finding.with_remedy(remedy));
    }
    Ok(())
}

/// Who the session is.
struct Actor {
    name: String,
    superuser: bool,
    /// Whether it has a role, which may hold the permission to change users.
    has_role: bool,
}

impl Actor {
    fn read(session: &mut Session, catalog: &Catalog, operation: &str) -> Result<Self, Failure> {
        let roles = if catalog.has("svv_user_grants", "admin_option") {
            "SELECT role_name FROM svv_user_grants WHERE user_name = current_user"
        } else {
            "SELECT NULL WHERE 1 = 0"
        };
        let queries = format!(
            "SELECT session_user, usesuper FROM pg_user WHERE usename = current_user; {roles}"
        );
        let tables = session.run(&queries, operation)?.tables;
        let row: Option<&Vec<Value>> = tables.first().and_then(|rows| rows.first());
        let Some([Some(name), Some(superuser)]) = row.map(Vec::as_slice) else {
            return Err(Failure::protocol("the server's catalog has no row for the session"));
        };
        let has_role = tables.get(1).is_some_and(|rows| !rows.is_empty());
        Ok(Self { name: name.clone(), superuser: superuser.starts_with(['t', 'T']), has_role })
    }

    fn lacks(&self, is_own: bool, is_pair: bool) -> Result<Option<Finding>, Failure> {
        if self.superuser || is_own || (self.has_role && !is_pair) {
            return Ok(None);
        }
        let user = identifier(&self.name)?;
        let finding = if is_pair {
            Finding::new(format!("{:?} is not a superuser", self.name))
                .with_remedy(format!("ALTER USER {user} CREATEUSER"))
        } else {
            Finding::new(format!(
                "{:?} is not a superuser and has no role with ALTER USER",
                self.name
            ))
            .with_remedy(format!("GRANT ROLE sys:secadmin TO {user}"))
        };
        Ok(Some(finding))
    }
}

fn missing(
    session: &mut Session,
    username: &str,
    operation: &str,
) -> Result<Option<Finding>, Failure> {
    let query = format!("SELECT 1 FROM pg_user WHERE usename = {}", literal(username)?);
    let tables = session.run(&query, operation)?.tables;
    Ok(tables.iter().all(Vec::is_empty).then(|| no_user(username)))
}

fn no_user(name: &str) -> Finding {
    Finding::new(format!("there is no user {name:?}"))
        .with_remedy("set \"username\" in the secret to a user that exists")
}
