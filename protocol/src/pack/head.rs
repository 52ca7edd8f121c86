//! The beginning of a value: all of it, or how many values follow.

use rmp::Marker;

use super::error::PackError;
use super::reader::Reader;

/// What a value is. Strings and byte strings are whole; the elements of arrays and maps follow
/// in the input, if they are there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Head<'a> {
    Nil,
    Boolean(bool),
    /// An integer that is not negative, whatever its form.
    Unsigned(u64),
    /// An integer below zero.
    Negative(i64),
    F32(f32),
    F64(f64),
    /// A string, not yet checked to be UTF-8.
    Text(&'a [u8]),
    Binary(&'a [u8]),
    /// How many elements follow.
    Array(u32),
    /// How many pairs of key and value follow.
    Map(u32),
    Extension(i8, &'a [u8]),
}

impl<'a> Head<'a> {
    /// Reads the head of the next value, which errors call `what`.
    #[inline]
    pub(super) fn read(input: &mut Reader<'a>, what: &'static str) -> Result<Self, PackError> {
        let marker = Marker::from_u8(u8::from_be_bytes(input.array_of_bytes(what)?));
        Ok(match marker {
            Marker::Null => Self::Nil,
            Marker::False => Self::Boolean(false),
            Marker::True => Self::Boolean(true),
            Marker::Reserved => return Err(PackError::Reserved(what)),

            Marker::FixPos(number) => Self::Unsigned(number.into()),
            Marker::FixNeg(number) => signed(number.into()),
            Marker::U8 | Marker::U16 | Marker::U32 | Marker::U64 => Self::Unsigned(match marker {
                Marker::U8 => length8(input, what)?.into(),
                Marker::U16 => length16(input, what)?.into(),
                Marker::U32 => length32(input, what)?.into(),
                _ => u64::from_be_bytes(input.array_of_bytes(what)?),
            }),
            Marker::I8 => signed(i8::from_be_bytes(input.array_of_bytes(what)?).into()),
            Marker::I16 => signed(i16::from_be_bytes(input.array_of_bytes(what)?).into()),
            Marker::I32 => signed(i32::from_be_bytes(input.array_of_bytes(what)?).into()),
            Marker::I64 => signed(i64::from_be_bytes(input.array_of_bytes(what)?)),
            Marker::F32 => Self::F32(f32::from_be_bytes(input.array_of_bytes(what)?)),
            Marker::F64 => Self::F64(f64::from_be_bytes(input.array_of_bytes(what)?)),

            Marker::FixStr(length) => Self::Text(input.take(length.into(), what)?),
            Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let length = match marker {
                    Marker::Str8 => length8(input, what)?,
                    Marker::Str16 => length16(input, what)?,
                    _ => length32(input, what)?,
                };
                Self::Text(input.take(length, what)?)
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let length = match marker {
                    Marker::Bin8 => length8(input, what)?,
                    Marker::Bin16 => length16(input, what)?,
                    _ => length32(input, what)?,
                };
                Self::Binary(input.take(length, what)?)
            }

            Marker::FixArray(count) => Self::Array(count.into()),
            Marker::Array16 => Self::Array(length16(input, what)?),
            Marker::Array32 => Self::Array(length32(input, what)?),
            Marker::FixMap(count) => Self::Map(count.into()),
            Marker::Map16 => Self::Map(length16(input, what)?),
            Marker::Map32 => Self::Map(length32(input, what)?),

            Marker::FixExt1 => extension(input, 1, what)?,
            Marker::FixExt2 => extension(input, 2, what)?,
            Marker::FixExt4 => extension(input, 4, what)?,
            Marker::FixExt8 => extension(input, 8, what)?,
            Marker::FixExt16 => extension(input, 16, what)?,
            Marker::Ext8 | Marker::Ext16 | Marker::Ext32 => {
                let length = match marker {
                    Marker::Ext8 => length8(input, what)?,
                    Marker::Ext16 => length16(input, what)?,
                    _ => length32(input, what)?,
                };
                extension(input, length, what)?
            }
        })
    }
}

const fn signed<'a>(number: i64) -> Head<'a> {
    if number < 0 {
        Head::Negative(number)
    } else {
        Head::Unsigned(number.cast_unsigned())
    }
}

fn extension<'a>(
    input: &mut Reader<'a>,
    length: u32,
    what: &'static str,
) -> Result<Head<'a>, PackError> {
    let kind = i8::from_be_bytes(input.array_of_bytes(what)?);
    Ok(Head::Extension(kind, input.take(length, what)?))
}

fn length8(input: &mut Reader<'_>, what: &'static str) -> Result<u32, PackError> {
    Ok(u8::from_be_bytes(input.array_of_bytes(what)?).into())
}

fn length16(input: &mut Reader<'_>, what: &'static str) -> Result<u32, PackError> {
    Ok(u16::from_be_bytes(input.array_of_bytes(what)?).into())
}

fn length32(input: &mut Reader<'_>, what: &'static str) -> Result<u32, PackError> {
    Ok(u32::from_be_bytes(input.array_of_bytes(what)?))
}
