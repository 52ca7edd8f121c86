//! Typed readers for the properties of a JSON message. Each names its property when the value has
//! the wrong type, and none of them takes `null` for absent.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use crate::payload::Payload;

/// A string, borrowed unless it holds escapes.
pub(super) struct Text(pub(super) &'static str);

/// An integer within the range of `N`.
pub(super) struct Integer<N>(pub(super) &'static str, pub(super) PhantomData<N>);

/// `true` or `false`.
pub(super) struct Boolean(pub(super) &'static str);

/// An array of strings.
pub(super) struct TextList(pub(super) &'static str);

/// An array of undecoded values.
pub(super) struct PayloadList(pub(super) &'static str);

/// An object of strings, checked and forgotten.
pub(super) struct Headers;

/// Reads one undecoded value, `null` included.
pub(super) fn payload<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Payload<'de>, A::Error> {
    map.next_value::<&'de RawValue>().map(Payload::Json)
}

macro_rules! seed {
    ($seed:ty => $value:ty, $method:ident $(, $generic:ident)?) => {
        impl<'de, $($generic: TryFrom<i64> + TryFrom<u64>)?> DeserializeSeed<'de> for $seed {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<$value, D::Error> {
                input.$method(self)
            }
        }
    };
}

seed!(Text => Cow<'de, str>, deserialize_str);
seed!(Integer<N> => N, deserialize_i64, N);
seed!(Boolean => bool, deserialize_bool);
seed!(TextList => Vec<Cow<'de, str>>, deserialize_seq);
seed!(PayloadList => Vec<Payload<'de>>, deserialize_seq);
seed!(Headers => (), deserialize_map);

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' to be a string", self.0)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl<N: TryFrom<i64> + TryFrom<u64>> Visitor<'_> for Integer<N> {
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' to be an integer", self.0)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<N, E> {
        N::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<N, E> {
        N::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }
}

impl Visitor<'_> for Boolean {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' to be true or false", self.0)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }
}

impl<'de> Visitor<'de> for TextList {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' to be an array of strings", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = items.next_element_seed(Text(self.0))? {
            texts.push(text);
        }
        Ok(texts)
    }
}

impl<'de> Visitor<'de> for PayloadList {
    type Value = Vec<Payload<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' to be an array", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut payloads = Vec::new();
        while let Some(raw) = items.next_element::<&'de RawValue>()? {
            payloads.push(Payload::Json(raw));
        }
        Ok(payloads)
    }
}

impl<'de> Visitor<'de> for Headers {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'headers' to be an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Text("headers"))?.is_some() {
            map.next_value_seed(Text("headers"))?;
        }
        Ok(())
    }
}
