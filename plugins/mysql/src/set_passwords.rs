//! One password for one or several accounts, in one statement.

use windlass_sdk::{ChangeRequest, Failure};

use crate::dual;
use crate::errors::CHANGING;
use crate::policy::{self, NewPassword};
use crate::session::Session;
use crate::stored::{all_accept, identified_mariadb, identified_mysql, same_methods};
use crate::target::{ADMIN_DENIED, Target, check_method, explain_denied, warn_of_clear};
use crate::version::Version;

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
    let password = NewPassword::new(request);
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
