//! Which server this is, from what it says about itself.
//!
//! MariaDB puts `5.5.5-` before its version so that old replicas of MySQL accept it, and Aurora may
//! name its own release behind MySQL's. What a version can do is asked of it in one place: here.

use crate::tokens::Backslash;

/// A server's kind and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) mariadb: bool,
    number: (u16, u16, u16),
}

/// What every Aurora MySQL 3 is at least, whose version may end at `8.0`.
const AURORA_3: (u16, u16, u16) = (8, 0, 23);

impl Version {
    /// Reads `VERSION()` or the greeting's version; `comment` is `@@version_comment`, which tells a
    /// MariaDB whose version was overridden.
    pub(crate) fn read(text: &str, comment: &str) -> Self {
        let named = |text: &str| text.to_ascii_lowercase().contains("mariadb");
        let (mariadb, text) = match text.strip_prefix("5.5.5-") {
            Some(rest) => (true, rest),
            None => (named(text) || named(comment), text),
        };
        let mut parts = text.split(['.', '-']).map_while(|part| part.parse().ok()).fuse();
        let mut part = || parts.next().unwrap_or(0);
        let number = (part(), part(), part());
        let aurora_3 = text.contains("mysql_aurora.3.");
        Self { mariadb, number: if aurora_3 { number.max(AURORA_3) } else { number } }
    }

    /// What statements here need: `ALTER USER` with every attribute that is compared. MySQL 5.7,
    /// MariaDB 10.4.
    pub(crate) fn is_known(self) -> bool {
        self.from(((5, 7, 6), (10, 4, 3)))
    }

    /// Whether `GRANT` makes the account where it does not exist, unless the SQL mode forbids it.
    /// MySQL 8 has neither.
    pub(crate) fn grant_creates(self) -> bool {
        self.mariadb || self.number < (8, 0, 0)
    }

    /// Roles.
    pub(crate) fn has_roles(self) -> bool {
        self.mariadb || self.number >= (8, 0, 0)
    }

    /// `REPLACE`, which names the password that is changed.
    pub(crate) fn has_replace(self) -> bool {
        !self.mariadb && self.number >= (8, 0, 13)
    }

    /// `RETAIN CURRENT PASSWORD`.
    pub(crate) fn has_dual_passwords(self) -> bool {
        !self.mariadb && self.number >= (8, 0, 14)
    }

    /// `ATTRIBUTE` of an account, where MySQL's mark of a clone is kept.
    pub(crate) fn has_attributes(self) -> bool {
        !self.mariadb && self.number >= (8, 0, 21)
    }

    /// `print_identified_with_as_hex`: salts that hold any byte, in readable form.
    pub(crate) fn prints_hex(self) -> bool {
        !self.mariadb && self.number >= (8, 0, 17)
    }

    /// How the server writes a backslash within a string.
    pub(crate) fn backslash(self) -> Backslash {
        if self.mariadb { Backslash::Double } else { Backslash::Single }
    }

    fn from(self, (mysql, mariadb): ((u16, u16, u16), (u16, u16, u16))) -> bool {
        self.number >= if self.mariadb { mariadb } else { mysql }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (major, minor, patch) = self.number;
        let name = if self.mariadb { "MariaDB" } else { "MySQL" };
        write!(f, "{name} {major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_servers_write_them() {
        for (text, comment, expected) in [
            ("5.5.5-10.11.6-MariaDB-0+deb12u1", "", "MariaDB 10.11.6"),
            ("10.11.19-MariaDB-0+deb12u1", "Debian 12", "MariaDB 10.11.19"),
            ("11.4.2-MariaDB-log", "", "MariaDB 11.4.2"),
            ("8.0.36", "mariadb.org binary distribution", "MariaDB 8.0.36"),
            ("8.0.36", "Source distribution", "MySQL 8.0.36"),
            ("8.0.14-log", "", "MySQL 8.0.14"),
            ("8.4.3-3", "Percona Server", "MySQL 8.4.3"),
            ("9.7.0", "(Debian)", "MySQL 9.7.0"),
            ("5.7.44-log", "", "MySQL 5.7.44"),
            ("5.7.mysql_aurora.2.11.2", "", "MySQL 5.7.0"),
            ("8.0.mysql_aurora.3.05.2", "MySQL Community Server", "MySQL 8.0.23"),
            ("8.0.39", "8bc99e28", "MySQL 8.0.39"),
            ("99999999.1", "", "MySQL 0.0.0"),
            ("", "", "MySQL 0.0.0"),
        ] {
            assert_eq!(Version::read(text, comment).to_string(), expected);
        }
    }

    #[test]
    fn what_a_version_can_do() {
        let version = |text| Version::read(text, "");
        for (text, known, dual, attributes, creates) in [
            ("5.7.5", false, false, false, true),
            ("5.7.44", true, false, false, true),
            ("8.0.13", true, false, false, false),
            ("8.0.14", true, true, false, false),
            ("8.0.21", true, true, true, false),
            ("9.7.0", true, true, true, false),
            ("10.3.9-MariaDB", false, false, false, true),
            ("10.11.6-MariaDB", true, false, false, true),
            ("12.0.1-MariaDB", true, false, false, true),
        ] {
            let version = version(text);
            assert_eq!(
                (version.is_known(), version.has_dual_passwords(), version.has_attributes()),
                (known, dual, attributes),
                "{text}"
            );
            assert_eq!(version.grant_creates(), creates, "{text}");
        }
    }
}
