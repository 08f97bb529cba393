//! What the first two bytes of an input choose.

use windlass_plugin_mysql::Mysql;
use windlass_sdk::testing::login;
use windlass_sdk::{
    Assess, AssessRequest, ChangeRequest, Endpoint, Failure, Login, Plugin, Proof, TlsMode,
};

use super::{NEW_PASSWORD, PASSWORD};
use crate::ends::Outcome;

/// The choice: the call and whose password in the two lowest bits, the rest flags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice(pub(super) u16);

impl Choice {
    pub(super) const VERIFY: u16 = 0;
    pub(super) const OWN: u16 = 1;
    pub(super) const BY_ADMINISTRATOR: u16 = 2;
    pub(super) const ALTERNATING: u16 = 3;
    pub(super) const TLS: u16 = 4;
    /// Keeps the old password; in a call that changes none, the server has to prove itself.
    pub(super) const KEEP: u16 = 8;
    pub(super) const AT_ONCE: u16 = 16;
    pub(super) const IN_PIECES: u16 = 32;
    pub(super) const SILENT: u16 = 64;
    /// The numbers of the server's packets are the input's. Else they are right.
    pub(super) const RAW: u16 = 128;
    /// In the place of a change: what stands in its way.
    pub(super) const ASSESS: u16 = 256;
    /// In the place of a change: the mark of a pair.
    pub(super) const MARK: u16 = 512;
    /// The new password may be sent as text.
    pub(super) const SEND_TEXT: u16 = 1024;
    /// Of two accounts that take turns, it is the base's.
    pub(super) const TURN_OF_BASE: u16 = 2048;

    /// Takes the choice off an input; `None` where it holds none.
    pub(super) fn take(data: &[u8]) -> Option<(Self, &[u8])> {
        let (bytes, says) = data.split_first_chunk()?;
        Some((Self(u16::from_le_bytes(*bytes)), says))
    }

    /// An input that chooses this.
    pub(super) fn before(self, says: &[&[u8]]) -> Vec<u8> {
        [&self.0.to_le_bytes()[..], &says.concat()].concat()
    }

    pub(super) fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    fn proof(self) -> Proof {
        let mutual = self.has(Self::KEEP) && self.call() != Call::Change;
        if mutual { Proof::Mutual } else { Proof::Accepted }
    }

    /// Whether nothing that this plugin knows would prove the server.
    pub(super) fn is_unprovable(self) -> bool {
        self.proof() == Proof::Mutual && !self.has(Self::TLS)
    }

    /// Whether a server may see the new password that asks for it.
    pub(super) fn may_send_text(self) -> bool {
        self.has(Self::SEND_TEXT) && self.has(Self::TLS) && self.call() == Call::Change
    }

    pub(super) fn call(self) -> Call {
        match self.0 & 3 {
            Self::VERIFY => Call::Verify,
            _ if self.has(Self::MARK) => Call::Mark,
            _ if self.has(Self::ASSESS) => Call::Assess,
            _ => Call::Change,
        }
    }

    pub(super) fn is_of_its_own(self) -> bool {
        self.0 & 3 == Self::OWN
    }

    pub(super) fn is_of_a_pair(self) -> bool {
        self.0 & 3 == Self::ALTERNATING
    }

    /// Whose password it is about, and of whom that is the other half.
    fn accounts(self) -> (&'static str, Option<&'static str>) {
        match self.0 & 3 {
            Self::VERIFY | Self::OWN => ("app", None),
            Self::BY_ADMINISTRATOR => ("it's `x`", None),
            _ if self.has(Self::TURN_OF_BASE) => ("base", Some("base_clone")),
            _ => ("base_clone", Some("base")),
        }
    }

    /// Asks the plugin for it.
    pub(super) fn ask(self, endpoint: Endpoint) -> Outcome {
        let actor = Login {
            tls: if self.has(Self::TLS) { TlsMode::Required } else { TlsMode::Disabled },
            proof: self.proof(),
            ..login(endpoint, "app", PASSWORD)
        };
        let (username, clone_of) = self.accounts();
        let (username, clone_of) = (username.to_owned(), clone_of.map(str::to_owned));
        let done = |outcome: Result<(), Failure>| outcome.map(|()| None);
        match self.call() {
            Call::Verify => done(Mysql::verify(&actor)),
            Call::Assess => Mysql::assess(&AssessRequest { actor, username, clone_of }).map(Some),
            Call::Mark => done(Mysql::mark_pair(&AssessRequest { actor, username, clone_of })),
            Call::Change => done(Mysql::change(&ChangeRequest {
                actor,
                username,
                new_password: NEW_PASSWORD.into(),
                old_password: Some(PASSWORD.into()),
                clone_of,
                keep_old_valid: self.has(Self::KEEP),
                may_send_text: self.has(Self::SEND_TEXT),
            })),
        }
    }
}

/// What is asked of the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Verify,
    Change,
    Assess,
    Mark,
}
