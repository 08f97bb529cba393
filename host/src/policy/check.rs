//! Whether policies that somebody else wrote allow what a rotation needs, and no more.

use std::collections::BTreeMap;

use super::covers::{Grant, about, covers, grants, is_of_action, unmet};
use super::document::{Document, Effect, Kind, Statement};
use super::foreign;
pub use super::foreign::PolicyProblem;
use super::needed::ATTACHED;

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A call of the rotation would be denied.
    Missing,
    /// More is allowed than the rotation needs.
    TooWide,
    /// It allows what is needed, in other words.
    WrittenDifferently,
}

impl Verdict {
    /// Its name, for people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooWide => "too wide",
            Self::WrittenDifferently => "written differently",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it is.
    pub verdict: Verdict,
    /// In which document.
    pub kind: Kind,
    /// What was found, and why.
    pub text: String,
}

/// A policy of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Which document it stands for.
    pub kind: Kind,
    statements: Vec<Statement>,
    inverted: Vec<usize>,
}

impl Other {
    /// Reads one. `kind` is what it is for; without one, what its statements say.
    ///
    /// # Errors
    /// If it is no policy.
    pub fn read(text: &str, kind: Option<Kind>) -> Result<Self, PolicyProblem> {
        let foreign::Foreign { kind: seen, statements, inverted } = foreign::read(text)?;
        Ok(Self { kind: kind.unwrap_or(seen), statements, inverted })
    }
}

/// Compares policies with the documents that they stand for. Several of one kind count together, as the
/// policies of one role do.
pub fn compare(needed: &[Document], others: &[Other]) -> Vec<Finding> {
    let mut by_kind: BTreeMap<Kind, Vec<&Other>> = BTreeMap::new();
    for other in others {
        by_kind.entry(other.kind).or_default().push(other);
    }
    let mut found = Vec::new();
    for document in needed {
        let Some(others) = by_kind.get(&document.kind) else { continue };
        let written: Vec<&Statement> = others.iter().flat_map(|one| &one.statements).collect();
        let comparison = Comparison { kind: document.kind, needed: &document.statements, written };
        comparison.missing(&mut found);
        comparison.too_wide(&mut found);
        for number in others.iter().flat_map(|one| &one.inverted) {
            found.push(comparison.finding(
                Verdict::TooWide,
                format!(
                    "statement {number} says what it is not about (NotAction, NotResource or \
                     NotPrincipal), which includes whatever AWS adds: name what the rotation needs instead"
                ),
            ));
        }
        if found.iter().all(|finding| finding.kind != document.kind) {
            comparison.differently(&mut found);
        }
    }
    found.sort();
    found.dedup();
    found
}

struct Comparison<'a> {
    kind: Kind,
    needed: &'a [Statement],
    written: Vec<&'a Statement>,
}

impl Comparison<'_> {
    fn finding(&self, verdict: Verdict, text: String) -> Finding {
        Finding { verdict, kind: self.kind, text }
    }

    fn with(&self, effect: Effect) -> impl Iterator<Item = &Statement> {
        self.written.iter().copied().filter(move |one| one.effect == effect)
    }

    /// What the rotation needs and nobody allows, or somebody denies.
    fn missing(&self, found: &mut Vec<Finding>) {
        let mut groups = Groups::default();
        for statement in self.needed.iter().filter(|one| one.effect == Effect::Allow) {
            for grant in grants(statement) {
                if let Some(why) = self.why_missing(grant) {
                    groups.add(grant, why);
                }
            }
        }
        found.extend(groups.texts().map(|text| self.finding(Verdict::Missing, text)));
    }

    fn why_missing(&self, grant: Grant<'_>) -> Option<String> {
        let allows = |grant| self.with(Effect::Allow).any(|statement| covers(statement, grant));
        if allows(grant)
            || (is_log(grant)
                && grants(grant.statement)
                    .any(|other| other.action == grant.action && allows(other)))
        {
            let denying = self.denying(grant)?;
            return Some(format!("{} denies it", denying.sid));
        }
        let near = self.with(Effect::Allow).find(|statement| about(statement, grant));
        Some(match near {
            Some(near) => {
                format!("{} allows it only under its condition on {}", near.sid, keys(near, grant))
            }
            None => grant.statement.why.clone(),
        })
    }

    /// A statement that denies it, and is not one that we would write.
    fn denying(&self, grant: Grant<'_>) -> Option<&Statement> {
        self.with(Effect::Deny).find(|statement| {
            let ours = |own: &&Statement| {
                own.effect == Effect::Deny && own.conditions == statement.conditions
            };
            about(statement, grant) && !self.needed.iter().any(|own| ours(&own))
        })
    }

    /// What is allowed and not needed.
    fn too_wide(&self, found: &mut Vec<Finding>) {
        for statement in self.with(Effect::Allow) {
            let mut groups = Groups::default();
            for grant in grants(statement) {
                if let Some(why) = self.why_wide(grant) {
                    groups.add(grant, why);
                }
            }
            let text = |text| format!("{} allows {text}", statement.sid);
            found.extend(groups.texts().map(|it| self.finding(Verdict::TooWide, text(it))));
        }
    }

    fn why_wide(&self, grant: Grant<'_>) -> Option<String> {
        let needed = || self.needed.iter().filter(|one| one.effect == Effect::Allow);
        if needed().any(|own| covers(own, grant) || is_attached(own, grant)) {
            return None;
        }
        if let Some(own) = needed().find(|own| about(own, grant)) {
            return Some(format!("without the condition on {} that ours has", keys(own, grant)));
        }
        let alike: Vec<_> = needed().filter(|own| is_of_action(own, grant)).collect();
        let wanted = alike.iter().map(|own| &own.principal);
        if !alike.is_empty() && wanted.into_iter().all(|own| *own != grant.statement.principal) {
            return Some("for somebody else than who needs it".to_owned());
        }
        let resources = alike.iter().flat_map(|own| &own.resources);
        let resources: Vec<_> = resources.map(|one| format!("`{one}`")).collect();
        Some(if !resources.is_empty() {
            format!("the rotation needs it on {} alone", resources.join(", "))
        } else if grant.action.contains(['*', '?']) {
            "name the actions that are needed".to_owned()
        } else {
            "the rotation makes no such call".to_owned()
        })
    }

    fn differently(&self, found: &mut Vec<Finding>) {
        let plain = |statements: Vec<&Statement>| {
            let mut all: Vec<_> = statements
                .into_iter()
                .map(|one| {
                    let mut own =
                        Statement { sid: String::new(), why: String::new(), ..one.clone() };
                    own.actions.sort();
                    own.resources.sort();
                    // AWS's own commands write `AWS:SourceAccount`: keys have no case.
                    own.conditions.iter_mut().for_each(|one| one.key.make_ascii_lowercase());
                    own.conditions.sort_by(|one, other| one.key.cmp(&other.key));
                    format!("{own:?}")
                })
                .collect();
            all.sort();
            all
        };
        if plain(self.needed.iter().collect()) != plain(self.written.clone()) {
            let text =
                "it allows what the rotation needs and no more, in other statements than ours";
            found.push(self.finding(Verdict::WrittenDifferently, text.to_owned()));
        }
    }
}

/// Grants that have the same said about them.
#[derive(Default)]
struct Groups<'a>(BTreeMap<(String, &'a str), Vec<&'a str>>);

impl<'a> Groups<'a> {
    fn add(&mut self, grant: Grant<'a>, why: String) {
        self.0.entry((why, grant.resource)).or_default().push(grant.action);
    }

    fn texts(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|((why, resource), actions)| {
            let actions: Vec<_> = actions.iter().map(|action| format!("`{action}`")).collect();
            let on = if resource.is_empty() { String::new() } else { format!(" on `{resource}`") };
            format!("{}{on}: {why}", actions.join(", "))
        })
    }
}

/// The keys of the conditions that the grant does not meet.
fn keys(statement: &Statement, grant: Grant<'_>) -> String {
    let keys: Vec<_> = unmet(statement, grant).map(|one| format!("`{}`", one.key)).collect();
    keys.join(", ")
}

/// The service authorization reference has log groups by themselves, and AWS's console writes `:*` behind
/// them: either is enough.
fn is_log(grant: Grant<'_>) -> bool {
    grant.action.starts_with("logs:")
}

/// Whether the same is allowed of secrets that are attached to the function, wherever those are: they are
/// nowhere but in its region and account.
fn is_attached(own: &Statement, grant: Grant<'_>) -> bool {
    own.conditions.iter().any(|one| one.key == ATTACHED)
        && is_of_action(own, grant)
        && own.principal == grant.statement.principal
        && unmet(own, grant).next().is_none()
}
