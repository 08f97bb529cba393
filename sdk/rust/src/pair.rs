//! The two names of alternating users.
//!
//! One name is the other with [`CLONE_SUFFIX`] behind it. The shorter one is the *base*: the
//! account that people manage. The *clone* is its equal.

use crate::Failure;

/// What AWS's rotation functions append, so that their pairs are pairs here.
pub const CLONE_SUFFIX: &str = "_clone";

/// Whose password is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The base's; the clone is in force.
    Base,
    /// The clone's; the base is in force.
    Clone,
}

/// Two accounts that take turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The account without the suffix.
    pub base: String,
    /// The account with it.
    pub clone: String,
    /// Whose turn it is.
    pub turn: Turn,
}

impl Pair {
    /// The pair of the account in force and the one whose turn it is. Whether the service takes the
    /// names is the plugin's to check.
    ///
    /// # Errors
    /// `invalid-secret` if they are no pair.
    pub fn new(current: &str, next: &str) -> Result<Self, Failure> {
        let (base, clone, turn) = if next.strip_suffix(CLONE_SUFFIX) == Some(current) {
            (current, next, Turn::Clone)
        } else if current.strip_suffix(CLONE_SUFFIX) == Some(next) {
            (next, current, Turn::Base)
        } else {
            return Err(Failure::invalid_secret(format!(
                "{next:?} and {current:?} are not a pair of alternating users: one must be the other \
                 with {CLONE_SUFFIX:?} appended"
            )));
        };
        Ok(Self { base: base.into(), clone: clone.into(), turn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_the_name_without_the_suffix_whichever_turn_it_is() {
        let there = Pair::new("app", "app_clone").unwrap();
        let back = Pair::new("app_clone", "app").unwrap();
        assert_eq!((there.turn, back.turn), (Turn::Clone, Turn::Base));
        assert_eq!((&there.base, &there.clone), (&back.base, &back.clone));
        // A base may itself end in the suffix.
        assert_eq!(Pair::new("x_clone", "x_clone_clone").unwrap().base, "x_clone");
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for (current, next) in
            [("app", "app"), ("app", "other"), ("app", "other_clone"), ("app", "APP_clone")]
        {
            assert!(Pair::new(current, next).is_err(), "{current} {next}");
        }
    }
}
