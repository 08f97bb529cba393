//! What a rotation costs at least: the fewest connections and round trips that the engines' protocols
//! allow. `cargo xtask bench` measures beside it.
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

/// The ways in which a password is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The user changes its own.
    SingleUser,
    /// Two users take turns, by an administrator.
    AlternatingUsers,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SingleUser, Self::AlternatingUsers];
}

/// What a connection of a rotation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
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
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OwnChange => "change the password",
            Self::AdminChange => "change it as the administrator",
            Self::CheckCurrent => "sign in with the current one",
            Self::CheckNew => "sign in with the new one",
            Self::AskForm => "ask how the user signs in",
        }
    }

    /// The fewest statements, once signed in.
    fn statements(self) -> usize {
        match self {
            Self::OwnChange => 1,
            Self::AdminChange => 2,
            Self::CheckCurrent | Self::CheckNew | Self::AskForm => 0,
        }
    }
}

/// What an engine's protocol needs.
pub struct Cost {
    /// What the connections of a rotation are for, one after the other.
    pub errands: fn(Strategy) -> &'static [Errand],
    /// The round trips until the server has let somebody in.
    pub sign_in: fn(Errand) -> usize,
    /// What the round trips beyond the fewest are for, of a connection that changes something.
    pub beyond: fn(Errand) -> &'static str,
}

impl Cost {
    /// The fewest round trips of such a connection.
    #[must_use]
    pub fn minimum(&self, errand: Errand) -> usize {
        (self.sign_in)(errand) + errand.statements()
    }

    /// What the round trips beyond the fewest are for.
    #[must_use]
    pub fn beyond(&self, errand: Errand) -> &'static str {
        match errand {
            Errand::CheckCurrent | Errand::CheckNew => {
                "one statement: a sign-in may be good for nothing (an expired password)"
            }
            Errand::AskForm => "nothing",
            Errand::OwnChange | Errand::AdminChange => (self.beyond)(errand),
        }
    }
}

/// The connections of an engine whose accounts sign in in one known way.
#[must_use]
pub fn usual_errands(strategy: Strategy) -> &'static [Errand] {
    match strategy {
        Strategy::SingleUser => &[Errand::OwnChange, Errand::CheckNew],
        Strategy::AlternatingUsers => {
            &[Errand::CheckCurrent, Errand::AdminChange, Errand::CheckNew]
        }
    }
}
