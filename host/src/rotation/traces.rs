//! What earlier attempts of this process saw of a secret's passwords, so that the next one begins
//! with the likeliest.
//!
//! Some policies lock an account at the first refusal. An attempt that begins with a password that the
//! last one saw refused locks it again, however often somebody unlocks it. So of a secret's versions:
//! 1. the one that a change or a sign-in has just shown to be in force comes first;
//! 2. then those that were not refused here, in their usual order;
//! 3. then those that were, the longest ago first: meanwhile somebody may have set one by hand.
//!
//! Only what the service answered counts. A change without an answer says nothing: mostly the
//! service was out of reach.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ports::{SecretId, VersionId};

/// How many secrets are remembered; beyond that all are forgotten, and the usual order holds.
const REMEMBERED: usize = 1024;

/// How many refused versions of one secret are remembered. One attempt tries seven at most.
const REFUSED_REMEMBERED: usize = 16;

/// What is remembered of each secret, by its ARN.
#[derive(Debug, Default)]
pub(super) struct Traces(Mutex<HashMap<SecretId, Trace>>);

#[derive(Debug, Default)]
struct Trace {
    in_force: Option<VersionId>,
    /// The version refused longest ago comes first.
    refused: Vec<VersionId>,
}

/// How likely a version's password is to be in force, the likeliest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likelihood {
    /// It was seen to be.
    InForce,
    /// Nothing is known.
    Unknown,
    /// It was refused: how many refused versions were refused longer ago.
    Refused(usize),
}

impl Traces {
    /// What is known of a version.
    pub(super) fn of(&self, secret: &SecretId, version: &VersionId) -> Likelihood {
        let known = self.lock();
        let Some(trace) = known.get(secret) else { return Likelihood::Unknown };
        if trace.in_force.as_ref() == Some(version) {
            return Likelihood::InForce;
        }
        let refused = trace.refused.iter().position(|refused| refused == version);
        refused.map_or(Likelihood::Unknown, Likelihood::Refused)
    }

    /// A version's password was refused.
    pub(super) fn refused(&self, secret: &SecretId, version: &VersionId) {
        let mut known = self.lock();
        if known.len() >= REMEMBERED && !known.contains_key(secret) {
            known.clear();
        }
        let trace = known.entry(secret.clone()).or_default();
        trace.in_force.take_if(|in_force| in_force == version);
        trace.refused.retain(|refused| refused != version);
        if trace.refused.len() >= REFUSED_REMEMBERED {
            trace.refused.remove(0);
        }
        trace.refused.push(version.clone());
    }

    /// A version's password signs in, or was set.
    pub(super) fn in_force(&self, secret: &SecretId, version: &VersionId) {
        let mut known = self.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let trace = Trace { in_force: Some(version.clone()), refused: Vec::new() };
        known.insert(secret.clone(), trace);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SecretId, Trace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_longest_ago_is_the_likeliest_of_the_refused() {
        let traces = Traces::default();
        let [a, b, c] = ["a", "b", "c"].map(VersionId::new);
        for version in [&a, &b, &a] {
            traces.refused(&"s".into(), version);
        }
        let order = |secret: &SecretId| {
            let mut versions = [&a, &b, &c];
            versions.sort_by_key(|version| traces.of(secret, version));
            versions.map(VersionId::as_str)
        };
        assert_eq!(order(&"s".into()), ["c", "b", "a"]);
        assert_eq!(order(&"another".into()), ["a", "b", "c"]);
        traces.in_force(&"s".into(), &b);
        assert_eq!(order(&"s".into()), ["b", "a", "c"], "refusals before it are of another time");
        traces.refused(&"s".into(), &b);
        assert_eq!(order(&"s".into()), ["a", "c", "b"]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let traces = Traces::default();
        for number in 0..=REMEMBERED {
            traces.in_force(&number.to_string().into(), &VersionId::new("v"));
            traces.refused(&format!("{number} too").into(), &VersionId::new("v"));
        }
        assert!(traces.lock().len() <= REMEMBERED);
        for number in 0..=REFUSED_REMEMBERED {
            traces.refused(&"s".into(), &VersionId::new(number.to_string()));
        }
        let first = VersionId::new("0");
        assert_eq!(traces.of(&"s".into(), &first), Likelihood::Unknown, "the oldest is forgotten");
    }
}
