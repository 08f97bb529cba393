//! Messages of the PostgreSQL protocol over any byte stream.
//!
//! A message's announced length is checked before a byte is allocated for it, and everything that
//! answers one request shares one budget, so that no server can fill the memory or keep this side
//! reading. Messages that a server may send at any time and that mean nothing here (notices,
//! notifications, parameter values but one) count against the budget and are dropped.

use std::io::{self, Read, Write};

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;
use windlass_sdk::{During, Failure};

/// The longest message that is read, in bytes. libpq takes 30000 for an error during sign-in, and
/// the longest of ours is a row with one setting of a role.
const MESSAGE_MAX: usize = 64 * 1024;

/// What may answer one request, in bytes, headers included. Eight settings of a role in each of a
/// thousand databases come to about half of it.
const ANSWER_MAX: usize = 1024 * 1024;

/// Tag of the answer to a protocol version or option that the server does not know. It does not
/// end the sign-in, and nothing optional was asked for.
const NEGOTIATE_PROTOCOL_VERSION: u8 = b'v';

/// A stream of messages.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    /// What the service is called.
    product: &'static str,
    /// How much of [`ANSWER_MAX`] the current answer has left.
    left: usize,
    /// Whose session it is, as the server reports it.
    session_user: Option<Vec<u8>>,
}

impl<S: Read + Write> Wire<S> {
    /// Messages over `stream`, from and to a service of this name.
    pub fn new(stream: S, product: &'static str) -> Self {
        Self { stream, product, left: ANSWER_MAX, session_user: None }
    }

    /// Sends one or more whole messages, made by `write`. The answer to them has a fresh budget.
    ///
    /// # Errors
    /// What the stream says, and `invalid-secret` for a text that the protocol has no form for.
    pub fn send(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut buffer = BytesMut::new();
        // What can't be encoded is a zero byte in a string of ours, which was refused before.
        write(&mut buffer).map_err(|error| Failure::invalid_secret(error.to_string()))?;
        self.left = ANSWER_MAX;
        self.stream.write_all(&buffer)?;
        Ok(())
    }

    /// The next message that answers something.
    ///
    /// # Errors
    /// What the stream says; `protocol` for what is no message, or too long.
    pub fn receive(&mut self) -> Result<Message, Failure> {
        self.receive_raw().and_then(parse)
    }

    /// Whose session it is, where the server has reported it without being asked.
    pub(crate) fn session_user(&self) -> Option<&[u8]> {
        self.session_user.as_deref()
    }

    /// The next message that answers something, whole but unread.
    pub(crate) fn receive_raw(&mut self) -> Result<BytesMut, Failure> {
        loop {
            let message = self.raw_message()?;
            if let Some(user) = reported_user(&message) {
                self.session_user = Some(user.to_vec());
            }
            if !matches!(message.first(), Some(b'N' | b'S' | b'A' | &NEGOTIATE_PROTOCOL_VERSION)) {
                return Ok(message);
            }
        }
    }

    /// Header and body of the next message.
    fn raw_message(&mut self) -> Result<BytesMut, Failure> {
        let mut header = [0; 5];
        self.stream.read_exact(&mut header)?;
        let [tag, length @ ..] = header;
        // The length counts its own four bytes, but not the tag.
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let Some(body) = length.checked_sub(4).filter(|_| length <= MESSAGE_MAX) else {
            return Err(Failure::protocol(format!(
                "the server announced a message of {length} bytes (type {:?}): either it is not \
                 {}, or something between changed the bytes",
                char::from(tag),
                self.product
            ))
            .with_remedy(format!(
                "set \"host\" and \"port\" in the secret to those where {} listens",
                self.product
            )));
        };
        self.left = self.left.checked_sub(header.len() + body).ok_or_else(|| {
            Failure::protocol(format!("the server's answer is longer than {ANSWER_MAX} bytes"))
        })?;
        let mut message = BytesMut::zeroed(header.len() + body);
        let (start, rest) = message.split_at_mut(header.len());
        start.copy_from_slice(&header);
        self.stream.read_exact(rest)?;
        Ok(message)
    }
}

/// The value of the parameter by which a server reports whose session it is; `None` for every other
/// message.
fn reported_user(message: &[u8]) -> Option<&[u8]> {
    let parameter = message.strip_prefix(b"S")?.get(4..)?;
    parameter.strip_prefix(b"session_authorization\0")?.strip_suffix(b"\0")
}

/// Reads a whole message.
///
/// # Errors
/// `protocol` for bytes that are not a message. The parser reports a message that ends early as an
/// early end of the stream; this one is whole, so whatever it says is a fault of the peer's.
pub fn parse(mut message: BytesMut) -> Result<Message, Failure> {
    match Message::parse(&mut message) {
        Ok(Some(parsed)) => Ok(parsed),
        Ok(None) => Err(Failure::protocol("the server sent a message that is too short")),
        Err(error) => Err(Failure::protocol(error.to_string())),
    }
    .during("reading the server's answer")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use windlass_sdk::FailureKind;

    use super::*;

    /// Answers with fixed bytes, and swallows what is written.
    struct Fixed(Cursor<Vec<u8>>);

    impl Read for Fixed {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Fixed {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            Ok(data.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn received(bytes: &[u8]) -> Result<Message, Failure> {
        Wire::new(Fixed(Cursor::new(bytes.to_vec())), "PostgreSQL").receive()
    }

    fn failure(bytes: &[u8]) -> Failure {
        received(bytes).map(drop).unwrap_err()
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_is_allocated() {
        for length in [0xffff_ffff_u32, 0x7fff_ffff, 64 * 1024 + 1] {
            let mut bytes = vec![b'R'];
            bytes.extend(length.to_be_bytes());
            let failure = failure(&bytes);
            assert_eq!(failure.kind, FailureKind::Protocol);
            assert!(failure.message.contains(&length.to_string()), "{failure}");
        }
    }

    #[test]
    fn a_length_that_does_not_hold_itself_is_refused() {
        assert_eq!(failure(b"R\0\0\0\x03").kind, FailureKind::Protocol);
    }

    #[test]
    fn another_protocol_is_named_as_such() {
        assert!(failure(b"HTTP/1.1 400 Bad Request\r\n").message.contains("not PostgreSQL"));
    }

    #[test]
    fn a_cut_message_is_unreachable_and_a_short_one_is_a_protocol_failure() {
        assert_eq!(failure(b"R\0\0\0\x08\0\0").kind, FailureKind::Unreachable);
        assert_eq!(failure(b"R\0\0\0\x06\0\0").kind, FailureKind::Protocol);
        assert_eq!(failure(b"S\0").kind, FailureKind::Unreachable);
        assert_eq!(failure(b"").kind, FailureKind::Unreachable);
    }

    #[test]
    fn messages_that_may_come_at_any_time_are_passed_over() {
        let mut bytes = Vec::new();
        for tag in [b'N', b'S', b'A', b'v'] {
            bytes.extend([tag, 0, 0, 0, 6, b'x', 0]);
        }
        bytes.extend(b"Z\0\0\0\x05I");
        assert!(matches!(received(&bytes), Ok(Message::ReadyForQuery(_))));
    }

    #[test]
    fn notices_without_end_are_not_read_without_end() {
        let notice = b"N\0\0\0\x04".repeat(ANSWER_MAX / 5 + 1);
        let failure = failure(&notice);
        assert_eq!(failure.kind, FailureKind::Protocol);
        assert!(failure.message.contains("longer than"), "{failure}");
    }

    #[test]
    fn each_request_has_its_own_budget() {
        let mut wire = Wire::new(Fixed(Cursor::new(b"n\0\0\0\x04".repeat(3))), "PostgreSQL");
        wire.left = 7;
        assert!(wire.receive().is_ok());
        wire.send(|_| Ok(())).unwrap();
        assert!(wire.receive().is_ok());
        assert_eq!(wire.left, ANSWER_MAX - 5);
    }
}
