//! One undecoded value that serialises as itself.

use serde::ser::{Error, Serialize, Serializer};

use super::decoder::Decoder;
use super::reader::Reader;
use super::transcode::Transcode;

/// The name under which an [`Encoder`](super::encoder) recognises a [`Packed`].
pub(crate) const PACKED: &str = "$mesahub::messagepack::value";

/// One MessagePack value. Serialisers of formats for people get its parts; others, and that is
/// how an encoder asks, its bytes.
pub(crate) struct Packed<'a>(pub(crate) &'a [u8]);

impl Serialize for Packed<'_> {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let mut whole = Reader::new(self.0);
        whole
            .skip("the value")
            .and_then(|()| whole.end("the value"))
            .map_err(S::Error::custom)?;
        if output.is_human_readable() {
            Transcode::new(&mut Decoder::new(self.0)).serialize(output)
        } else {
            output.serialize_bytes(self.0)
        }
    }
}
