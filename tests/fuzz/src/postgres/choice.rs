//! What the first two bytes of an input choose.

use windlass_sdk::testing::login;
use windlass_sdk::{
    Assess, AssessRequest, ChangeRequest, Endpoint, Failure, Login, Proof, TlsMode,
};

use super::{NEW_PASSWORD, PASSWORD};
use crate::ends::Outcome;

/// The choice: the call and whose password in the two lowest bits, the rest flags.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice(pub(crate) u16);

impl Choice {
    pub(crate) const VERIFY: u16 = 0;
    pub(crate) const OWN: u16 = 1;
    pub(crate) const BY_ADMINISTRATOR: u16 = 2;
    pub(crate) const ALTERNATING: u16 = 3;
    pub(crate) const TLS: u16 = 4;
    /// The server's certificate can be bound to a sign-in.
    pub(crate) const BINDING: u16 = 8;
    pub(crate) const AT_ONCE: u16 = 16;
    pub(crate) const IN_PIECES: u16 = 32;
    pub(crate) const SILENT: u16 = 64;
    /// The server has to prove itself.
    pub(crate) const MUTUAL: u16 = 128;
    /// In the place of a change: what stands in its way.
    pub(crate) const ASSESS: u16 = 256;
    /// In the place of a change: the mark of a pair.
    pub(crate) const MARK: u16 = 512;
    /// The new password may be sent as text.
    pub(crate) const SEND_TEXT: u16 = 1024;
    /// Of two accounts that take turns, it is the base's.
    pub(crate) const TURN_OF_BASE: u16 = 2048;

    /// Takes the choice off an input; `None` where it holds none.
    pub(crate) fn take(data: &[u8]) -> Option<(Self, &[u8])> {
        let (bytes, says) = data.split_first_chunk()?;
        Some((Self(u16::from_le_bytes(*bytes)), says))
    }

    /// An input that chooses this.
    pub(crate) fn before(self, says: &[&[u8]]) -> Vec<u8> {
        [&self.0.to_le_bytes()[..], &says.concat()].concat()
    }

    pub(crate) fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    /// Whether nothing but the method of signing in could prove the server.
    pub(crate) fn must_be_proved(self) -> bool {
        self.has(Self::MUTUAL) && !self.has(Self::TLS)
    }

    /// Whether a server may see the new password that asks for it.
    pub(crate) fn may_send_text(self) -> bool {
        self.has(Self::SEND_TEXT) && self.has(Self::TLS) && self.call() == Call::Change
    }

    pub(crate) fn call(self) -> Call {
        match self.0 & 3 {
            Self::VERIFY => Call::Verify,
            _ if self.has(Self::MARK) => Call::Mark,
            _ if self.has(Self::ASSESS) => Call::Assess,
            _ => Call::Change,
        }
    }

    pub(crate) fn is_of_a_pair(self) -> bool {
        self.0 & 3 == Self::ALTERNATING
    }

    /// Whose password it is about, and of whom that is the other half.
    fn accounts(self) -> (&'static str, Option<&'static str>) {
        match self.0 & 3 {
            Self::VERIFY | Self::OWN => ("app", None),
            Self::BY_ADMINISTRATOR => ("it's \"x\"", None),
            _ if self.has(Self::TURN_OF_BASE) => ("base", Some("base_clone")),
            _ => ("base_clone", Some("base")),
        }
    }

    /// Asks a plugin of this protocol for it.
    pub(super) fn ask<P: Assess>(self, endpoint: Endpoint) -> Outcome {
        let actor = Login {
            tls: if self.has(Self::TLS) { TlsMode::Required } else { TlsMode::Disabled },
            proof: if self.has(Self::MUTUAL) { Proof::Mutual } else { Proof::Accepted },
            ..login(endpoint, "app", PASSWORD)
        };
        let (username, clone_of) = self.accounts();
        let (username, clone_of) = (username.to_owned(), clone_of.map(str::to_owned));
        let done = |outcome: Result<(), Failure>| outcome.map(|()| None);
        match self.call() {
            Call::Verify => done(P::verify(&actor)),
            Call::Assess => P::assess(&AssessRequest { actor, username, clone_of }).map(Some),
            Call::Mark => done(P::mark_pair(&AssessRequest { actor, username, clone_of })),
            Call::Change => done(P::change(&ChangeRequest {
                actor,
                username,
                new_password: NEW_PASSWORD.into(),
                old_password: None,
                clone_of,
                keep_old_valid: false,
                may_send_text: self.has(Self::SEND_TEXT),
            })),
        }
    }
}

/// What is asked of the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Verify,
    Change,
    Assess,
    Mark,
}
