//! The server of a case, and what it saw.

use std::collections::VecDeque;
use std::io;

use super::Words;
use super::format::Turn;
use crate::testing::Server;
use crate::{Failure, TlsInfo};

/// What an endless server hands over at a time.
pub(super) const CHUNK: usize = 64 * 1024;

/// A server that does what its turns say.
pub(super) struct Hostile {
    turns: VecDeque<Turn>,
    words: Words,
    in_tls: bool,
    pub(super) heard: Vec<u8>,
    pub(super) heard_in_clear: Vec<u8>,
    /// How many times the plugin sent something; what it sends without a wait between counts once.
    pub(super) sent: usize,
    is_hearing: bool,
    /// How much was read since something was sent.
    read: usize,
    pub(super) most_read: usize,
    /// A word that the plugin's test does not know.
    pub(super) unknown: Option<String>,
}

impl Hostile {
    pub(super) fn new(turns: VecDeque<Turn>, words: Words) -> Self {
        Self {
            turns,
            words,
            in_tls: false,
            heard: Vec::new(),
            heard_in_clear: Vec::new(),
            sent: 0,
            is_hearing: false,
            read: 0,
            most_read: 0,
            unknown: None,
        }
    }
}

impl Server for Hostile {
    fn hear(&mut self, data: &[u8]) {
        self.sent += usize::from(!self.is_hearing);
        self.is_hearing = true;
        self.heard.extend(data);
        if !self.in_tls {
            self.heard_in_clear.extend(data);
        }
        self.read = 0;
    }

    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        self.in_tls = true;
        Ok(TlsInfo::default())
    }

    fn speak(&mut self) -> io::Result<Vec<u8>> {
        self.is_hearing = false;
        let said = match self.turns.pop_front() {
            None => Vec::new(),
            Some(Turn::Silent) => return Err(io::ErrorKind::TimedOut.into()),
            Some(Turn::Says(said)) => said,
            Some(Turn::Word { word, argument }) => (self.words)(&word, &argument, &self.heard)
                .unwrap_or_else(|| {
                    self.unknown = Some(word);
                    Vec::new()
                }),
            Some(Turn::Repeats(message)) => {
                let said = message.repeat(CHUNK.div_ceil(message.len().max(1)));
                self.turns.push_front(Turn::Repeats(message));
                said
            }
        };
        self.read += said.len();
        self.most_read = self.most_read.max(self.read);
        Ok(said)
    }
}
