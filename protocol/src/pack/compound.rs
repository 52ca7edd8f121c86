//! Arrays and maps while an [`Encoder`] writes their elements.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::encoder::{Encoder, Mode, fits};
use super::error::PackError;
use super::writer::Writer;

/// What the elements become.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Array,
    Map,
    /// Nothing around them: the only field holds JSON text, whose value is meant.
    Json,
}

/// An array or map whose head is written and whose elements come next. The head is written with
/// the count that was announced, and again if another count came.
pub(super) struct Compound<'e, 'o> {
    encoder: &'e mut Encoder<'o>,
    shape: Shape,
    /// Where the head stands in the output.
    head: std::ops::Range<usize>,
    announced: usize,
    count: usize,
}

impl<'e, 'o> Compound<'e, 'o> {
    pub(super) fn open(
        encoder: &'e mut Encoder<'o>,
        shape: Shape,
        length: Option<usize>,
    ) -> Result<Self, PackError> {
        let announced = length.unwrap_or(0);
        fits(announced)?;
        let start = encoder.writer.out().len();
        write_head(&mut encoder.writer, shape, announced);
        let head = start..encoder.writer.out().len();
        Ok(Self {
            encoder,
            shape,
            head,
            announced,
            count: 0,
        })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        self.count += 1;
        value.serialize(&mut *self.encoder)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), PackError> {
        if self.shape == Shape::Json {
            return self.encoder.within(Mode::Json, value);
        }
        self.encoder.writer.text(name);
        self.element(value)
    }

    fn close(self) -> Result<(), PackError> {
        if self.count != self.announced && self.shape != Shape::Json {
            fits(self.count)?;
            let mut head = Vec::with_capacity(5);
            write_head(&mut Writer::new(&mut head), self.shape, self.count);
            self.encoder.writer.out().splice(self.head, head);
        }
        Ok(())
    }
}

fn write_head(writer: &mut Writer<'_>, shape: Shape, count: usize) {
    match shape {
        Shape::Array => writer.array(count),
        Shape::Map => writer.map(count),
        Shape::Json => {}
    }
}

macro_rules! array_like {
    ($($kind:ident::$method:ident)*) => {
        $(
            impl $kind for Compound<'_, '_> {
                type Ok = ();
                type Error = PackError;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
                    self.element(value)
                }

                fn end(self) -> Result<(), PackError> {
                    self.close()
                }
            }
        )*
    };
}

macro_rules! struct_like {
    ($($kind:ident)*) => {
        $(
            impl $kind for Compound<'_, '_> {
                type Ok = ();
                type Error = PackError;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<(), PackError> {
                    self.field(name, value)
                }

                fn end(self) -> Result<(), PackError> {
                    self.close()
                }
            }
        )*
    };
}

array_like! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

struct_like!(SerializeStruct SerializeStructVariant);

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), PackError> {
        key.serialize(&mut *self.encoder)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        self.element(value)
    }

    fn end(self) -> Result<(), PackError> {
        self.close()
    }
}
