//! Where messages begin in a connection over TLS.
//!
//! What is said before TLS, one message of either side, is a message by itself; what follows are TLS
//! records, whose headers are not encrypted. Unlike turns, records don't depend on who was faster:
//! the same conversation has the same number of them each time.

use super::{Direction, Opening};

/// PostgreSQL's request for TLS: its length and a code, four bytes each.
const TLS_REQUEST: usize = 8;

/// PostgreSQL's answer: `S` or `N`.
const TLS_ANSWER: usize = 1;

/// Type, version (two bytes), length (two bytes).
const HEADER: usize = 5;

/// One direction of a connection, read as far as it has come.
#[derive(Debug)]
pub(super) struct Records {
    /// How long the first message is; `None`: as it says itself, in the way of MySQL's packets.
    first: Option<usize>,
    begun: u32,
    /// Of the message that has begun, as far as it has come.
    header: Vec<u8>,
    /// Bytes of the message that are still to come, after its header.
    left: usize,
}

impl Records {
    pub(super) fn new(direction: Direction, opening: Opening) -> Self {
        let first = match (opening, direction) {
            (Opening::Postgres, Direction::ToServer) => Some(TLS_REQUEST),
            (Opening::Postgres, Direction::ToClient) => Some(TLS_ANSWER),
            (Opening::Mysql, _) => None,
        };
        Self { first, begun: 0, header: Vec::with_capacity(HEADER), left: 0 }
    }

    /// How many messages have begun.
    pub(super) fn begun(&self) -> u32 {
        self.begun
    }

    /// Reads on, but not beyond the beginning of message `stop`; returns how much was read.
    pub(super) fn read(&mut self, bytes: &[u8], stop: Option<u32>) -> usize {
        for (position, &byte) in bytes.iter().enumerate() {
            if self.left == 0 && self.header.is_empty() {
                self.begun += 1;
                if stop.is_some_and(|stop| self.begun >= stop) {
                    return position;
                }
                if self.begun == 1 {
                    self.left = self.first.unwrap_or_default();
                }
            }
            if self.left > 0 {
                self.left -= 1;
                continue;
            }
            self.header.push(byte);
            if let Some(length) = self.announced() {
                self.left = length;
                self.header.clear();
            }
        }
        bytes.len()
    }

    /// How much follows the header, once it is complete.
    fn announced(&self) -> Option<usize> {
        match self.header[..] {
            [low, middle, high, _] if self.begun == 1 => {
                let length = u32::from_le_bytes([low, middle, high, 0]);
                usize::try_from(length).ok()
            }
            [_, _, _, high, low] => Some(usize::from(u16::from_be_bytes([high, low]))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said before TLS, then records of 1, 300 and 2 bytes.
    fn conversation(opening: Opening) -> Vec<u8> {
        let first = match opening {
            Opening::Postgres => vec![0; TLS_REQUEST],
            Opening::Mysql => [&[4, 0, 0, 1][..], &[7; 4]].concat(),
        };
        let record = |length: u16| {
            let mut record = vec![22, 3, 3];
            record.extend(length.to_be_bytes());
            record.extend(vec![7; usize::from(length)]);
            record
        };
        [first, record(1), record(300), record(2)].concat()
    }

    #[test]
    fn messages_are_counted_however_they_are_cut_into_pieces() {
        for opening in [Opening::Postgres, Opening::Mysql] {
            let bytes = conversation(opening);
            for piece in 1..bytes.len() {
                let mut records = Records::new(Direction::ToServer, opening);
                for chunk in bytes.chunks(piece) {
                    assert_eq!(records.read(chunk, None), chunk.len());
                }
                assert_eq!(records.begun(), 4, "{opening:?}, pieces of {piece}");
            }
        }
    }

    #[test]
    fn reading_stops_before_the_message_that_it_is_told() {
        for opening in [Opening::Postgres, Opening::Mysql] {
            for (stop, expected) in [(1, 0), (2, 8), (3, 14), (4, 319), (5, 326)] {
                let mut records = Records::new(Direction::ToServer, opening);
                assert_eq!(records.read(&conversation(opening), Some(stop)), expected);
            }
        }
    }
}
