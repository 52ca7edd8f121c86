//! Ready-made frames: what a transport writes as it is, made once and shared by every recipient.

use std::sync::{LazyLock, OnceLock};

use bytes::Bytes;
use mesahub_protocol::{Protocol, TransferFormat};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// The longest header of an unmasked WebSocket frame, in bytes.
const LONGEST_HEADER: usize = 10;

/// How a transport wants its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A WebSocket frame; text or binary follows from the hub protocol.
    WebSocket,
    /// The hub messages alone.
    Raw,
}

/// One hub message, or several in a row, encoded for each hub protocol that is in use, and framed
/// on demand.
#[derive(Debug, Default)]
pub struct Encoded {
    each: Vec<(Protocol, Forms)>,
}

#[derive(Debug)]
struct Forms {
    raw: Bytes,
    websocket: OnceLock<Bytes>,
}

impl Encoded {
    /// Nothing encoded yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the bytes for one protocol, which must be whole hub messages with their framing. Of
    /// two for the same protocol the first counts.
    pub fn insert(&mut self, protocol: Protocol, raw: Bytes) {
        let websocket = OnceLock::new();
        self.each.push((protocol, Forms { raw, websocket }));
    }

    /// What to write to a connection, or `None` if the publisher did not encode its protocol.
    #[must_use]
    pub fn bytes(&self, protocol: Protocol, form: Form) -> Option<&Bytes> {
        let (_, forms) = self.each.iter().find(|(of, _)| *of == protocol)?;
        Some(match form {
            Form::Raw => &forms.raw,
            Form::WebSocket => forms.websocket.get_or_init(|| {
                websocket(protocol.transfer_format(), |out| {
                    out.extend_from_slice(&forms.raw);
                })
            }),
        })
    }

    /// The protocols that it is encoded for, in the publisher's order.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = Protocol> {
        self.each.iter().map(|(protocol, _)| *protocol)
    }

    /// Its length in the protocol that takes most.
    pub(crate) fn len(&self) -> usize {
        self.each
            .iter()
            .map(|(_, forms)| forms.raw.len())
            .max()
            .unwrap_or(0)
    }

    /// Several messages as one, byte for byte the same streams. All must be encoded for the same
    /// protocols.
    pub(crate) fn join(all: &[&Self]) -> Self {
        let mut joined = Self::new();
        for protocol in all.iter().take(1).flat_map(|first| first.protocols()) {
            let parts = all
                .iter()
                .filter_map(|encoded| encoded.bytes(protocol, Form::Raw));
            let raw: Vec<&[u8]> = parts.map(AsRef::as_ref).collect();
            joined.insert(protocol, raw.concat().into());
        }
        joined
    }
}

/// The keep-alive message: made once for the whole process.
pub(crate) fn ping(form: Form, protocol: Protocol) -> Bytes {
    static PINGS: LazyLock<Encoded> = LazyLock::new(|| {
        let mut pings = Encoded::new();
        for protocol in Protocol::ALL {
            pings.insert(
                *protocol,
                Bytes::from_static(mesahub_protocol::ping(*protocol)),
            );
        }
        pings
    });
    PINGS.bytes(protocol, form).cloned().unwrap_or_default()
}

/// Builds a frame of the given form around what `write` appends, with a single allocation.
pub(crate) fn frame(form: Form, protocol: Protocol, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    match form {
        Form::WebSocket => websocket(protocol.transfer_format(), write),
        Form::Raw => {
            let mut out = Vec::new();
            write(&mut out);
            out.into()
        }
    }
}

/// Lets `write` append the payload behind room for the longest header, then sets the real header
/// right before it. Server frames carry no mask (RFC 6455, section 5.1).
pub(crate) fn websocket(format: TransferFormat, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(LONGEST_HEADER + 256);
    out.resize(LONGEST_HEADER, 0);
    write(&mut out);
    let data = match format {
        TransferFormat::Text => Data::Text,
        TransferFormat::Binary => Data::Binary,
    };
    let header = FrameHeader {
        opcode: OpCode::Data(data),
        ..FrameHeader::default()
    };
    let length = (out.len() - LONGEST_HEADER) as u64;
    let start = LONGEST_HEADER - header.len(length);
    let mut room = &mut out[start..LONGEST_HEADER];
    header
        .format(length, &mut room)
        .expect("a header fits its own length");
    Bytes::from(out).slice(start..)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mesahub_protocol::Protocol;

    use super::{Encoded, Form};

    #[test]
    fn frames_of_every_length_class_carry_the_right_header() {
        for (length, header) in [
            (3_usize, vec![0x81, 3]),
            (126, vec![0x81, 126, 0, 126]),
            (70_000, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
        ] {
            let mut encoded = Encoded::new();
            encoded.insert(Protocol::Json, Bytes::from(vec![b'x'; length]));
            let frame = encoded
                .bytes(Protocol::Json, Form::WebSocket)
                .expect("encoded");
            assert_eq!(frame[..header.len()], header);
            assert_eq!(frame.len(), header.len() + length);
        }
    }

    #[test]
    fn a_raw_transport_gets_the_same_bytes_without_a_copy() {
        let raw = Bytes::from_static(b"{\"type\":6}\x1e");
        let mut encoded = Encoded::new();
        encoded.insert(Protocol::Json, raw.clone());
        let given = encoded.bytes(Protocol::Json, Form::Raw).expect("encoded");
        assert_eq!(given.as_ptr(), raw.as_ptr());
    }
}
