//! The length before each message: seven bits a byte, the lowest first, and the high bit set in
//! all bytes but the last.

/// The longest message body there is, in bytes.
pub(crate) const LONGEST: usize = 0x7fff_ffff;

/// The longest prefix, in bytes.
pub(crate) const WIDEST: usize = 5;

/// What the beginning of a stream says about the message there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// More bytes are needed to know.
    Unfinished,
    /// The length of the prefix and the length of the body, both in bytes.
    Lengths(usize, usize),
    /// A length above [`LONGEST`].
    TooLong,
}

/// Reads the prefix at the beginning of `bytes`.
pub(crate) fn read<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> Prefix {
    let mut length = 0;
    for (index, byte) in bytes.into_iter().take(WIDEST).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return match usize::try_from(length) {
                Ok(length @ ..=LONGEST) => Prefix::Lengths(index + 1, length),
                _ => Prefix::TooLong,
            };
        }
        if index + 1 == WIDEST {
            return Prefix::TooLong;
        }
    }
    Prefix::Unfinished
}

/// The prefix of a body of `length` bytes and how many of its bytes count, or `None` above
/// [`LONGEST`].
pub(crate) fn write(length: usize) -> Option<([u8; WIDEST], usize)> {
    let mut rest = u32::try_from(length).ok().filter(|_| length <= LONGEST)?;
    let mut prefix = [0; WIDEST];
    let mut width = 0;
    loop {
        let low = u8::try_from(rest & 0x7f).expect("seven bits fit a byte");
        rest >>= 7;
        prefix[width] = low | if rest > 0 { 0x80 } else { 0 };
        width += 1;
        if rest == 0 {
            return Some((prefix, width));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lengths_at_every_boundary_are_written_and_read() {
        let cases: &[(usize, &[u8])] = &[
            (0, b"\x00"),
            (127, b"\x7f"),
            (128, b"\x80\x01"),
            (300, b"\xac\x02"),
            (16_383, b"\xff\x7f"),
            (16_384, b"\x80\x80\x01"),
            (2_097_152, b"\x80\x80\x80\x01"),
            (268_435_456, b"\x80\x80\x80\x80\x01"),
            (LONGEST, b"\xff\xff\xff\xff\x07"),
        ];
        for (length, bytes) in cases {
            let (prefix, width) = write(*length).unwrap();
            assert_eq!(&prefix[..width], *bytes);
            assert_eq!(read(*bytes), Prefix::Lengths(bytes.len(), *length));
            assert_eq!(read(&bytes[..bytes.len() - 1]), Prefix::Unfinished);
        }
    }

    #[test]
    fn more_than_two_gibibytes_is_too_long_however_it_is_written() {
        assert_eq!(write(LONGEST + 1), None);
        for bytes in [b"\x80\x80\x80\x80\x08", b"\xff\xff\xff\xff\xff"] {
            assert_eq!(read(bytes), Prefix::TooLong);
        }
    }

    #[test]
    fn a_length_in_more_bytes_than_it_needs_is_read() {
        assert_eq!(read(b"\x82\x80\x00"), Prefix::Lengths(3, 2));
    }
}
