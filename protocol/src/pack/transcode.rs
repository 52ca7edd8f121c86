//! Writes with one serialiser what a deserialiser of another format reads.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, SerializeSeq, Serializer};

/// One value on its way from format to format, without a tree in between. Serialises once.
pub(super) struct Transcode<D>(Cell<Option<D>>);

impl<D> Transcode<D> {
    pub(super) const fn new(input: D) -> Self {
        Self(Cell::new(Some(input)))
    }
}

impl<'de, D: Deserializer<'de>> Serialize for Transcode<D> {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let input = self.0.take().expect("a value is transcoded once");
        input
            .deserialize_any(Scalar(output))
            .map_err(ser::Error::custom)
    }
}

struct Scalar<S>(S);

macro_rules! pass {
    ($($visit:ident => $serialize:ident($value:ty);)*) => {
        $(
            fn $visit<E: de::Error>(self, value: $value) -> Result<S::Ok, E> {
                self.0.$serialize(value).map_err(E::custom)
            }
        )*
    };
}

impl<'de, S: Serializer> Visitor<'de> for Scalar<S> {
    type Value = S::Ok;

    pass! {
        visit_bool => serialize_bool(bool);
        visit_i64 => serialize_i64(i64);
        visit_u64 => serialize_u64(u64);
        visit_f32 => serialize_f32(f32);
        visit_f64 => serialize_f64(f64);
        visit_str => serialize_str(&str);
        visit_bytes => serialize_bytes(&[u8]);
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<S::Ok, E> {
        self.0.serialize_unit().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<S::Ok, A::Error> {
        let mut output = self
            .0
            .serialize_seq(items.size_hint())
            .map_err(de::Error::custom)?;
        while items.next_element_seed(Element(&mut output))?.is_some() {}
        output.end().map_err(de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<S::Ok, A::Error> {
        let mut output = self
            .0
            .serialize_map(pairs.size_hint())
            .map_err(de::Error::custom)?;
        while pairs.next_key_seed(Key(&mut output))?.is_some() {
            pairs.next_value_seed(Value(&mut output))?;
        }
        output.end().map_err(de::Error::custom)
    }
}

struct Element<'s, S>(&'s mut S);

struct Key<'s, S>(&'s mut S);

struct Value<'s, S>(&'s mut S);

macro_rules! part {
    ($part:ident, $parent:ident, $serialize:ident) => {
        impl<'de, S: $parent> DeserializeSeed<'de> for $part<'_, S> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
                self.0
                    .$serialize(&Transcode::new(input))
                    .map_err(de::Error::custom)
            }
        }
    };
}

part!(Element, SerializeSeq, serialize_element);
part!(Key, SerializeMap, serialize_key);
part!(Value, SerializeMap, serialize_value);
