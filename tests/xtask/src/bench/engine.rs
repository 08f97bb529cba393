//! The engines, and the fewest round trips that their protocols allow a rotation.
//!
//! # Which connections
//!
//! A password can't be changed without signing in, and that the new one signs in is known only once
//! it has: two connections, with a single user. With alternating users, the current password has to
//! sign in before an administrator changes anything for a secret that names it: three. Redshift keeps
//! passwords in two forms and shows nobody which: asking how an account signs in is a fourth.
//!
//! # A connection, as the proxy counts it
//!
//! A round trip is a wait of the client for the server: it says something, or waits for the first
//! word, and can't go on before the answer. What nobody waits for is none: a goodbye, TLS's tickets.
//!
//! | wait for | PostgreSQL | MySQL | why |
//! |---|---|---|---|
//! | the greeting | | 1 | MySQL's server speaks first, and its nonce is needed |
//! | the word on TLS | 1 | | PostgreSQL answers `S` or `N`; MySQL's greeting has said it |
//! | TLS 1.3 | 1 | 1 | the client's last word goes with what comes next |
//! | the methods, the challenge, the verdict | 3 | | SCRAM-SHA-256, which proves both sides |
//! | the challenge, the verdict | (2) | | Redshift's MD5 in its place |
//! | the verdict on the proof | | 1 | computed from the greeting's nonce, if its method is the account's |
//! | the password itself | | 1 | caching_sha2_password, the first time after each change |
//!
//! Direct TLS would save PostgreSQL 17 and later one of these; older servers take it for noise.
//! Statements sent ahead of the verdict would be answers of a sign-in that goes another way, so none
//! is.
//!
//! # Statements
//!
//! A sign-in proves a password, so where nothing else is to be done the fewest is none. A user's own
//! change is one. An administrator's for alternating users is two: what to change depends on what the
//! accounts are.
//!
//! MySQL could be sent several statements at a time (`CLIENT_MULTI_STATEMENTS`), and is not: then
//! whatever a quotation mark in the wrong place lets out would be a statement of its own. Nor are
//! statements sent ahead of their answers: not all that speaks MySQL's protocol, proxies and Aurora
//! among it, keeps what it has not asked for yet.

use super::rotation::Strategy;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// PostgreSQL, SCRAM-SHA-256.
    Postgres,
    /// MariaDB, mysql_native_password.
    Mariadb,
    /// MySQL, caching_sha2_password.
    Mysql,
    /// Redshift, MD5: PostgreSQL stands for it.
    Redshift,
}

/// What a connection of a rotation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// The user changes its own password.
    OwnChange,
    /// The administrator changes that of the user whose turn it is.
    AdminChange,
    /// The password that is in force signs in.
    CheckCurrent,
    /// The new one does, for the first time.
    CheckNew,
    /// How an account signs in, without doing it.
    AskForm,
}

impl Errand {
    /// What is done, behind "to".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OwnChange => "change the password",
            Self::AdminChange => "change it as the administrator",
            Self::CheckCurrent => "sign in with the current one",
            Self::CheckNew => "sign in with the new one",
            Self::AskForm => "ask how the user signs in",
        }
    }
}

impl Engine {
    pub(super) const ALL: [Self; 4] = [Self::Postgres, Self::Mariadb, Self::Mysql, Self::Redshift];

    /// What the connections of a rotation are for, one after the other.
    pub(super) fn errands(self, strategy: Strategy) -> &'static [Errand] {
        match (strategy, self) {
            (Strategy::SingleUser, _) => &[Errand::OwnChange, Errand::CheckNew],
            (Strategy::AlternatingUsers, Self::Redshift) => {
                &[Errand::CheckCurrent, Errand::AdminChange, Errand::AskForm, Errand::CheckNew]
            }
            (Strategy::AlternatingUsers, _) => {
                &[Errand::CheckCurrent, Errand::AdminChange, Errand::CheckNew]
            }
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mariadb => "MariaDB",
            Self::Mysql => "MySQL",
            Self::Redshift => "Redshift (PostgreSQL stands for it)",
        }
    }

    /// As secrets spell it.
    pub(super) fn in_secrets(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Mysql => "mysql",
            Self::Redshift => "redshift",
        }
    }

    /// Until the server has let somebody in.
    fn sign_in(self, errand: Errand) -> usize {
        match self {
            Self::Postgres => 5,
            Self::Mariadb => 3,
            Self::Mysql => 3 + usize::from(errand == Errand::CheckNew),
            // Whoever only asks waits for no verdict.
            Self::Redshift => 4 - usize::from(errand == Errand::AskForm),
        }
    }

    /// The fewest round trips of such a connection.
    pub(super) fn minimum(self, errand: Errand) -> usize {
        let statements = match errand {
            Errand::OwnChange => 1,
            Errand::AdminChange => 2,
            Errand::CheckCurrent | Errand::CheckNew | Errand::AskForm => 0,
        };
        self.sign_in(errand) + statements
    }

    /// What the round trips beyond the fewest are for.
    pub(super) fn beyond(self, errand: Errand) -> &'static str {
        match (self, errand) {
            (_, Errand::CheckCurrent | Errand::CheckNew) => {
                "one statement: a sign-in may be good for nothing (an expired password)"
            }
            (_, Errand::AskForm) | (Self::Redshift, Errand::OwnChange) => "nothing",
            (Self::Redshift, Errand::AdminChange) => {
                "what this server's catalog has, before it is read"
            }
            (Self::Postgres, Errand::OwnChange) => {
                "the settings and what the role is, before the transaction that changes it"
            }
            (Self::Postgres, Errand::AdminChange) => {
                "the transaction, whose every statement depends on the one before"
            }
            (Self::Mariadb, Errand::OwnChange) => {
                "the version, the session's settings, and whether a second method would go on to \
                 sign in with the old password"
            }
            (Self::Mysql, Errand::OwnChange) => {
                "the version, the session's settings, and the end of a second password"
            }
            (Self::Mariadb | Self::Mysql, Errand::AdminChange) => {
                "the version, the session's settings, and the accounts and rights of both halves, \
                 each in a statement of its own"
            }
        }
    }
}
