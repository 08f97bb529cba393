//! Reading a packet's fields: every read is checked, nothing is trusted to be there.

use windlass_sdk::Failure;

/// What is left of a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(packet: &'a [u8]) -> Self {
        Self(packet)
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(too_short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Failure> {
        let (first, rest) = self.0.split_first().ok_or_else(too_short)?;
        self.0 = rest;
        Ok(*first)
    }

    /// A number of `count` bytes, at most eight, the lowest first.
    pub(crate) fn number(&mut self, count: usize) -> Result<u64, Failure> {
        let bytes = self.take(count)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// A length-encoded number; `None` is NULL.
    pub(crate) fn length(&mut self) -> Result<Option<u64>, Failure> {
        Ok(Some(match self.byte()? {
            small @ 0..=0xfa => u64::from(small),
            0xfb => return Ok(None),
            0xfc => self.number(2)?,
            0xfd => self.number(3)?,
            0xfe => self.number(8)?,
            0xff => {
                return Err(Failure::protocol(
                    "the server sent a length that the protocol does not allow",
                ));
            }
        }))
    }

    /// Bytes with their length before them; `None` is NULL.
    pub(crate) fn counted(&mut self) -> Result<Option<&'a [u8]>, Failure> {
        match self.length()? {
            Some(length) => self.take(usize::try_from(length).unwrap_or(usize::MAX)).map(Some),
            None => Ok(None),
        }
    }

    /// Bytes up to the next zero, which is passed over.
    pub(crate) fn terminated(&mut self) -> Result<&'a [u8], Failure> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or_else(too_short)?;
        let text = self.take(end)?;
        self.byte()?;
        Ok(text)
    }

    /// Everything that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}

fn too_short() -> Failure {
    Failure::protocol("the server sent a packet that is too short")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_lowest_byte_first() {
        let mut fields = Fields::new(&[1, 0x34, 0x12, 0xfc, 0x01, 0x02, 0xfb, 0xfd, 1, 0, 0, 7]);
        assert_eq!(fields.byte(), Ok(1));
        assert_eq!(fields.number(2), Ok(0x1234));
        assert_eq!(fields.length(), Ok(Some(0x201)));
        assert_eq!(fields.length(), Ok(None));
        assert_eq!(fields.counted(), Ok(Some(&[7][..])));
        assert!(fields.rest().is_empty());
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        for bytes in [
            &[][..],
            &[0xfc, 1],
            &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xfd, 0xff, 0xff, 0xff],
            &[5, 1, 2],
            &[0xff],
        ] {
            assert!(Fields::new(bytes).counted().is_err(), "{bytes:?}");
        }
        assert!(Fields::new(b"no end").terminated().is_err());
    }
}
