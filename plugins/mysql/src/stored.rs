//! How the server keeps a password: which plugin, and what it stores.

use windlass_sdk::Failure;

use crate::quote::literal;
use crate::{parsec, scramble, shacrypt};

/// One way in which an account may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The server's plugin.
    pub(crate) plugin: String,
    /// What it keeps; absent where the session may not see it.
    pub(crate) stored: Option<Vec<u8>>,
}

/// What MariaDB takes for a hash of mysql_native_password that no password has.
const INVALID: &str = "invalid";

const NATIVE: &str = "mysql_native_password";
const ED25519: &str = "ed25519";
const PARSEC: &str = "parsec";
const CACHING_SHA2: &str = "caching_sha2_password";
const SHA256: &str = "sha256_password";

impl Identity {
    /// A second method with which nobody can sign in: the mark of a clone on MariaDB, whose accounts
    /// have no room for remarks. See [`is_marked`].
    pub(crate) fn mark() -> Self {
        Self { plugin: NATIVE.into(), stored: Some(INVALID.into()) }
    }

    /// Whether it is kept by a password that this plugin can set.
    pub(crate) fn has_password(&self) -> bool {
        matches!(self.plugin.as_str(), NATIVE | ED25519 | PARSEC | CACHING_SHA2 | SHA256)
            && *self != Self::mark()
    }

    /// Whether it lets this password in; `None` where that can't be told.
    pub(crate) fn accepts(&self, password: &str) -> Option<bool> {
        let stored = self.stored.as_deref()?;
        match self.plugin.as_str() {
            NATIVE => Some(stored.eq_ignore_ascii_case(scramble::native_hash(password).as_bytes())),
            ED25519 => Some(stored == scramble::ed25519_hash(password).as_bytes()),
            PARSEC => parsec::matches(stored, password),
            CACHING_SHA2 => shacrypt::matches(stored, password),
            _ => None,
        }
    }

    /// MariaDB's clause for the new password: its hash, or itself where the server insists.
    fn mariadb(&self, password: &str, form: Form) -> Result<String, Failure> {
        let Self { plugin, stored } = self;
        let hash = match plugin.as_str() {
            NATIVE if self.has_password() => scramble::native_hash(password),
            ED25519 => scramble::ed25519_hash(password),
            PARSEC => parsec::hash(password),
            CACHING_SHA2 => shacrypt::hash(password),
            _ => {
                let kept = stored.as_deref().unwrap_or_default();
                let kept = String::from_utf8(kept.to_vec()).map_err(|_| {
                    Failure::unsupported("the account has a method whose data is no text")
                })?;
                let using = if kept.is_empty() { String::new() } else { literal(&kept) };
                let word = if kept.is_empty() { "" } else { " USING " };
                return Ok(format!("{plugin}{word}{using}"));
            }
        };
        Ok(match form {
            Form::Hash => format!("{plugin} USING {}", literal(&hash)),
            Form::Clear => format!("{plugin} USING PASSWORD({})", literal(password)),
        })
    }
}

/// Whether the methods of an account of MariaDB hold the mark, as only an administrator can have put
/// it there: behind a password. `SET PASSWORD = 'invalid'`, which every account may say, changes the
/// first method that has a password, and no other.
pub(crate) fn is_marked(identities: &[Identity]) -> bool {
    let password = identities.iter().position(Identity::has_password);
    let mark = identities.iter().rposition(|identity| *identity == Identity::mark());
    matches!((password, mark), (Some(password), Some(mark)) if password < mark)
}

/// In which form MariaDB gets a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// What it would store.
    Hash,
    /// The password: its policy wants to see it.
    Clear,
}

/// `IDENTIFIED VIA …` for MariaDB, every other method kept as it is.
pub(crate) fn identified_mariadb(
    identities: &[Identity],
    password: &str,
    form: Form,
) -> Result<String, Failure> {
    let methods: Result<Vec<_>, _> =
        identities.iter().map(|identity| identity.mariadb(password, form)).collect();
    Ok(format!("IDENTIFIED VIA {}", methods?.join(" OR ")))
}

/// `IDENTIFIED WITH …` for MySQL.
pub(crate) fn identified_mysql(plugin: &str, password: &str) -> String {
    format!("IDENTIFIED WITH {} BY {}", literal(plugin), literal(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(plugin: &str, stored: &str) -> Identity {
        Identity { plugin: plugin.into(), stored: Some(stored.into()) }
    }

    #[test]
    fn a_clause_keeps_every_other_method() {
        let all = [identity(ED25519, "old"), identity("unix_socket", ""), Identity::mark()];
        assert_eq!(
            identified_mariadb(&all, "x", Form::Hash).unwrap(),
            "IDENTIFIED VIA ed25519 USING 'Gv2JI8Env2fd5YGonZ082tX3UAW+yJYldOlj4R1bfK4' OR \
             unix_socket OR mysql_native_password USING 'invalid'"
        );
        let clear = identified_mariadb(&all, "it's", Form::Clear).unwrap();
        assert!(clear.starts_with("IDENTIFIED VIA ed25519 USING PASSWORD('it''s') OR unix"));
    }

    #[test]
    fn a_mark_that_the_account_can_make_itself_is_none() {
        let (password, mark) = (identity(ED25519, "x"), Identity::mark());
        let socket = identity("unix_socket", "");
        for (identities, marked) in [
            (vec![], false),
            (vec![password.clone()], false),
            (vec![password.clone(), mark.clone()], true),
            (vec![socket.clone(), password.clone(), mark.clone()], true),
            (vec![password.clone(), mark.clone(), socket.clone()], true),
            // What `SET PASSWORD = 'invalid'` makes of an account with several methods.
            (vec![mark.clone()], false),
            (vec![mark.clone(), password.clone()], false),
            (vec![socket, mark.clone(), password], false),
            (vec![mark.clone(), mark], false),
        ] {
            assert_eq!(is_marked(&identities), marked, "{identities:?}");
        }
    }

    #[test]
    fn whether_a_password_is_the_stored_one() {
        let hash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";
        assert_eq!(identity(NATIVE, hash).accepts("password"), Some(true));
        assert_eq!(identity(NATIVE, hash).accepts("Password"), Some(false));
        assert_eq!(Identity::mark().accepts("invalid"), Some(false));
        assert_eq!(identity("pam", "x").accepts("x"), None);
        assert_eq!(Identity { plugin: NATIVE.into(), stored: None }.accepts("x"), None);
        assert!(!Identity::mark().has_password() && !identity("pam", "").has_password());
    }
}
