//! Reads and writes the few MessagePack forms that envelopes use.

use std::borrow::Cow;

use rmp::Marker;
use rmp::decode::{self, NumValueReadError, RmpReadErr, ValueReadError};
use rmp::encode::{self, ByteBuf, ValueWriteError};

use super::error::EnvelopeError;

/// Reads values from untrusted bytes. `what` names the value in errors.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The length of an array of any size. The elements may be missing.
    pub(super) fn array(&mut self, what: &'static str) -> Result<u32, EnvelopeError> {
        decode::read_array_len(&mut self.rest)
            .map_err(|error| value_error(&error, what, "an array"))
    }

    /// The length of an array of at least `needed` elements.
    pub(super) fn array_of(
        &mut self,
        what: &'static str,
        needed: u32,
    ) -> Result<u32, EnvelopeError> {
        let found = self.array(what)?;
        if found < needed {
            return Err(EnvelopeError::TooShort {
                what,
                needed,
                found,
            });
        }
        Ok(found)
    }

    pub(super) fn map(&mut self, what: &'static str) -> Result<u32, EnvelopeError> {
        decode::read_map_len(&mut self.rest).map_err(|error| value_error(&error, what, "a map"))
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str, EnvelopeError> {
        let length = decode::read_str_len(&mut self.rest)
            .map_err(|error| value_error(&error, what, "a string"))?;
        let bytes = self.take(length, what)?;
        std::str::from_utf8(bytes).map_err(|source| EnvelopeError::NotUtf8 { what, source })
    }

    /// A string, or nil read as an empty one.
    pub(super) fn text_or_nil(&mut self, what: &'static str) -> Result<&'a str, EnvelopeError> {
        if self.peek() == Some(Marker::Null) {
            self.rest = &self.rest[1..];
            return Ok("");
        }
        self.text(what)
    }

    pub(super) fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], EnvelopeError> {
        let length = decode::read_bin_len(&mut self.rest)
            .map_err(|error| value_error(&error, what, "a byte string"))?;
        self.take(length, what)
    }

    pub(super) fn boolean(&mut self, what: &'static str) -> Result<bool, EnvelopeError> {
        decode::read_bool(&mut self.rest)
            .map_err(|error| value_error(&error, what, "true or false"))
    }

    /// An integer in any of its forms.
    pub(super) fn integer(&mut self, what: &'static str) -> Result<i32, EnvelopeError> {
        decode::read_int(&mut self.rest).map_err(|error| match error {
            NumValueReadError::InvalidMarkerRead(_) | NumValueReadError::InvalidDataRead(_) => {
                EnvelopeError::Truncated(what)
            }
            NumValueReadError::TypeMismatch(_) | NumValueReadError::OutOfRange => {
                EnvelopeError::Unexpected {
                    what,
                    expected: "a 32-bit integer",
                }
            }
        })
    }

    /// The form of the next value, if there is one.
    pub(super) fn peek(&self) -> Option<Marker> {
        self.rest.first().copied().map(Marker::from_u8)
    }

    /// Passes over one value of any form, however deep, without recursion.
    pub(super) fn skip(&mut self, what: &'static str) -> Result<(), EnvelopeError> {
        let mut pending = 1_u64;
        while pending > 0 {
            pending -= 1;
            let marker = self.peek().ok_or(EnvelopeError::Truncated(what))?;
            self.rest = &self.rest[1..];
            let (body, nested) = match marker {
                Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::Reserved => (0, 0),
                Marker::True | Marker::False => (0, 0),
                Marker::U8 | Marker::I8 => (1, 0),
                Marker::U16 | Marker::I16 | Marker::FixExt1 => (2, 0),
                Marker::FixExt2 => (3, 0),
                Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
                Marker::FixExt4 => (5, 0),
                Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
                Marker::FixExt8 => (9, 0),
                Marker::FixExt16 => (17, 0),
                Marker::FixStr(length) => (u64::from(length), 0),
                Marker::Str8 | Marker::Bin8 => (self.length(1, what)?, 0),
                Marker::Str16 | Marker::Bin16 => (self.length(2, what)?, 0),
                Marker::Str32 | Marker::Bin32 => (self.length(4, what)?, 0),
                Marker::Ext8 => (self.length(1, what)? + 1, 0),
                Marker::Ext16 => (self.length(2, what)? + 1, 0),
                Marker::Ext32 => (self.length(4, what)? + 1, 0),
                Marker::FixArray(length) => (0, u64::from(length)),
                Marker::Array16 => (0, self.length(2, what)?),
                Marker::Array32 => (0, self.length(4, what)?),
                Marker::FixMap(length) => (0, u64::from(length) * 2),
                Marker::Map16 => (0, self.length(2, what)? * 2),
                Marker::Map32 => (0, self.length(4, what)? * 2),
            };
            self.take(body, what)?;
            pending += nested;
        }
        Ok(())
    }

    fn length(&mut self, width: u64, what: &'static str) -> Result<u64, EnvelopeError> {
        let digits = self.take(width, what)?;
        Ok(digits
            .iter()
            .fold(0, |length, digit| length << 8 | u64::from(*digit)))
    }

    fn take(
        &mut self,
        length: impl Into<u64>,
        what: &'static str,
    ) -> Result<&'a [u8], EnvelopeError> {
        let length = usize::try_from(length.into()).unwrap_or(usize::MAX);
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(EnvelopeError::Truncated(what))?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The name of a hub protocol, without allocation for those in common use.
pub(super) fn protocol_name(name: &str) -> Cow<'static, str> {
    match name {
        "json" => Cow::Borrowed("json"),
        "messagepack" => Cow::Borrowed("messagepack"),
        other => Cow::Owned(other.to_owned()),
    }
}

fn value_error<E: RmpReadErr>(
    error: &ValueReadError<E>,
    what: &'static str,
    expected: &'static str,
) -> EnvelopeError {
    match error {
        ValueReadError::TypeMismatch(_) => EnvelopeError::Unexpected { what, expected },
        _ => EnvelopeError::Truncated(what),
    }
}

/// Writes values in their shortest form.
pub(super) struct Writer {
    out: ByteBuf,
}

impl Writer {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            out: ByteBuf::with_capacity(capacity),
        }
    }

    pub(super) fn array(&mut self, length: usize) {
        in_memory(encode::write_array_len(&mut self.out, count(length)));
    }

    pub(super) fn map(&mut self, length: usize) {
        in_memory(encode::write_map_len(&mut self.out, count(length)));
    }

    pub(super) fn text(&mut self, text: &str) {
        count(text.len());
        in_memory(encode::write_str(&mut self.out, text));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        count(bytes.len());
        in_memory(encode::write_bin(&mut self.out, bytes));
    }

    pub(super) fn integer(&mut self, number: i32) {
        in_memory(encode::write_sint(&mut self.out, number.into()));
    }

    pub(super) fn yes(&mut self) {
        in_memory(
            encode::write_bool(&mut self.out, true).map_err(ValueWriteError::InvalidDataWrite),
        );
    }

    pub(super) fn into_vec(self) -> Vec<u8> {
        self.out.into_vec()
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("no part of a backplane payload reaches 4 GiB")
}

fn in_memory<T, E: encode::RmpWriteErr>(written: Result<T, ValueWriteError<E>>) {
    written.expect("writing into memory cannot fail");
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
                Err(EnvelopeError::Truncated("value"))
            );
        }
        assert_eq!(
            Reader::new(claims[0]).bytes("value"),
            Err(EnvelopeError::Truncated("value"))
        );
        assert_eq!(
            Reader::new(claims[1]).text("value"),
            Err(EnvelopeError::Truncated("value"))
        );
    }
}
