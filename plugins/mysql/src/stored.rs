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
    /// Whether it is kept by a password that this plugin can set. Not a method that was made to let
    /// nobody in (`USING 'invalid'`): with a password it would.
    pub(crate) fn has_password(&self) -> bool {
        matches!(self.plugin.as_str(), NATIVE | ED25519 | PARSEC | CACHING_SHA2 | SHA256)
            && !self.is_invalid()
    }

    /// Whether it lets nobody in, whatever the password.
    fn is_invalid(&self) -> bool {
        self.plugin == NATIVE && self.stored.as_deref() == Some(INVALID.as_bytes())
    }

    /// Whether it lets this password in; `None` where that is not known.
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
                    Failure::unsupported("the account has a method whose data is not text")
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

/// Whether both sign in in the same ways.
pub(crate) fn same_methods(one: &[Identity], other: &[Identity]) -> bool {
    one.iter().map(|identity| &identity.plugin).eq(other.iter().map(|identity| &identity.plugin))
}

/// Whether every method with a password has this one, the first if it has two; `None` where that is
/// not known. Then no other password signs in.
pub(crate) fn all_accept(identities: &[Identity], password: &str) -> Option<bool> {
    let mut passwords = identities.iter().filter(|identity| identity.has_password());
    passwords.try_fold(true, |all, identity| Some(all && identity.accepts(password)?))
}

/// Whether `SET PASSWORD` of MariaDB's changes what these sign in with. It changes the first method and
/// no other: one that lets nobody in, too, and where the first has no password, it reports an error
/// (1699) and changes the second all the same (seen on MariaDB 10.11).
pub(crate) fn first_is_only_password(identities: &[Identity]) -> bool {
    let mut rest = identities.iter();
    rest.next().is_some_and(Identity::has_password) && !rest.any(Identity::has_password)
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

    fn invalid() -> Identity {
        identity(NATIVE, INVALID)
    }

    #[test]
    fn a_clause_keeps_every_other_method() {
        let all = [identity(ED25519, "old"), identity("unix_socket", ""), invalid()];
        assert_eq!(
            identified_mariadb(&all, "x", Form::Hash).unwrap(),
            "IDENTIFIED VIA ed25519 USING 'Gv2JI8Env2fd5YGonZ082tX3UAW+yJYldOlj4R1bfK4' OR \
             unix_socket OR mysql_native_password USING 'invalid'"
        );
        let clear = identified_mariadb(&all, "it's", Form::Clear).unwrap();
        assert!(clear.starts_with("IDENTIFIED VIA ed25519 USING PASSWORD('it''s') OR unix"));
    }

    #[test]
    fn an_account_may_change_its_first_method_and_no_other() {
        let (one, two) = (identity(ED25519, "x"), identity(NATIVE, "*2470"));
        let socket = identity("unix_socket", "");
        for (identities, expected) in [
            (vec![], false),
            (vec![one.clone()], true),
            (vec![one.clone(), socket.clone()], true),
            (vec![one.clone(), invalid()], true),
            (vec![one.clone(), two.clone()], false),
            (vec![one.clone(), socket.clone(), two.clone()], false),
            (vec![socket.clone(), one.clone()], false),
            (vec![invalid(), one.clone()], false),
            (vec![invalid()], false),
            (vec![socket], false),
        ] {
            assert_eq!(first_is_only_password(&identities), expected, "{identities:?}");
        }
    }

    #[test]
    fn a_second_password_is_seen() {
        let [old, new] = ["old-X9", "new-X9"].map(scramble::native_hash);
        let (old, new) = (identity(NATIVE, &old), identity(NATIVE, &new));
        let other = identity(ED25519, &scramble::ed25519_hash("new-X9"));
        let socket = identity("unix_socket", "");
        for (identities, expected) in [
            (vec![new.clone()], Some(true)),
            (vec![new.clone(), other.clone(), socket, invalid()], Some(true)),
            (vec![new.clone(), old.clone()], Some(false)),
            (vec![old, new.clone()], Some(false)),
            (vec![new, identity(SHA256, "x")], None),
        ] {
            assert_eq!(all_accept(&identities, "new-X9"), expected, "{identities:?}");
        }
    }

    #[test]
    fn whether_a_password_is_the_stored_one() {
        let hash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";
        assert_eq!(identity(NATIVE, hash).accepts("password"), Some(true));
        assert_eq!(identity(NATIVE, hash).accepts("Password"), Some(false));
        assert_eq!(invalid().accepts("invalid"), Some(false));
        assert_eq!(identity("pam", "x").accepts("x"), None);
        assert_eq!(Identity { plugin: NATIVE.into(), stored: None }.accepts("x"), None);
        assert!(!invalid().has_password() && !identity("pam", "").has_password());
    }
}
