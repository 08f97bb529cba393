//! The server: it says what the input says, one message at a time.
//!
//! Two things no input can hold, because they differ each time: the client's nonce, and the proof
//! that the server knows the password. Where the input has [`NONCE`] or [`PROOF`], they are put in.

use std::io;

use windlass_sdk::testing;
use windlass_sdk::{Failure, TlsInfo};

use super::scram::Scram;
use super::{Choice, SSL_REQUEST};
use crate::connection::Shared;
use crate::holds;

/// Stands for the client's nonce, and is as long.
pub(super) const NONCE: &[u8; 24] = b"nonce-of-the-client-here";
/// Stands for the server's proof, and is as long.
pub(super) const PROOF: &[u8; 44] = b"proof-of-the-server-that-it-knows-the-secret";

/// Channel binding, where the input asks for a certificate that defines it.
pub(super) const BINDING: &[u8] = b"hash of a certificate";

/// How much comes at a time, where the input asks for pieces.
const PIECE: usize = 3;

/// Asks for the password in clear.
const ASK_CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";

/// Something that the plugin sent.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) message: Vec<u8>,
    pub(crate) in_tls: bool,
    /// Whether the server had asked for the password in clear.
    pub(crate) may_be_clear: bool,
    /// Whether the server had said no to a statement.
    pub(crate) may_be_text: bool,
}

impl Heard {
    /// The statements, if it is a query.
    pub(crate) fn query(&self) -> Option<&str> {
        let body = self.message.strip_prefix(b"Q")?.get(4..)?.strip_suffix(b"\0")?;
        std::str::from_utf8(body).ok()
    }
}

/// The input's server, and what happened to it.
#[derive(Debug)]
pub(crate) struct Server {
    choice: Choice,
    /// What is not said yet.
    rest: Vec<u8>,
    /// What the plugin has not taken yet of a message that comes in pieces.
    pieces: Vec<u8>,
    in_tls: bool,
    pub(crate) asked_for_clear: bool,
    said_no: bool,
    all_said: Vec<u8>,
    pub(crate) heard: Vec<Heard>,
    pub(super) scram: Scram,
}

impl Server {
    pub(crate) fn new(choice: Choice, says: &[u8]) -> Self {
        Self {
            choice,
            rest: says.to_vec(),
            pieces: Vec::new(),
            in_tls: false,
            asked_for_clear: false,
            said_no: false,
            all_said: Vec::new(),
            heard: Vec::new(),
            scram: Scram::default(),
        }
    }

    /// Whether the plugin was told this.
    pub(crate) fn said(&self, bytes: &[u8]) -> bool {
        holds(&self.all_said, bytes)
    }

    /// The statements that it was asked to run.
    pub(crate) fn queries(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.heard.iter().filter_map(Heard::query)
    }

    /// How much of the input was never said.
    pub(crate) fn unsaid(&self) -> usize {
        self.rest.len()
    }

    /// Whether more than the answer came, in clear, to the request for TLS.
    pub(crate) fn slipped_in(&self) -> bool {
        self.choice.has(Choice::TLS) && self.choice.has(Choice::AT_ONCE) && self.all_said.len() > 1
    }

    /// The next message, or the one byte that answers a request for TLS; whatever is left where
    /// that is no message.
    fn next(&mut self) -> Vec<u8> {
        let asked_for_tls = self.heard.last().is_some_and(|last| last.message == SSL_REQUEST);
        let length = match *self.rest.as_slice() {
            [..] if self.choice.has(Choice::AT_ONCE) => self.rest.len(),
            [..] if asked_for_tls && !self.in_tls => 1,
            [_, a, b, c, d, ..] => {
                let length = u32::from_be_bytes([a, b, c, d]);
                usize::try_from(length).map_or(usize::MAX, |length| length.saturating_add(1))
            }
            _ => self.rest.len(),
        };
        let rest = self.rest.split_off(length.min(self.rest.len()));
        let mut next = std::mem::replace(&mut self.rest, rest);
        put(&mut next, NONCE, self.scram.nonce());
        put(&mut next, PROOF, self.scram.proof().as_deref());
        self.scram.server_said(&next);
        self.asked_for_clear |= next == ASK_CLEARTEXT;
        self.said_no |= next.first() == Some(&b'E') && self.queries().next().is_some();
        self.all_said.extend(&next);
        next
    }
}

/// Replaces `mark` in `text`, once, by something as long.
fn put(text: &mut [u8], mark: &[u8], by: Option<&str>) {
    let at = text.windows(mark.len()).position(|window| window == mark);
    if let (Some(at), Some(by)) = (at, by.filter(|by| by.len() == mark.len())) {
        text[at..at + mark.len()].copy_from_slice(by.as_bytes());
    }
}

impl testing::Server for Server {
    fn hear(&mut self, data: &[u8]) {
        self.scram.client_said(data);
        self.heard.push(Heard {
            message: data.to_vec(),
            in_tls: self.in_tls,
            may_be_clear: self.asked_for_clear,
            may_be_text: self.said_no,
        });
    }

    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        self.in_tls = true;
        let binding = self.choice.has(Choice::BINDING).then(|| BINDING.to_vec());
        Ok(TlsInfo { tls_server_end_point: binding })
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
    fn resume(&mut self, in_tls: bool) {
        self.in_tls = in_tls;
    }
}
