//! The two names of alternating users, as far as a service takes them.

use windlass_sdk::{Failure, Pair};

use crate::product::Dialect;

impl Dialect {
    /// The pair of the account in force and the one whose turn it is.
    ///
    /// # Errors
    /// `invalid-secret` if they are none, or if the service does not take the names.
    pub fn pair_of(&self, current: &str, next: &str) -> Result<Pair, Failure> {
        let pair = Pair::new(current, next)?;
        self.check_name(&pair.base, "the name of the alternating user")?;
        self.check_name(&pair.clone, "the name of the alternating user's clone")?;
        Ok(pair)
    }
}

#[cfg(test)]
mod tests {
    use crate::product::tests::PRODUCT;

    #[test]
    fn a_pair_of_names_that_the_service_does_not_take_is_refused() {
        let pair_of = |current, next| PRODUCT.dialect.pair_of(current, next);
        assert!(pair_of("app", "app_clone").is_ok());
        let long = "a".repeat(58);
        for (current, next) in [("", "_clone"), (long.as_str(), &format!("{long}_clone"))] {
            assert!(pair_of(current, next).is_err(), "{current} {next}");
        }
    }
}
