//! Encodes a value of the application.

use serde::ser::{Error, Serialize, Serializer};

use super::compound::{Compound, Shape};
use super::decoder::RAW_JSON;
use super::error::PackError;
use super::packed::PACKED;
use super::transcode::Transcode;
use super::writer::Writer;

/// Appends `value`: structs as maps by field names, enums by variant names, `None`, `()` and unit
/// structs as nil, numbers in their shortest form. On an error `out` holds part of the value.
pub(crate) fn encode<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), PackError> {
    value.serialize(&mut Encoder {
        writer: Writer::new(out),
        mode: Mode::Value,
    })
}

/// Writes values one after the other.
pub(super) struct Encoder<'o> {
    pub(super) writer: Writer<'o>,
    pub(super) mode: Mode,
}

/// What the next string or byte string is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Itself.
    Value,
    /// The bytes of one MessagePack value.
    Packed,
    /// One JSON value.
    Json,
}

impl<'o> Encoder<'o> {
    /// Writes a value whose string or byte string stands for something else.
    pub(super) fn within<T: Serialize + ?Sized>(
        &mut self,
        mode: Mode,
        value: &T,
    ) -> Result<(), PackError> {
        self.mode = mode;
        let written = value.serialize(&mut *self);
        self.mode = Mode::Value;
        written
    }

    /// A map of one entry, of which the value is still to come.
    fn variant(&mut self, name: &str) {
        self.writer.map(1);
        self.writer.text(name);
    }

    fn compound<'e>(
        &'e mut self,
        shape: Shape,
        length: Option<usize>,
    ) -> Result<Compound<'e, 'o>, PackError> {
        Compound::open(self, shape, length)
    }
}

macro_rules! as_a {
    ($($method:ident($value:ty) => $write:ident;)*) => {
        $(
            fn $method(self, value: $value) -> Result<(), PackError> {
                self.writer.$write(value.into());
                Ok(())
            }
        )*
    };
}

impl<'e, 'o> Serializer for &'e mut Encoder<'o> {
    type Ok = ();
    type Error = PackError;
    type SerializeSeq = Compound<'e, 'o>;
    type SerializeTuple = Compound<'e, 'o>;
    type SerializeTupleStruct = Compound<'e, 'o>;
    type SerializeTupleVariant = Compound<'e, 'o>;
    type SerializeMap = Compound<'e, 'o>;
    type SerializeStruct = Compound<'e, 'o>;
    type SerializeStructVariant = Compound<'e, 'o>;

    as_a! {
        serialize_bool(bool) => boolean;
        serialize_i8(i8) => integer;
        serialize_i16(i16) => integer;
        serialize_i32(i32) => integer;
        serialize_i64(i64) => integer;
        serialize_u8(u8) => unsigned;
        serialize_u16(u16) => unsigned;
        serialize_u32(u32) => unsigned;
        serialize_u64(u64) => unsigned;
        serialize_f32(f32) => f32;
        serialize_f64(f64) => f64;
    }

    /// Dates, ids and addresses are written as text, as in JSON.
    fn is_human_readable(&self) -> bool {
        self.mode != Mode::Packed
    }

    fn serialize_i128(self, value: i128) -> Result<(), PackError> {
        if let Ok(value) = u64::try_from(value) {
            return self.serialize_u64(value);
        }
        let value = i64::try_from(value).map_err(PackError::custom)?;
        self.serialize_i64(value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), PackError> {
        let value = u64::try_from(value).map_err(PackError::custom)?;
        self.serialize_u64(value)
    }

    fn serialize_char(self, value: char) -> Result<(), PackError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), PackError> {
        if self.mode == Mode::Json {
            self.mode = Mode::Value;
            let mut json = serde_json::Deserializer::from_str(text);
            return Transcode::new(&mut json).serialize(self);
        }
        fits(text.len())?;
        self.writer.text(text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), PackError> {
        if self.mode == Mode::Packed {
            self.writer.out().extend_from_slice(bytes);
            return Ok(());
        }
        fits(bytes.len())?;
        self.writer.bytes(bytes);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), PackError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), PackError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), PackError> {
        self.writer.nil();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), PackError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _position: u32,
        variant: &'static str,
    ) -> Result<(), PackError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), PackError> {
        if name == PACKED {
            return self.within(Mode::Packed, value);
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _position: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), PackError> {
        self.variant(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Compound<'e, 'o>, PackError> {
        self.compound(Shape::Array, length)
    }

    fn serialize_tuple(self, length: usize) -> Result<Compound<'e, 'o>, PackError> {
        self.compound(Shape::Array, Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Compound<'e, 'o>, PackError> {
        self.compound(Shape::Array, Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _position: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'e, 'o>, PackError> {
        self.variant(variant);
        self.compound(Shape::Array, Some(length))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Compound<'e, 'o>, PackError> {
        self.compound(Shape::Map, length)
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Compound<'e, 'o>, PackError> {
        let shape = if name == RAW_JSON {
            Shape::Json
        } else {
            Shape::Map
        };
        self.compound(shape, Some(length))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _position: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'e, 'o>, PackError> {
        self.variant(variant);
        self.compound(Shape::Map, Some(length))
    }
}

/// Whether MessagePack has a form for so many bytes or elements.
pub(super) fn fits(length: usize) -> Result<(), PackError> {
    u32::try_from(length)
        .map(|_| ())
        .map_err(|_| PackError::TooLong)
}
