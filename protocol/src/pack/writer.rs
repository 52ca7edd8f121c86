//! Writes MessagePack.

use rmp::encode::{self, RmpWriteErr, ValueWriteError};

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
    pub(crate) fn array(&mut self, length: usize) {
        in_memory(encode::write_array_len(self.out, count(length)));
    }

    /// The head of a map; its pairs come next.
    pub(crate) fn map(&mut self, length: usize) {
        in_memory(encode::write_map_len(self.out, count(length)));
    }

    pub(crate) fn text(&mut self, text: &str) {
        count(text.len());
        in_memory(encode::write_str(self.out, text));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        count(bytes.len());
        in_memory(encode::write_bin(self.out, bytes));
    }

    pub(crate) fn integer(&mut self, number: i64) {
        in_memory(encode::write_sint(self.out, number));
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        in_memory(encode::write_bool(self.out, value).map_err(ValueWriteError::InvalidDataWrite));
    }
}

#[cfg(feature = "messagepack")]
impl Writer<'_> {
    pub(crate) const fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    pub(crate) fn nil(&mut self) {
        in_memory(encode::write_nil(self.out).map_err(ValueWriteError::InvalidDataWrite));
    }

    pub(crate) fn unsigned(&mut self, number: u64) {
        in_memory(encode::write_uint(self.out, number));
    }

    pub(crate) fn f32(&mut self, number: f32) {
        in_memory(encode::write_f32(self.out, number));
    }

    pub(crate) fn f64(&mut self, number: f64) {
        in_memory(encode::write_f64(self.out, number));
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("no part of a message reaches 4 GiB")
}

fn in_memory<T, E: RmpWriteErr>(written: Result<T, ValueWriteError<E>>) {
    written.expect("writing into memory cannot fail");
}
