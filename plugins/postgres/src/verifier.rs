//! The form in which a new password travels: what the server would store, never the password.
//!
//! Nobody is locked out by a form. A SCRAM verifier signs in wherever the server asks for a password,
//! in whatever way; an MD5 hash only where it does not ask for SCRAM. So in this order:
//!
//! - `password_encryption` asks for SCRAM: a verifier;
//! - it asks for MD5, and the account is asked for SCRAM or for the password itself, or it is not known
//!   what it is asked for: a verifier all the same, since a hash might not sign in from elsewhere;
//! - it asks for MD5, and the account signs in by MD5: a hash, because who set it to `md5` may have
//!   clients that can do nothing else.

use windlass_sdk::{Failure, clean};

use crate::scram;
use crate::sign_in::Asks;

/// What the server's settings ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// A SCRAM-SHA-256 verifier.
    Scram(Iterations),
    /// An MD5 hash; a verifier can be stored, too.
    Md5(Iterations),
    /// An MD5 hash, on a server from before PostgreSQL 10 that knows nothing else.
    Md5Alone,
}

/// Rounds of PBKDF2, as the server asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Iterations(u32);

/// How a password is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredAs {
    /// A SCRAM-SHA-256 verifier.
    Scram {
        /// Rounds of PBKDF2.
        iterations: u32,
    },
    /// The MD5 hash of password and name.
    Md5,
}

impl Encryption {
    /// Reads the settings `password_encryption` and `scram_iterations` (from PostgreSQL 16).
    pub(crate) fn from_settings(
        encryption: Option<&str>,
        iterations: Option<&str>,
    ) -> Result<Self, Failure> {
        let iterations = iterations
            .and_then(|count| count.parse().ok())
            .filter(|count| *count > 0)
            .unwrap_or(scram::ITERATIONS_DEFAULT);
        match encryption {
            Some("scram-sha-256") => Ok(Self::Scram(Iterations(iterations))),
            Some("md5") => Ok(Self::Md5(Iterations(iterations))),
            // Before PostgreSQL 10 it said whether to hash, and MD5 was the only hash.
            Some("on" | "off") => Ok(Self::Md5Alone),
            other => Err(Failure::unsupported(format!(
                "the server's password_encryption is {:?}; this plugin makes scram-sha-256 and \
                 md5",
                clean(other.unwrap_or("unknown"))
            ))
            .with_remedy("set password_encryption = 'scram-sha-256'")),
        }
    }

    /// Whether the form depends on how the account signs in.
    pub(crate) fn depends_on_the_account(self) -> bool {
        matches!(self, Self::Md5(_))
    }

    /// The form for an account that the server asks so.
    pub(crate) fn form(self, asks: Asks) -> Result<StoredAs, Failure> {
        match (self, asks) {
            (Self::Md5Alone, _) | (Self::Md5(_), Asks::Md5) => Ok(StoredAs::Md5),
            (Self::Scram(iterations) | Self::Md5(iterations), _) => iterations.form(),
        }
    }

    /// The value of `password_encryption` with which the server makes this form of a text. Before
    /// PostgreSQL 10 it would store the text itself where that is off.
    pub(crate) fn setting(self, form: StoredAs) -> &'static str {
        match (self, form) {
            (Self::Md5Alone, _) => "on",
            (_, StoredAs::Md5) => "md5",
            (_, StoredAs::Scram { .. }) => "scram-sha-256",
        }
    }
}

impl Iterations {
    fn form(self) -> Result<StoredAs, Failure> {
        let Self(iterations) = self;
        if iterations > scram::ITERATIONS_MAX {
            return Err(Failure::unsupported(format!(
                "the server's scram_iterations is {iterations}; this plugin computes {} at most",
                scram::ITERATIONS_MAX
            ))
            .with_remedy(format!("set scram_iterations to {} or less", scram::ITERATIONS_MAX)));
        }
        Ok(StoredAs::Scram { iterations })
    }
}

impl StoredAs {
    /// What goes into `PASSWORD '…'`.
    pub(crate) fn make(self, username: &str, password: &str) -> String {
        match self {
            Self::Scram { iterations } => {
                let mut salt = [0; 16];
                windlass_sdk::fill_random(&mut salt);
                scram::verifier(password, salt, iterations)
            }
            Self::Md5 => postgres_protocol::password::md5(password.as_bytes(), username),
        }
    }
}

/// The part of a stored form that nobody may see: what follows the name of its kind.
pub(crate) fn secret_part(stored: &str) -> &str {
    let after_kind = stored.rsplit('$').next().unwrap_or(stored);
    after_kind.strip_prefix("md5").unwrap_or(after_kind)
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind;

    use super::*;

    const ASKS: [Asks; 4] = [Asks::Scram, Asks::Md5, Asks::Cleartext, Asks::Other];

    fn form(encryption: &str, iterations: Option<&str>, asks: Asks) -> Result<StoredAs, Failure> {
        Encryption::from_settings(Some(encryption), iterations)?.form(asks)
    }

    #[test]
    fn a_hash_is_stored_only_where_it_signs_in_and_the_server_asks_for_it() {
        let scram = |iterations| Ok(StoredAs::Scram { iterations });
        for asks in ASKS {
            assert_eq!(form("scram-sha-256", None, asks), scram(4096));
            assert_eq!(form("scram-sha-256", Some(""), asks), scram(4096));
            assert_eq!(form("scram-sha-256", Some("10000"), asks), scram(10000));
            assert_eq!(form("on", None, asks), Ok(StoredAs::Md5));
            assert_eq!(form("off", None, asks), Ok(StoredAs::Md5));
        }
        for (asks, expected) in [
            (Asks::Md5, Ok(StoredAs::Md5)),
            (Asks::Cleartext, scram(9000)),
            (Asks::Scram, scram(9000)),
            (Asks::Other, scram(9000)),
        ] {
            assert_eq!(form("md5", Some("9000"), asks), expected);
        }
    }

    #[test]
    fn the_server_makes_the_same_form_of_a_text() {
        for (encryption, asks, setting) in [
            ("scram-sha-256", Asks::Md5, "scram-sha-256"),
            ("md5", Asks::Scram, "scram-sha-256"),
            ("md5", Asks::Md5, "md5"),
            ("off", Asks::Md5, "on"),
        ] {
            let encryption = Encryption::from_settings(Some(encryption), None).unwrap();
            assert_eq!(encryption.setting(encryption.form(asks).unwrap()), setting);
        }
    }

    #[test]
    fn what_can_not_be_made_is_unsupported() {
        for (encryption, iterations) in [("argon2", None), ("scram-sha-256", Some("2147483647"))] {
            let failure = form(encryption, iterations, Asks::Scram).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unsupported);
        }
        assert!(Encryption::from_settings(None, None).is_err());
    }

    #[test]
    fn each_scram_verifier_has_its_own_salt_and_none_holds_the_password() {
        let form = StoredAs::Scram { iterations: 2 };
        let (first, second) = (form.make("app", "s3cret"), form.make("app", "s3cret"));
        assert_ne!(first, second);
        assert!(first.starts_with("SCRAM-SHA-256$2:") && !first.contains("s3cret"));
        assert!(first.ends_with(&format!("${}", secret_part(&first))));
    }

    #[test]
    fn md5_is_the_hash_of_password_and_name() {
        // `SELECT 'md5' || md5('s3cret' || 'app')`
        let made = StoredAs::Md5.make("app", "s3cret");
        assert_eq!(made, postgres_protocol::password::md5(b"s3cret", "app"));
        assert_eq!((made.len(), secret_part(&made).len()), (35, 32));
    }
}
