//! The comparison: what has to be said so that the clone's rights are the base's.
//!
//! What the base may do as an owner is granted to the clone. What the clone owns is left to it, with
//! a finding. A privilege whose letter this plugin does not know is never guessed: what the clone has too
//! much is taken all the same, what it lacks is reported.

use std::collections::{BTreeMap, BTreeSet};

use windlass_sdk::{Failure, Pair};

use super::{Kind, OBJECTS_AT_ONCE, Object};
use crate::acl::{Privileges, granted};
use crate::product::{identifier, known};

/// What has to be done, and what can't.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What is taken from the clone, then what it is given.
    pub(crate) statements: Vec<String>,
    /// Whether the base has any right at all.
    pub(crate) base_has_rights: bool,
    /// What the clone owns.
    pub(crate) owned_by_clone: Vec<String>,
    /// What the base owns.
    pub(crate) owned_by_base: Vec<String>,
    /// Whether the base may grant a right on.
    pub(crate) base_may_grant: bool,
    /// Privileges of the base's that are not known.
    pub(crate) unknown: BTreeSet<String>,
    /// Default privileges of the base's own.
    pub(crate) own_defaults: bool,
    /// Objects on which the clone's rights differ, and how.
    pub(crate) differing: Vec<Differing>,
}

/// An object on which the clone's rights differ.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Differing {
    pub(crate) object: String,
    /// What the clone has too much, or lacks.
    pub(crate) how: String,
    /// What makes it the same.
    pub(crate) statements: Vec<String>,
}

/// One kind of statement, and the objects that it is about.
type Steps = BTreeMap<(String, String), Vec<String>>;

/// Compares, and writes what makes the clone's rights equal to the base's.
pub(crate) fn compare(
    objects: &[Object],
    pair: &Pair,
    redshift: bool,
) -> Result<Difference, Failure> {
    let clone = identifier(&pair.clone)?;
    let mut difference = Difference::default();
    let (mut taken, mut given) = (Steps::new(), Steps::new());
    for object in objects {
        let Some([wanted, actual]) = difference.looked_at(object, pair)? else { continue };
        let parts = ByStatement::new(object, &wanted, actual, redshift, &mut difference.unknown);
        let (name, what) = object.written()?;
        let mut differing =
            Differing { object: object.shown(), how: String::new(), statements: Vec::new() };
        for (how, verb, parts, option) in parts.each() {
            let (steps, to) = match verb {
                "GRANT" => (&mut given, "TO"),
                _ => (&mut taken, "FROM"),
            };
            let head = format!("{what}{verb} {} ON {}", parts.list(object)?, object.noun());
            let tail = format!(" {to} {clone}{option}");
            differing.add(how, parts, format!("{head}{name}{tail}"));
            steps.entry((head, tail)).or_default().push(name.clone());
        }
        if !differing.statements.is_empty() {
            difference.differing.push(differing);
        }
    }
    for ((head, tail), names) in taken.iter().chain(&given) {
        for names in names.chunks(OBJECTS_AT_ONCE) {
            difference.statements.push(format!("{head}{}{tail}", names.join(", ")));
        }
    }
    Ok(difference)
}

impl Difference {
    /// What the base has on an object, and what the clone; `None` for what is left as it is.
    fn looked_at(
        &mut self,
        object: &Object,
        pair: &Pair,
    ) -> Result<Option<[Privileges; 2]>, Failure> {
        if object.owner == pair.clone && object.kind != Kind::Default {
            self.owned_by_clone.push(object.shown());
            return Ok(None);
        }
        if object.kind == Kind::Default && [&pair.base, &pair.clone].contains(&&object.owner) {
            self.own_defaults |= object.owner == pair.base;
            return Ok(None);
        }
        let [mut wanted, actual] =
            granted(&object.list, [&*pair.base, &*pair.clone]).ok_or_else(|| {
                Failure::protocol(format!("the rights on {} can't be read", object.shown()))
            })?;
        self.base_may_grant |= wanted.values().any(|may_grant| *may_grant);
        if object.owner == pair.base {
            self.owned_by_base.push(object.shown());
            wanted = object.of_owner();
        }
        self.base_has_rights |= !wanted.is_empty();
        Ok(Some([wanted, actual]))
    }
}

/// What of one object is to be taken and given, by the statement that does it.
#[derive(Debug, Default)]
struct ByStatement {
    revoke: Parts,
    revoke_option: Parts,
    grant: Parts,
    grant_with_option: Parts,
}

impl ByStatement {
    fn new(
        object: &Object,
        wanted: &Privileges,
        mut actual: Privileges,
        redshift: bool,
        unknown: &mut BTreeSet<String>,
    ) -> Self {
        let mut parts = Self::default();
        let mut unknown = |letter: &char| {
            unknown.insert(format!("{letter:?} on {}", object.shown()));
        };
        // What can't be named is taken with all the rest, and the rest is given back.
        let is_nameless = |letter: &char| object.privilege(*letter, redshift).is_none();
        if actual.keys().any(|letter| is_nameless(letter) && !wanted.contains_key(letter)) {
            parts.revoke.push("ALL PRIVILEGES");
            actual.clear();
        }
        for (letter, may_grant) in &actual {
            match (object.privilege(*letter, redshift), wanted.get(letter)) {
                (Some(privilege), None) => parts.revoke.push(privilege),
                (Some(privilege), Some(false)) if *may_grant => parts.revoke_option.push(privilege),
                (None, Some(false)) if *may_grant => unknown(letter),
                _ => {}
            }
        }
        let is_missing = |letter: &char, may_grant: bool| {
            !actual.get(letter).is_some_and(|there| *there || !may_grant)
        };
        let missing: Vec<_> =
            wanted.iter().filter(|(letter, may_grant)| is_missing(letter, **may_grant)).collect();
        let all = object.all(redshift).filter(|all| {
            all.chars().eq(wanted.keys().copied())
                && missing.iter().any(|(letter, _)| is_nameless(letter))
        });
        match all.and(wanted.values().next()) {
            Some(may_grant) if wanted.values().all(|one| one == may_grant) => {
                parts.given(*may_grant).push("ALL PRIVILEGES");
            }
            _ => {
                for (letter, may_grant) in missing {
                    match object.privilege(*letter, redshift) {
                        None => unknown(letter),
                        Some(privilege) => parts.given(*may_grant).push(privilege),
                    }
                }
            }
        }
        parts
    }

    fn given(&mut self, may_grant: bool) -> &mut Parts {
        if may_grant { &mut self.grant_with_option } else { &mut self.grant }
    }

    /// What there is to do: in words, its verb, the privileges, and what stands at the end.
    fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, &Parts, &'static str)> {
        [
            ("has too much:", "REVOKE", &self.revoke, ""),
            ("may grant", "REVOKE GRANT OPTION FOR", &self.revoke_option, ""),
            ("lacks", "GRANT", &self.grant, ""),
            ("may not grant", "GRANT", &self.grant_with_option, " WITH GRANT OPTION"),
        ]
        .into_iter()
        .filter(|(_, _, parts, _)| !parts.0.is_empty())
    }
}

impl Differing {
    fn add(&mut self, how: &str, parts: &Parts, statement: String) {
        let apart = if self.how.is_empty() { "" } else { ", " };
        self.how.push_str(&format!("{apart}{how} {}", parts.0.join(", ")));
        self.statements.push(statement);
    }
}

/// Privileges of one statement.
#[derive(Debug, Default)]
struct Parts(Vec<&'static str>);

impl Parts {
    fn push(&mut self, privilege: &'static str) {
        self.0.push(privilege);
    }

    fn list(&self, object: &Object) -> Result<String, Failure> {
        if object.kind != Kind::Column {
            return Ok(self.0.join(", "));
        }
        let column = known(&object.detail)?;
        let parts: Vec<_> = self.0.iter().map(|one| format!("{one} ({column})")).collect();
        Ok(parts.join(", "))
    }
}
