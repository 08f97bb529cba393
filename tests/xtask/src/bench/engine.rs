//! The engines, and the fewest round trips that their protocols allow a rotation.
//!
//! # Which connections
//!
//! A password can't be changed without signing in, and that the new one signs in is known only once
//! it has: two connections, with a single user. With alternating users, the current password has to
//! sign in before an administrator changes anything for a secret that names it: three.
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

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// PostgreSQL, SCRAM-SHA-256.
    Postgres,
    /// MariaDB, mysql_native_password.
    Mariadb,
    /// MySQL, caching_sha2_password.
    Mysql,
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
}

impl Errand {
    /// What is done, behind "to".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OwnChange => "change the password",
            Self::AdminChange => "change it as the administrator",
            Self::CheckCurrent => "sign in with the current one",
            Self::CheckNew => "sign in with the new one",
        }
    }
}

impl Engine {
    pub(super) const ALL: [Self; 3] = [Self::Postgres, Self::Mariadb, Self::Mysql];

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mariadb => "MariaDB",
            Self::Mysql => "MySQL",
        }
    }

    /// As secrets spell it.
    pub(super) fn in_secrets(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Mysql => "mysql",
        }
    }

    /// Until the server has let somebody in.
    fn sign_in(self, errand: Errand) -> usize {
        match self {
            Self::Postgres => 5,
            Self::Mariadb => 3,
            Self::Mysql => 3 + usize::from(errand == Errand::CheckNew),
        }
    }

    /// The fewest round trips of such a connection.
    pub(super) fn minimum(self, errand: Errand) -> usize {
        let statements = match errand {
            Errand::OwnChange => 1,
            Errand::AdminChange => 2,
            Errand::CheckCurrent | Errand::CheckNew => 0,
        };
        self.sign_in(errand) + statements
    }

    /// What the round trips beyond the fewest are for.
    pub(super) fn beyond(self, errand: Errand) -> &'static str {
        match (self, errand) {
            (_, Errand::CheckCurrent | Errand::CheckNew) => {
                "one statement: a sign-in may be good for nothing (an expired password)"
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
