//! Packets of the MySQL protocol over any byte stream.
//!
//! A packet's announced length is checked before a byte is allocated for it, its number must follow
//! its predecessor, and everything that answers one command shares one budget, so that no server can
//! fill the memory or keep this side reading. Packets continued in a next one (16 MiB and more) are
//! refused: nothing that is asked for here is that long.

use std::io::{Read, Write};

use windlass_sdk::Failure;

/// The longest packet that is read, in bytes: the grants on one table name each of its columns, 4096
/// of 64 characters at most.
const PACKET_MAX: usize = 512 * 1024;

/// What may answer one command, in bytes: the grants of an account on 20000 tables. The host hands
/// over 8 MiB in all.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// The longest packet that is sent. A server takes 4 MiB at least unless configured otherwise; a statement
/// of ours names one object.
const SENT_MAX: usize = 1024 * 1024;

/// A stream of packets.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    /// The number of the next packet, whoever sends it.
    next: u8,
    /// How much of [`ANSWER_MAX`] the current answer has left.
    left: usize,
}

impl<S: Read + Write> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, next: 0, left: ANSWER_MAX }
    }

    /// The stream below, for what is no packet: TLS.
    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Sends a packet that begins a new exchange.
    pub(crate) fn command(&mut self, payload: &[u8]) -> Result<(), Failure> {
        self.next = 0;
        self.left = ANSWER_MAX;
        self.send(payload)
    }

    /// Sends the next packet of an exchange.
    pub(crate) fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        let [low, middle, high, 0] = length else { return Err(too_long()) };
        if payload.len() > SENT_MAX {
            return Err(too_long());
        }
        let mut packet = vec![low, middle, high, self.next];
        packet.extend(payload);
        self.next = self.next.wrapping_add(1);
        self.stream.write_all(&packet)?;
        Ok(())
    }

    /// The next packet of the exchange; never empty.
    pub(crate) fn receive(&mut self) -> Result<Vec<u8>, Failure> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header)?;
        let [low, middle, high, number] = header;
        let length =
            usize::try_from(u32::from_le_bytes([low, middle, high, 0])).unwrap_or(usize::MAX);
        if length == 0 || length > PACKET_MAX || number != self.next {
            return Err(Failure::protocol(format!(
                "the server announced packet {number} of {length} bytes where packet {} of {} \
                 bytes at most is due: either it is neither MySQL nor MariaDB, or something \
                 between changed the bytes",
                self.next, PACKET_MAX
            )));
        }
        self.left = self.left.checked_sub(header.len() + length).ok_or_else(too_much)?;
        self.next = number.wrapping_add(1);
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        Ok(payload)
    }

    /// Counts what it costs to keep a part of the current answer, beyond its bytes: many rows of
    /// nothing fill the memory as well.
    pub(crate) fn keep(&mut self, bytes: usize) -> Result<(), Failure> {
        self.left = self.left.checked_sub(bytes).ok_or_else(too_much)?;
        Ok(())
    }
}

fn too_much() -> Failure {
    Failure::protocol(format!("the server's answer is longer than {ANSWER_MAX} bytes"))
}

fn too_long() -> Failure {
    Failure::invalid_secret(format!(
        "a statement would be longer than {SENT_MAX} bytes: a name or a password is too long"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};

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

    fn wire(bytes: &[u8]) -> Wire<Fixed> {
        Wire::new(Fixed(Cursor::new(bytes.to_vec())))
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_is_allocated() {
        for header in [&[0xff, 0xff, 0xff, 0], &[1, 0, 8, 0], &[0, 0, 0, 0], b"HTTP"] {
            let failure = wire(header).receive().unwrap_err();
            assert_eq!(failure.kind, FailureKind::Protocol);
            assert!(failure.message.contains("neither MySQL nor MariaDB"), "{failure}");
        }
    }

    #[test]
    fn packets_come_in_order() {
        let mut in_order = wire(b"\x01\0\0\0a\x01\0\0\x01b");
        assert_eq!((in_order.receive(), in_order.receive()), (Ok(b"a".into()), Ok(b"b".into())));
        let mut twice = wire(b"\x01\0\0\0a\x01\0\0\0b");
        twice.receive().unwrap();
        assert_eq!(twice.receive().unwrap_err().kind, FailureKind::Protocol);
    }

    #[test]
    fn the_number_of_a_packet_wraps() {
        let mut bytes = Vec::new();
        for number in 0..=256_u32 {
            bytes.extend([1, 0, 0, u8::try_from(number % 256).unwrap(), b'x']);
        }
        let mut wire = wire(&bytes);
        for _ in 0..=256 {
            wire.receive().unwrap();
        }
    }

    #[test]
    fn a_cut_packet_is_unreachable() {
        for bytes in [&b""[..], b"\x05\0", b"\x05\0\0\0ab"] {
            assert_eq!(wire(bytes).receive().unwrap_err().kind, FailureKind::Unreachable);
        }
    }

    #[test]
    fn packets_without_end_are_not_read_without_end() {
        let mut bytes = Vec::new();
        for number in 0..=(ANSWER_MAX / (4 + 65536)) {
            bytes.extend([0, 0, 1, u8::try_from(number % 256).unwrap()]);
            bytes.extend(vec![0; 65536]);
        }
        let mut wire = wire(&bytes);
        let failure = std::iter::repeat_with(|| wire.receive()).find_map(Result::err).unwrap();
        assert!(failure.message.contains("longer than"), "{failure}");
    }

    #[test]
    fn a_packet_that_is_too_long_is_not_sent() {
        for length in [SENT_MAX + 1, 0x0100_0000] {
            let failure = wire(b"").send(&vec![0; length]).unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidSecret);
        }
    }
}
