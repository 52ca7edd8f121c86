//! The parts of arrays, maps, byte strings and enums, as a [`Decoder`] hands them out.

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::decoder::Decoder;
use super::error::PackError;

/// What becomes of elements that the type does not ask for.
#[derive(Clone, Copy)]
pub(super) enum Surplus {
    Skipped,
    Refused,
}

/// The elements of an array.
pub(super) struct Values<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    count: u32,
    left: u32,
}

/// The pairs of a map.
pub(super) struct Pairs<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    left: u32,
    /// Whether a key has been read, and its value has not.
    is_at_value: bool,
}

/// The bytes of a byte string as numbers.
pub(super) struct Octets<'de>(std::slice::Iter<'de, u8>);

/// A variant whose name and content come next.
pub(super) struct VariantOf<'d, 'de>(pub(super) &'d mut Decoder<'de>);

impl<'d, 'de> Values<'d, 'de> {
    pub(super) const fn new(decoder: &'d mut Decoder<'de>, count: u32) -> Self {
        Self {
            decoder,
            count,
            left: count,
        }
    }

    pub(super) fn finish(&mut self, surplus: Surplus) -> Result<(), PackError> {
        if let (Surplus::Refused, 1..) = (surplus, self.left) {
            let count = usize::try_from(self.count).unwrap_or(usize::MAX);
            return Err(PackError::invalid_length(count, &"fewer elements"));
        }
        for _ in 0..self.left {
            self.decoder.reader.skip("a surplus element")?;
        }
        Ok(())
    }
}

impl<'d, 'de> Pairs<'d, 'de> {
    pub(super) const fn new(decoder: &'d mut Decoder<'de>, count: u32) -> Self {
        Self {
            decoder,
            left: count,
            is_at_value: false,
        }
    }

    /// Passes over what the type did not ask for.
    pub(super) fn finish(&mut self) -> Result<(), PackError> {
        let surplus = u64::from(self.left) * 2 + u64::from(self.is_at_value);
        for _ in 0..surplus {
            self.decoder.reader.skip("a surplus entry")?;
        }
        Ok(())
    }
}

impl<'de> Octets<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self(bytes.iter())
    }
}

impl<'de> SeqAccess<'de> for &mut Values<'_, 'de> {
    type Error = PackError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, PackError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(within(self.left, self.decoder.reader.left()))
    }
}

impl<'de> MapAccess<'de> for &mut Pairs<'_, 'de> {
    type Error = PackError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, PackError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        self.decoder.is_key = true;
        let key = seed.deserialize(&mut *self.decoder)?;
        self.decoder.is_key = false;
        self.is_at_value = true;
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, PackError> {
        self.is_at_value = false;
        seed.deserialize(&mut *self.decoder)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(within(self.left, self.decoder.reader.left() / 2))
    }
}

impl<'de> SeqAccess<'de> for Octets<'de> {
    type Error = PackError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, PackError> {
        let octet = self.0.next().copied();
        octet
            .map(|octet| seed.deserialize(octet.into_deserializer()))
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

impl<'de> EnumAccess<'de> for VariantOf<'_, 'de> {
    type Error = PackError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), PackError> {
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for VariantOf<'_, 'de> {
    type Error = PackError;

    fn unit_variant(self) -> Result<(), PackError> {
        <()>::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, PackError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, PackError> {
        self.0.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PackError> {
        self.0.deserialize_struct("", fields, visitor)
    }
}

/// A claimed count, bounded by the bytes that are really there.
fn within(claimed: u32, bytes: usize) -> usize {
    usize::try_from(claimed).map_or(bytes, |claimed| claimed.min(bytes))
}
