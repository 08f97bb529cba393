//! The trait of a plugin that also says what stands in the way of a change, and its types.

use std::fmt;

use crate::{Failure, Login, Plugin};

/// How many findings one list of an [`Assessment`] has at most, besides the last, which counts the
/// rest.
pub const FINDINGS_MAX: usize = 16;

/// A plugin that looks at accounts before anything is changed, for `windlass adopt`. Export it by
/// `export!(Name, assessment)`.
pub trait Assess: Plugin {
    /// Signs in as `request.actor` once and looks. Changes nothing.
    ///
    /// # Errors
    /// As [`Plugin::change`]. What the change lacks is no failure, but a finding.
    fn assess(request: &AssessRequest) -> Result<Assessment, Failure>;

    /// Marks the two existing accounts of `request` as a pair and changes nothing else. A second
    /// call succeeds.
    ///
    /// # Errors
    /// `Declined` if one of the two does not exist, `Unsupported` if there is no place for a mark.
    fn mark_pair(request: &AssessRequest) -> Result<(), Failure>;
}

/// The change that would be made.
pub struct AssessRequest {
    /// Who would sign in: the user itself or an administrator.
    pub actor: Login,
    /// Whose password would be changed.
    pub username: String,
    /// Alternating users: the account that `username` would be the equal of.
    pub clone_of: Option<String>,
}

/// Everything but the password.
impl fmt::Debug for AssessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssessRequest")
            .field("actor", &self.actor)
            .field("username", &self.username)
            .field("clone_of", &self.clone_of)
            .finish()
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Who the session of the actor is, as the service says.
    pub session: String,
    /// What the change needs and the actor may not, or the account does not have.
    pub lacks: Vec<Finding>,
    /// Alternating users: whether the two are a pair.
    pub pair: Option<PairState>,
    /// Alternating users: what differs between the two.
    pub differences: Vec<Finding>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is so: a lower-case fragment.
    pub text: String,
    /// The statement or setting that corrects it, or empty.
    pub remedy: String,
}

impl Finding {
    /// Something without a remedy.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), remedy: String::new() }
    }

    /// Adds what corrects it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// The first [`FINDINGS_MAX`] of these, and how many more there are.
    pub fn bounded(findings: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut all: Vec<_> = findings.into_iter().collect();
        let more = all.len().saturating_sub(FINDINGS_MAX);
        if more > 0 {
            all.truncate(FINDINGS_MAX);
            all.push(Self::new(format!("and {more} more")));
        }
        all
    }
}

/// What makes two accounts a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairState {
    /// A mark that neither of the two can have set alone.
    Marked,
    /// No mark, but equal in everything that only an administrator sets.
    Equal,
    /// Neither: a change would end in [`NotAPair`](crate::FailureKind::NotAPair).
    Different,
    /// The account with the suffix does not exist yet.
    Absent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_findings_ends_with_the_number_of_the_rest() {
        let of = |count: usize| {
            Finding::bounded((0..count).map(|number| Finding::new(number.to_string())))
        };
        assert_eq!(of(FINDINGS_MAX).len(), FINDINGS_MAX);
        let bounded = of(FINDINGS_MAX + 3);
        assert_eq!(bounded.len(), FINDINGS_MAX + 1);
        assert_eq!(bounded.last(), Some(&Finding::new("and 3 more")));
    }
}
