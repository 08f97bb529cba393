//! The server: it says what the input says, one packet at a time.
//!
//! A packet out of order ends a conversation at once, and chance would seldom number them right; so
//! the numbers are put in, unless the input wants its own.

use std::io;

use windlass_sdk::testing;
use windlass_sdk::{Failure, TlsInfo};

use super::Choice;
use crate::connection::Shared;

/// How much comes at a time, where the input asks for pieces.
const PIECE: usize = 3;

/// Length (three bytes) and number.
const HEADER: usize = 4;

/// The method of one's whole password, as a server switches to it.
const SWITCH_TO_SHA256: &[u8] = b"\xfesha256_password\0";

/// caching_sha2_password: the server needs the password itself.
const FULL_AUTHENTICATION: &[u8] = &[1, 4];

const QUERY: u8 = 3;

/// A packet that the plugin sent.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) message: Vec<u8>,
    pub(super) in_tls: bool,
    /// Whether the server had just asked for the password itself.
    pub(super) may_be_clear: bool,
}

impl Heard {
    /// Whether it is a statement, readable or not.
    pub(super) fn is_query(&self) -> bool {
        matches!(self.message.as_slice(), [_, _, _, 0, QUERY, ..])
    }

    /// The statement, if it is one.
    pub(super) fn query(&self) -> Option<&str> {
        match self.message.as_slice() {
            [_, _, _, 0, QUERY, statement @ ..] => std::str::from_utf8(statement).ok(),
            _ => None,
        }
    }
}

/// The input's server, and what happened to it.
#[derive(Debug)]
pub(super) struct Server {
    choice: Choice,
    /// What is not said yet.
    rest: Vec<u8>,
    /// What the plugin has not taken yet of a packet that comes in pieces.
    pieces: Vec<u8>,
    /// The number of the next packet.
    number: u8,
    in_tls: bool,
    asked_for_clear: bool,
    pub(super) all_said: Vec<u8>,
    pub(super) heard: Vec<Heard>,
}

impl Server {
    pub(super) fn new(choice: Choice, says: &[u8]) -> Self {
        Self {
            choice,
            rest: says.to_vec(),
            pieces: Vec::new(),
            number: 0,
            in_tls: false,
            asked_for_clear: false,
            all_said: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// Whether the plugin was told this.
    pub(super) fn said(&self, bytes: &[u8]) -> bool {
        crate::holds(&self.all_said, bytes)
    }

    /// What was heard of the sign-in, and what was heard since the first statement.
    pub(super) fn sign_in(&self) -> (&[Heard], &[Heard]) {
        let first = self.heard.iter().position(|heard| heard.query().is_some());
        self.heard.split_at(first.unwrap_or(self.heard.len()))
    }

    /// The statements that it was asked to run.
    pub(super) fn queries(&self) -> impl Iterator<Item = &str> {
        self.heard.iter().filter_map(Heard::query)
    }

    /// How much of the input was never said.
    pub(super) fn unsaid(&self) -> usize {
        self.rest.len()
    }

    /// The next packet, or all that is left.
    fn next(&mut self) -> Vec<u8> {
        let length = match *self.rest.as_slice() {
            [..] if self.choice.has(Choice::AT_ONCE) => self.rest.len(),
            [low, middle, high, _, ..] => {
                let length = u32::from_le_bytes([low, middle, high, 0]);
                usize::try_from(length).map_or(usize::MAX, |length| length + HEADER)
            }
            _ => self.rest.len(),
        };
        let rest = self.rest.split_off(length.min(self.rest.len()));
        let mut next = std::mem::replace(&mut self.rest, rest);
        if !self.choice.has(Choice::RAW) {
            self.renumber(&mut next);
        }
        let asks =
            |packet: &[u8]| packet == FULL_AUTHENTICATION || packet.starts_with(SWITCH_TO_SHA256);
        // All at once may ask anywhere.
        self.asked_for_clear |=
            self.choice.has(Choice::AT_ONCE) || next.get(HEADER..).is_some_and(asks);
        self.all_said.extend(&next);
        next
    }

    /// Numbers the packets in these bytes on.
    fn renumber(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        while let [low, middle, high, number, ..] = rest {
            *number = self.number;
            self.number = self.number.wrapping_add(1);
            let length = u32::from_le_bytes([*low, *middle, *high, 0]);
            let end = usize::try_from(length).map_or(usize::MAX, |length| length + HEADER);
            rest = rest.get_mut(end..).unwrap_or_default();
        }
    }
}

impl testing::Server for Server {
    fn hear(&mut self, data: &[u8]) {
        let (in_tls, may_be_clear) = (self.in_tls, self.asked_for_clear);
        if let Some(number) = data.get(HEADER - 1) {
            self.number = number.wrapping_add(1);
        }
        self.heard.push(Heard { message: data.to_vec(), in_tls, may_be_clear });
    }

    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        self.in_tls = true;
        Ok(TlsInfo { tls_server_end_point: None })
    }

    fn speak(&mut self) -> io::Result<Vec<u8>> {
        if self.pieces.is_empty() {
            self.pieces = self.next();
        }
        if self.pieces.is_empty() && self.choice.has(Choice::SILENT) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let all = self.pieces.len();
        let now = if self.choice.has(Choice::IN_PIECES) { all.min(PIECE) } else { all };
        let later = self.pieces.split_off(now);
        Ok(std::mem::replace(&mut self.pieces, later))
    }
}

impl Shared for Server {
    fn begin(&mut self) {
        self.number = 0;
        self.asked_for_clear = false;
    }

    fn resume(&mut self, in_tls: bool) {
        self.in_tls = in_tls;
    }
}
