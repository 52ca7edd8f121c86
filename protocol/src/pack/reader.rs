//! Reads MessagePack from bytes that nobody vouches for.

use super::error::PackError;
use super::head::Head;

/// A place in the input. `what` names a value in errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The beginning of the next value.
    pub(crate) fn head(&mut self, what: &'static str) -> Result<Head<'a>, PackError> {
        Head::read(self, what)
    }

    /// The beginning of the next value, without moving past it.
    pub(crate) fn peek(&self, what: &'static str) -> Result<Head<'a>, PackError> {
        Head::read(&mut { *self }, what)
    }

    /// The length of an array of any size. The elements may be missing.
    pub(crate) fn array(&mut self, what: &'static str) -> Result<u32, PackError> {
        match self.head(what)? {
            Head::Array(length) => Ok(length),
            _ => Err(unexpected(what, "an array")),
        }
    }

    /// The length of an array of at least `needed` elements.
    pub(crate) fn array_of(&mut self, what: &'static str, needed: u32) -> Result<u32, PackError> {
        let found = self.array(what)?;
        if found < needed {
            return Err(PackError::TooShort {
                what,
                needed,
                found,
            });
        }
        Ok(found)
    }

    /// The number of pairs in a map. They may be missing.
    pub(crate) fn map(&mut self, what: &'static str) -> Result<u32, PackError> {
        match self.head(what)? {
            Head::Map(length) => Ok(length),
            _ => Err(unexpected(what, "a map")),
        }
    }

    pub(crate) fn text(&mut self, what: &'static str) -> Result<&'a str, PackError> {
        match self.head(what)? {
            Head::Text(bytes) => {
                std::str::from_utf8(bytes).map_err(|source| PackError::NotUtf8 { what, source })
            }
            _ => Err(unexpected(what, "a string")),
        }
    }

    /// A string, or nil.
    pub(crate) fn text_or_nil(&mut self, what: &'static str) -> Result<Option<&'a str>, PackError> {
        if self.peek(what)? == Head::Nil {
            self.rest = &self.rest[1..];
            return Ok(None);
        }
        self.text(what).map(Some)
    }

    pub(crate) fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], PackError> {
        match self.head(what)? {
            Head::Binary(bytes) => Ok(bytes),
            _ => Err(unexpected(what, "a byte string")),
        }
    }

    pub(crate) fn boolean(&mut self, what: &'static str) -> Result<bool, PackError> {
        match self.head(what)? {
            Head::Boolean(value) => Ok(value),
            _ => Err(unexpected(what, "true or false")),
        }
    }

    /// An integer in any of its forms that fits an `N`.
    pub(crate) fn integer<N: TryFrom<i128>>(&mut self, what: &'static str) -> Result<N, PackError> {
        let number = match self.head(what)? {
            Head::Unsigned(number) => N::try_from(number.into()).ok(),
            Head::Negative(number) => N::try_from(number.into()).ok(),
            _ => None,
        };
        number.ok_or(unexpected(what, "an integer in range"))
    }

    /// Passes over one value of any form, however deep, without recursion.
    pub(crate) fn skip(&mut self, what: &'static str) -> Result<(), PackError> {
        let mut pending = 1_u64;
        while pending > 0 {
            pending -= 1;
            pending += match self.head(what)? {
                Head::Array(length) => u64::from(length),
                Head::Map(length) => u64::from(length) * 2,
                _ => 0,
            };
        }
        Ok(())
    }

    #[inline]
    pub(super) fn take(&mut self, length: u32, what: &'static str) -> Result<&'a [u8], PackError> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(PackError::Truncated(what))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array_of_bytes<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], PackError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(PackError::Truncated(what))?;
        self.rest = rest;
        Ok(*taken)
    }
}

#[cfg(feature = "messagepack")]
impl<'a> Reader<'a> {
    /// How many bytes are left.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Refuses what follows a value that should be the last.
    pub(crate) const fn end(&self, what: &'static str) -> Result<(), PackError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(PackError::Surplus(what))
    }

    /// One whole value as it stands in the input.
    pub(crate) fn value(&mut self, what: &'static str) -> Result<&'a [u8], PackError> {
        let start = self.rest;
        self.skip(what)?;
        Ok(&start[..start.len() - self.rest.len()])
    }
}

const fn unexpected(what: &'static str, expected: &'static str) -> PackError {
    PackError::Unexpected { what, expected }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn skipping_passes_over_exactly_one_value_of_every_form() {
        let values: &[&[u8]] = &[
            b"\x05",
            b"\xff",
            b"\xc0",
            b"\xc2",
            b"\xcc\x01",
            b"\xcd\x01\x02",
            b"\xce\x01\x02\x03\x04",
            b"\xcf\x01\x02\x03\x04\x05\x06\x07\x08",
            b"\xd0\x01",
            b"\xd1\x01\x02",
            b"\xca\x01\x02\x03\x04",
            b"\xcb\x01\x02\x03\x04\x05\x06\x07\x08",
            b"\xa2ab",
            b"\xd9\x02ab",
            b"\xda\x00\x02ab",
            b"\xdb\x00\x00\x00\x02ab",
            b"\xc4\x02ab",
            b"\xc5\x00\x02ab",
            b"\xc6\x00\x00\x00\x02ab",
            b"\xd4\x01a",
            b"\xd5\x01ab",
            b"\xd6\x01abcd",
            b"\xd7\x01abcdefgh",
            b"\xd8\x01abcdefghabcdefgh",
            b"\xc7\x02\x01ab",
            b"\xc8\x00\x02\x01ab",
            b"\xc9\x00\x00\x00\x02\x01ab",
            b"\x92\x05\x91\x06",
            b"\xdc\x00\x02\x05\x06",
            b"\xdd\x00\x00\x00\x01\x05",
            b"\x81\x05\x92\x06\x07",
            b"\xde\x00\x01\x05\x06",
            b"\xdf\x00\x00\x00\x01\x05\x06",
        ];
        for value in values {
            let bytes = [value, b"\x2a".as_slice()].concat();
            let mut reader = Reader::new(&bytes);
            reader.skip("value").unwrap();
            assert_eq!(reader.rest, b"\x2a", "{value:02x?}");
            for cut in 0..value.len() {
                assert!(
                    Reader::new(&value[..cut]).skip("value").is_err(),
                    "{value:02x?}"
                );
            }
        }
    }

    #[test]
    fn nesting_a_hundred_thousand_levels_deep_is_skipped() {
        let mut bytes = vec![0x91; 100_000];
        bytes.push(0xc0);
        let mut reader = Reader::new(&bytes);
        reader.skip("value").unwrap();
        assert!(reader.rest.is_empty());
    }

    #[test]
    fn a_claimed_length_of_two_gibibytes_is_truncated_input() {
        let claims: &[&[u8]] = &[
            b"\xc6\x7f\xff\xff\xff",
            b"\xdb\x7f\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff",
        ];
        for claim in claims {
            assert_eq!(
                Reader::new(claim).skip("value"),
                Err(PackError::Truncated("value"))
            );
        }
        assert_eq!(
            Reader::new(claims[0]).bytes("value"),
            Err(PackError::Truncated("value"))
        );
        assert_eq!(
            Reader::new(claims[1]).text("value"),
            Err(PackError::Truncated("value"))
        );
    }
}
