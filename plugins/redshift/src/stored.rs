//! The form in which a new password travels: what the server would store, never the password.
//!
//! The form is that in which the server asks the very account for its password, so nobody's driver
//! has to learn a new one (many know MD5 only), and no account gets a weaker one. For SHA-256 the
//! salt is sent as the server was seen to send its own. That a digest made so is taken has not been
//! seen: whoever sets one proves it by a sign-in (`change::prove`), while the session that can put the
//! MD5 form in its place is still open.

use windlass_sdk::fill_random;

use crate::digest::{SaltKind, stored_digest};

/// How a password is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The MD5 hash of password and name: `md5…`.
    Md5,
    /// A SHA-256 digest over password and salt: `sha256|digest|salt`.
    Sha256(SaltKind),
}

impl Form {
    /// What goes into `PASSWORD '…'`. It holds no character that would have to be quoted.
    pub(crate) fn make(self, username: &str, password: &str) -> String {
        match self {
            Self::Md5 => postgres_protocol::password::md5(password.as_bytes(), username),
            Self::Sha256(kind) => {
                // 256 bits are what the server wants.
                let mut salt = [0; 32];
                fill_random(&mut salt);
                sha256(password, &salt, kind)
            }
        }
    }

    /// What nobody signs in with, for an account that is to have no password yet.
    pub(crate) fn locked(username: &str) -> String {
        let mut nobody_knows = [0; 32];
        fill_random(&mut nobody_knows);
        Self::Md5.make(username, &hex(&nobody_knows))
    }
}

fn sha256(password: &str, salt: &[u8; 32], kind: SaltKind) -> String {
    let written = hex(salt);
    let digest = match kind {
        SaltKind::Bytes => stored_digest(password, salt),
        SaltKind::Hex => stored_digest(password, written.as_bytes()),
    };
    format!("sha256|{}|{written}", hex(&digest))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5_is_the_documented_example() {
        // From the description of CREATE USER.
        assert_eq!(Form::Md5.make("user1", "ez"), "md5153c434b4b77c89e6b94f12c5393af5b");
    }

    #[test]
    fn sha256_has_the_documented_shape_and_a_salt_of_its_own() {
        for kind in [SaltKind::Bytes, SaltKind::Hex] {
            let (first, second) = (
                Form::Sha256(kind).make("app", "s3cret"),
                Form::Sha256(kind).make("app", "s3cret"),
            );
            assert_ne!(first, second);
            let parts: Vec<_> = first.split('|').collect();
            assert_eq!(
                (parts.len(), parts[0], parts[1].len(), parts[2].len()),
                (3, "sha256", 64, 64)
            );
            assert!(
                parts[1..].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
            );
        }
    }

    #[test]
    fn the_digest_is_over_the_salt_as_the_server_sends_it() {
        // Computed with Python's hashlib.
        let salt = [0xab; 32];
        let text = "ab".repeat(32);
        let bytes = "f504d59406dcf7af388c12849728f343589e560b2c89d0d03d2cc7adb9004556";
        let digits = "b4a54398a493c3fb643f24bc4e9b25e49ae09bf1763b21b1264f513f436c8909";
        assert_eq!(sha256("s3cret", &salt, SaltKind::Bytes), format!("sha256|{bytes}|{text}"));
        assert_eq!(sha256("s3cret", &salt, SaltKind::Hex), format!("sha256|{digits}|{text}"));
    }
}
