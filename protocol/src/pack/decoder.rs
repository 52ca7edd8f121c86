//! Decodes a value of the application, as leniently as official servers bind arguments.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::value::{MapDeserializer, StrDeserializer, U32Deserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::access::{Octets, Pairs, Surplus, Values, VariantOf};
use super::error::PackError;
use super::head::Head;
use super::reader::Reader;
use super::timestamp::{self, TIMESTAMP};
use super::transcode::Transcode;

/// How deeply arrays and maps may nest.
const DEEPEST: u32 = 128;

/// The name under which a `serde_json::value::RawValue` asks for its text.
pub(super) const RAW_JSON: &str = "$serde_json::private::RawValue";

const WHAT: &str = "the value";

/// Decodes the one value that `bytes` are.
pub(crate) fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, PackError> {
    let mut decoder = Decoder::new(bytes);
    let value = T::deserialize(&mut decoder)?;
    decoder.reader.end(WHAT)?;
    Ok(value)
}

/// Decodes values one after the other.
pub(super) struct Decoder<'de> {
    pub(super) reader: Reader<'de>,
    levels_left: u32,
    /// Whether the next value is the key of a map, where integers and their texts are one.
    pub(super) is_key: bool,
}

impl<'de> Decoder<'de> {
    pub(super) const fn new(bytes: &'de [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
            levels_left: DEEPEST,
            is_key: false,
        }
    }

    /// Does `inside` one level further down.
    pub(super) fn below<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, PackError>,
    ) -> Result<T, PackError> {
        let levels_left = self.levels_left.checked_sub(1);
        self.levels_left = levels_left.ok_or(PackError::TooDeep(DEEPEST))?;
        let value = inside(self)?;
        self.levels_left += 1;
        Ok(value)
    }

    fn values<V: Visitor<'de>>(
        &mut self,
        count: u32,
        surplus: Surplus,
        visitor: V,
    ) -> Result<V::Value, PackError> {
        self.below(|decoder| {
            let mut values = Values::new(decoder, count);
            let value = visitor.visit_seq(&mut values)?;
            values.finish(surplus)?;
            Ok(value)
        })
    }

    fn pairs<V: Visitor<'de>>(&mut self, count: u32, visitor: V) -> Result<V::Value, PackError> {
        self.below(|decoder| {
            let mut pairs = Pairs::new(decoder, count);
            let value = visitor.visit_map(&mut pairs)?;
            pairs.finish()?;
            Ok(value)
        })
    }

    /// A sequence; byte strings are sequences of numbers too.
    fn sequence<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, PackError> {
        match self.reader.peek(WHAT)? {
            Head::Binary(bytes) => {
                self.reader.skip(WHAT)?;
                visitor.visit_seq(Octets::new(bytes))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    /// A number; a key of digits is one, as in JSON.
    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, PackError> {
        if self.is_key
            && let Head::Text(digits) = self.reader.peek(WHAT)?
        {
            self.reader.skip(WHAT)?;
            let digits = String::from_utf8_lossy(digits);
            return match (digits.parse(), digits.parse()) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => Err(PackError::invalid_type(Unexpected::Str(&digits), &visitor)),
            };
        }
        self.deserialize_any(visitor)
    }

    /// A string; a key that is a number has one, as in JSON.
    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, PackError> {
        if self.is_key {
            let digits = match self.reader.peek(WHAT)? {
                Head::Unsigned(number) => Some(number.to_string()),
                Head::Negative(number) => Some(number.to_string()),
                _ => None,
            };
            if let Some(digits) = digits {
                self.reader.skip(WHAT)?;
                return visitor.visit_string(digits);
            }
        }
        self.deserialize_any(visitor)
    }
}

macro_rules! by {
    ($helper:ident: $($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PackError> {
                self.$helper(visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = PackError;

    forward_to_deserialize_any! {
        bool f32 f64 char bytes byte_buf unit unit_struct map identifier
    }

    by!(number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128);
    by!(number: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);
    by!(text: deserialize_str deserialize_string);
    by!(sequence: deserialize_seq);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PackError> {
        match self.reader.head(WHAT)? {
            Head::Nil => visitor.visit_unit(),
            Head::Boolean(value) => visitor.visit_bool(value),
            Head::Unsigned(number) => visitor.visit_u64(number),
            Head::Negative(number) => visitor.visit_i64(number),
            Head::F32(number) => visitor.visit_f32(number),
            Head::F64(number) => visitor.visit_f64(number),
            Head::Text(bytes) => match String::from_utf8_lossy(bytes) {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Head::Binary(bytes) => visitor.visit_borrowed_bytes(bytes),
            Head::Array(count) => self.values(count, Surplus::Refused, visitor),
            Head::Map(count) => self.pairs(count, visitor),
            Head::Extension(TIMESTAMP, data) => visitor.visit_string(timestamp::text(data)?),
            Head::Extension(kind, _) => Err(PackError::Extension(kind)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PackError> {
        if self.reader.peek(WHAT)? == Head::Nil {
            self.reader.skip(WHAT)?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, PackError> {
        if name == RAW_JSON {
            let json = serde_json::to_string(&Transcode::new(self)).map_err(PackError::custom)?;
            return visitor.visit_map(MapDeserializer::new(std::iter::once((RAW_JSON, json))));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, PackError> {
        self.sequence(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, PackError> {
        self.sequence(visitor)
    }

    /// A map by names, or an array by positions, where newer writers may have added elements.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PackError> {
        if let Head::Array(count) = self.reader.peek(WHAT)? {
            self.reader.array(WHAT)?;
            return self.values(count, Surplus::Skipped, visitor);
        }
        self.deserialize_any(visitor)
    }

    /// A variant by name, by position, or as a map of the name and its content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PackError> {
        match self.reader.head(WHAT)? {
            Head::Text(name) => {
                let name = String::from_utf8_lossy(name);
                let name: StrDeserializer<'_, PackError> = name.as_ref().into_deserializer();
                visitor.visit_enum(name)
            }
            Head::Unsigned(position) => {
                let position = u32::try_from(position).unwrap_or(u32::MAX);
                let position: U32Deserializer<PackError> = position.into_deserializer();
                visitor.visit_enum(position)
            }
            Head::Map(1) => self.below(|decoder| visitor.visit_enum(VariantOf(decoder))),
            _ => Err(PackError::Unexpected {
                what: "a choice",
                expected: "a string, a position, or a map of one entry",
            }),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PackError> {
        self.reader.skip(WHAT)?;
        visitor.visit_unit()
    }
}
