//! In what two accounts of a pair differ, each difference with the statement that ends it.

use windlass_sdk::Finding;

use crate::grants::role_name;
use crate::half::{Half, Place};
use crate::quote::{NAMED_MAX, REMEDY_MAX, for_people};
use crate::stored::Identity;
use crate::version::Version;

/// Everything in which the clone at this host is not the base's equal. What only a turn can end has no
/// statement.
pub(crate) fn differences(place: &Place, version: Version) -> Vec<Finding> {
    let (base, who) = (&place.base, place.clone_name.quoted());
    let Some(clone) = &place.clone else {
        return vec![found(&format!("there is no {who}"), "")];
    };
    let of_base = base.name.quoted();
    let mut all = Vec::new();
    for step in base.grants.changes_from(&clone.grants, &who) {
        let text = match &step.gives {
            Some(_) => format!("{who} lacks {}", step.about),
            None => format!("{who} has {}, which {of_base} has not", step.about),
        };
        let mode = if step.in_oracle_mode { "SET sql_mode = 'ORACLE'; " } else { "" };
        all.push(found(&text, &format!("{mode}{}", step.statement)));
    }
    for statement in default_roles(version, base, clone, &who) {
        let text = format!("{who} has other default roles than {of_base}");
        all.push(found(&text, &statement));
    }
    for change in base.account.attributes.changes_of(&clone.account.attributes) {
        let text = format!("{who} has {}, {of_base} has {}", change.before(), change.after());
        all.push(found(&text, &format!("ALTER USER {who} {}", change.clause())));
    }
    if base.account.locked != clone.account.locked {
        let locked = if clone.account.locked { &who } else { &of_base };
        let statement = format!("ALTER USER {locked} ACCOUNT UNLOCK");
        all.push(found(&format!("{locked} is locked"), &statement));
    }
    let [methods, others] = [base, clone].map(|half| methods(&half.account.identities));
    if methods != others {
        let text = format!("{of_base} signs in with {methods}, {who} with {others}");
        all.push(found(&text, ""));
    }
    all
}

/// The statements that give the clone the base's default roles.
pub(crate) fn default_roles(version: Version, base: &Half, clone: &Half, who: &str) -> Vec<String> {
    let wanted = &base.grants.default_roles;
    if *wanted == clone.grants.default_roles {
        return Vec::new();
    }
    let names: Vec<_> = wanted.iter().map(role_name).collect();
    let names = if names.is_empty() { "NONE".to_owned() } else { names.join(", ") };
    vec![if version.mariadb {
        format!("SET DEFAULT ROLE {names} FOR {who}")
    } else {
        format!("ALTER USER {who} DEFAULT ROLE {names}")
    }]
}

/// The statements that end these, for people.
pub(crate) fn statements(findings: &[Finding]) -> String {
    let known = findings.iter().map(|it| it.remedy.as_str()).filter(|remedy| !remedy.is_empty());
    for_people(&known.collect::<Vec<_>>().join("; "), REMEDY_MAX)
}

/// How many of these a message names.
const NAMED: usize = 5;

/// The first of them as one text, and how many more there are.
pub(crate) fn in_short(findings: &[Finding]) -> String {
    let named: Vec<_> = findings.iter().take(NAMED).map(|it| it.text.as_str()).collect();
    let more = findings.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    for_people(&named.join("; "), NAMED_MAX) + &more
}

/// Something about accounts whose names may be any text.
pub(crate) fn found(text: &str, remedy: &str) -> Finding {
    Finding::new(for_people(text, NAMED_MAX)).with_remedy(for_people(remedy, REMEDY_MAX))
}

fn methods(identities: &[Identity]) -> String {
    identities.iter().map(|identity| identity.plugin.as_str()).collect::<Vec<_>>().join(", ")
}
