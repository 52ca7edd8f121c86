//! Writes MessagePack.

use rmp::Marker;

/// Appends values, each in its shortest form.
///
/// Strings, byte strings, arrays and maps of 4 GiB and more have no form: writing one panics.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Writer<'o> {
    pub(crate) const fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out }
    }

    /// The head of an array; the elements come next.
    #[inline]
    pub(crate) fn array(&mut self, length: usize) {
        match u8::try_from(length) {
            Ok(short @ 0..=15) => self.out.push(Marker::FixArray(short).to_u8()),
            _ => self.head(length, None, Marker::Array16, Marker::Array32),
        }
    }

    /// The head of a map; its pairs come next.
    #[inline]
    pub(crate) fn map(&mut self, length: usize) {
        match u8::try_from(length) {
            Ok(short @ 0..=15) => self.out.push(Marker::FixMap(short).to_u8()),
            _ => self.head(length, None, Marker::Map16, Marker::Map32),
        }
    }

    #[inline]
    pub(crate) fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(short @ 0..=31) => self.out.push(Marker::FixStr(short).to_u8()),
            _ => self.head(text.len(), Some(Marker::Str8), Marker::Str16, Marker::Str32),
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head(
            bytes.len(),
            Some(Marker::Bin8),
            Marker::Bin16,
            Marker::Bin32,
        );
        self.out.extend_from_slice(bytes);
    }

    #[inline]
    pub(crate) fn integer(&mut self, number: i64) {
        if let Ok(number) = u64::try_from(number) {
            self.unsigned(number);
        } else if let Ok(number) = i8::try_from(number) {
            if number < -32 {
                self.out.push(Marker::I8.to_u8());
            }
            // From -32 on, a number is its own marker.
            self.out.push(number.cast_unsigned());
        } else if let Ok(number) = i16::try_from(number) {
            self.marked(Marker::I16, number.to_be_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.marked(Marker::I32, number.to_be_bytes());
        } else {
            self.marked(Marker::I64, number.to_be_bytes());
        }
    }

    #[inline]
    pub(crate) fn unsigned(&mut self, number: u64) {
        if let Ok(number) = u8::try_from(number) {
            if number > 127 {
                self.out.push(Marker::U8.to_u8());
            }
            // Up to 127, a number is its own marker.
            self.out.push(number);
        } else if let Ok(number) = u16::try_from(number) {
            self.marked(Marker::U16, number.to_be_bytes());
        } else if let Ok(number) = u32::try_from(number) {
            self.marked(Marker::U32, number.to_be_bytes());
        } else {
            self.marked(Marker::U64, number.to_be_bytes());
        }
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        let marker = if value { Marker::True } else { Marker::False };
        self.out.push(marker.to_u8());
    }

    /// A length of 8, 16 or 32 bits, behind the marker that says which.
    #[inline]
    fn head(&mut self, length: usize, narrow: Option<Marker>, middle: Marker, wide: Marker) {
        if let (Some(narrow), Ok(length)) = (narrow, u8::try_from(length)) {
            self.marked(narrow, [length]);
        } else if let Ok(length) = u16::try_from(length) {
            self.marked(middle, length.to_be_bytes());
        } else {
            let length = u32::try_from(length).expect("no part of a message reaches 4 GiB");
            self.marked(wide, length.to_be_bytes());
        }
    }

    #[inline]
    fn marked<const N: usize>(&mut self, marker: Marker, bytes: [u8; N]) {
        self.out.push(marker.to_u8());
        self.out.extend_from_slice(&bytes);
    }
}

#[cfg(feature = "messagepack")]
impl Writer<'_> {
    pub(crate) const fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    pub(crate) fn nil(&mut self) {
        self.out.push(Marker::Null.to_u8());
    }

    pub(crate) fn f32(&mut self, number: f32) {
        self.marked(Marker::F32, number.to_be_bytes());
    }

    pub(crate) fn f64(&mut self, number: f64) {
        self.marked(Marker::F64, number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::pack::{Head, Reader};

    /// The head that `write` makes for a length, and how many bytes it takes.
    fn head(write: impl Fn(&mut Writer<'_>)) -> (String, usize) {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out));
        match Reader::new(&out).head("the value").unwrap() {
            Head::Text(text) => (format!("text {}", text.len()), out.len() - text.len()),
            Head::Binary(bytes) => (format!("bytes {}", bytes.len()), out.len() - bytes.len()),
            Head::Array(length) => (format!("array {length}"), out.len()),
            Head::Map(length) => (format!("map {length}"), out.len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_length_has_the_shortest_head() {
        let lengths = [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536];
        let heads = |write: &dyn Fn(&mut Writer<'_>, usize)| {
            lengths.map(|length| head(|writer| write(writer, length)).1)
        };
        assert_eq!(
            heads(&|writer, length| writer.text(&"x".repeat(length))),
            [1, 1, 1, 1, 2, 2, 3, 3, 5]
        );
        assert_eq!(
            heads(&|writer, length| writer.bytes(&vec![7; length])),
            [2, 2, 2, 2, 2, 2, 3, 3, 5]
        );
        assert_eq!(
            heads(&|writer, length| writer.array(length)),
            [1, 1, 3, 3, 3, 3, 3, 3, 5]
        );
        assert_eq!(
            heads(&|writer, length| writer.map(length)),
            [1, 1, 3, 3, 3, 3, 3, 3, 5]
        );
    }

    #[test]
    fn every_head_says_what_was_written() {
        for length in [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            let said = [
                head(|writer| writer.text(&"x".repeat(length))).0,
                head(|writer| writer.bytes(&vec![7; length])).0,
                head(|writer| writer.array(length)).0,
                head(|writer| writer.map(length)).0,
            ];
            let expected = ["text", "bytes", "array", "map"].map(|kind| format!("{kind} {length}"));
            assert_eq!(said, expected);
        }
    }
}
