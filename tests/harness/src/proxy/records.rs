//! Where messages begin in a PostgreSQL connection over TLS.
//!
//! The request for TLS and its one-byte answer come first and are messages by themselves; what
//! follows are TLS records, whose headers are not encrypted. Unlike turns, records don't depend on
//! who was faster: the same conversation has the same number of them each time.

use super::Direction;

/// The request for TLS: its length and a code, four bytes each.
const TLS_REQUEST: usize = 8;

/// The answer: `S` or `N`.
const TLS_ANSWER: usize = 1;

/// Type, version (two bytes), length (two bytes).
const HEADER: usize = 5;

/// One direction of a connection, read as far as it has come.
#[derive(Debug)]
pub(super) struct Records {
    first: usize,
    begun: u32,
    header: Vec<u8>,
    /// Bytes of the message that are still to come, after its header.
    left: usize,
}

impl Records {
    pub(super) fn new(direction: Direction) -> Self {
        let first = match direction {
            Direction::ToServer => TLS_REQUEST,
            Direction::ToClient => TLS_ANSWER,
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
                    self.left = self.first;
                }
            }
            if self.left > 0 {
                self.left -= 1;
                continue;
            }
            self.header.push(byte);
            if let [_, _, _, high, low] = self.header[..] {
                self.left = usize::from(u16::from_be_bytes([high, low]));
                self.header.clear();
            }
        }
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request for TLS, then records of 1, 300 and 2 bytes.
    fn conversation() -> Vec<u8> {
        let record = |length: u16| {
            let mut record = vec![22, 3, 3];
            record.extend(length.to_be_bytes());
            record.extend(vec![7; usize::from(length)]);
            record
        };
        [vec![0; TLS_REQUEST], record(1), record(300), record(2)].concat()
    }

    #[test]
    fn messages_are_counted_however_they_are_cut_into_pieces() {
        let bytes = conversation();
        for piece in 1..bytes.len() {
            let mut records = Records::new(Direction::ToServer);
            for chunk in bytes.chunks(piece) {
                assert_eq!(records.read(chunk, None), chunk.len());
            }
            assert_eq!(records.begun(), 4, "pieces of {piece}");
        }
    }

    #[test]
    fn reading_stops_before_the_message_that_it_is_told() {
        for (stop, expected) in [(1, 0), (2, 8), (3, 14), (4, 319), (5, 326)] {
            let mut records = Records::new(Direction::ToServer);
            assert_eq!(records.read(&conversation(), Some(stop)), expected);
        }
    }
}
