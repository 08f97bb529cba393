//! The form in which a new password travels: what the server would store, never the password.
//!
//! The server's `password_encryption` chooses the form, as it would for a password in clear: who
//! set it to `md5` has clients that can do nothing else.

use windlass_sdk::{Failure, clean};

use crate::scram;

/// How the server wants passwords stored.
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

impl StoredAs {
    /// Reads the settings `password_encryption` and `scram_iterations` (from PostgreSQL 16).
    pub(crate) fn of_settings(
        encryption: Option<&str>,
        iterations: Option<&str>,
    ) -> Result<Self, Failure> {
        match encryption {
            Some("scram-sha-256") => {
                let iterations = iterations
                    .and_then(|count| count.parse().ok())
                    .filter(|count| *count > 0)
                    .unwrap_or(scram::ITERATIONS_DEFAULT);
                if iterations > scram::ITERATIONS_MAX {
                    return Err(Failure::unsupported(format!(
                        "the server's scram_iterations is {iterations}; this plugin computes {} \
                         at most",
                        scram::ITERATIONS_MAX
                    )));
                }
                Ok(Self::Scram { iterations })
            }
            // Before PostgreSQL 10 it said whether to hash, and MD5 was the only hash.
            Some("md5" | "on" | "off") => Ok(Self::Md5),
            other => Err(Failure::unsupported(format!(
                "the server's password_encryption is {:?}; this plugin makes scram-sha-256 and \
                 md5",
                clean(other.unwrap_or("unknown"))
            ))),
        }
    }

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

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind;

    use super::*;

    #[test]
    fn the_servers_settings_choose_the_form() {
        let chosen = StoredAs::of_settings;
        let scram = |iterations| Ok(StoredAs::Scram { iterations });
        assert_eq!(chosen(Some("scram-sha-256"), None), scram(4096));
        assert_eq!(chosen(Some("scram-sha-256"), Some("")), scram(4096));
        assert_eq!(chosen(Some("scram-sha-256"), Some("10000")), scram(10000));
        for before_scram in ["md5", "on", "off"] {
            assert_eq!(chosen(Some(before_scram), None), Ok(StoredAs::Md5));
        }
        for (encryption, iterations) in
            [(Some("argon2"), None), (None, None), (Some("scram-sha-256"), Some("2147483647"))]
        {
            let failure = chosen(encryption, iterations).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unsupported);
        }
    }

    #[test]
    fn each_scram_verifier_has_its_own_salt_and_none_holds_the_password() {
        let form = StoredAs::Scram { iterations: 2 };
        let (first, second) = (form.make("app", "s3cret"), form.make("app", "s3cret"));
        assert_ne!(first, second);
        assert!(first.starts_with("SCRAM-SHA-256$2:") && !first.contains("s3cret"));
    }

    #[test]
    fn md5_is_the_hash_of_password_and_name() {
        // `SELECT 'md5' || md5('s3cret' || 'app')`
        let made = StoredAs::Md5.make("app", "s3cret");
        assert_eq!(made, postgres_protocol::password::md5(b"s3cret", "app"));
        assert_eq!(made.len(), 35);
    }
}
