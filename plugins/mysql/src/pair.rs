//! The two names of alternating users, as far as this service takes them.
//!
//! The *base* is the account that people manage. The *clone* is its equal.

use windlass_sdk::{Failure, Pair};

use crate::quote::check_name;

/// The pair of the account in force and the one whose turn it is.
pub(crate) fn pair_of(current: &str, next: &str) -> Result<Pair, Failure> {
    let pair = Pair::new(current, next)?;
    check_name(&pair.base, "the name of the alternating user")?;
    check_name(&pair.clone, "the name of the alternating user's clone")?;
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_of_names_that_the_service_does_not_take_is_refused() {
        assert!(pair_of("app", "app_clone").is_ok());
        let long = "a".repeat(123);
        for (current, next) in [("", "_clone"), (long.as_str(), &format!("{long}_clone"))] {
            assert!(pair_of(current, next).is_err(), "{current} {next}");
        }
    }
}
