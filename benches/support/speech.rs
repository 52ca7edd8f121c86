//! What clients of the benches say and what they are answered, in JSON or else in MessagePack.

use mesahub_protocol::Protocol;

/// A mask as a client has to use one; it need not be random on a loopback.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The text of every item of a stream.
pub(crate) const ITEM: &str = "an order is ready";

/// The hub protocol of this name.
pub(crate) fn protocol(name: &str) -> Protocol {
    Protocol::parse_name(name).expect("the parent names a protocol that exists")
}

/// The byte that each message that a bench sends has one of, and no header of a frame of them has:
/// frames differ in number with how many messages the hub joins, so bytes cannot be counted.
pub(crate) fn mark(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Json => b'{',
        // The head of a stream item and of the completion that ends a stream: four elements.
        _ => 0x94,
    }
}

/// The handshake.
pub(crate) fn handshake(protocol: Protocol) -> Vec<u8> {
    let name = protocol.name();
    format!("{{\"protocol\":\"{name}\",\"version\":1}}\x1e").into_bytes()
}

/// A call of the method `Add`. Every number below 900 gives the same length.
pub(crate) fn invocation(protocol: Protocol, number: usize) -> Vec<u8> {
    let id = number + 100;
    match protocol {
        Protocol::Json => format!(
            "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"Add\",\"arguments\":[20,22]}}\x1e"
        )
        .into_bytes(),
        _ => {
            let id = id.to_string();
            let head = b"\x96\x01\x80\xa3";
            packed(&[head, id.as_bytes(), b"\xa3Add\x92\x14\x16\x90"])
        }
    }
}

/// What the server answers to it.
pub(crate) fn answer(protocol: Protocol, number: usize) -> Vec<u8> {
    let id = number + 100;
    match protocol {
        Protocol::Json => {
            format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":42}}\x1e").into_bytes()
        }
        _ => {
            let id = id.to_string();
            packed(&[b"\x95\x03\x80\xa3", id.as_bytes(), b"\x03\x2a"])
        }
    }
}

/// A call of the method `Pour`, which streams this many items.
pub(crate) fn stream_invocation(protocol: Protocol, items: u32) -> Vec<u8> {
    match protocol {
        Protocol::Json => format!(
            "{{\"type\":4,\"invocationId\":\"1\",\"target\":\"Pour\",\"arguments\":[{items}]}}\x1e"
        )
        .into_bytes(),
        _ => {
            let count = items.to_be_bytes();
            let head = b"\x96\x04\x80\xa11\xa4Pour\x91\xce";
            packed(&[head, &count, b"\x90"])
        }
    }
}

/// One item of that stream.
pub(crate) fn item(protocol: Protocol) -> Vec<u8> {
    match protocol {
        Protocol::Json => {
            format!("{{\"type\":2,\"invocationId\":\"1\",\"item\":\"{ITEM}\"}}\x1e").into_bytes()
        }
        _ => {
            let length = u8::try_from(ITEM.len()).expect("a short text");
            packed(&[b"\x94\x02\x80\xa11", &[0xa0 | length], ITEM.as_bytes()])
        }
    }
}

/// The end of that stream.
pub(crate) fn end(protocol: Protocol) -> Vec<u8> {
    match protocol {
        Protocol::Json => b"{\"type\":3,\"invocationId\":\"1\"}\x1e".to_vec(),
        _ => packed(&[b"\x94\x03\x80\xa11\x02"]),
    }
}

/// One frame as the server sends it, of a short payload.
pub(crate) fn framed(protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short payload");
    assert!(length < 126, "a short payload");
    [&[opcode(protocol), length], payload].concat()
}

/// A frame as a client sends it (RFC 6455, section 5.3), of a payload under 64 KiB.
pub(crate) fn masked(protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode(protocol)];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            let length = u16::try_from(payload.len()).expect("a bench sends short messages");
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

/// The first byte of a whole data frame.
fn opcode(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Json => 0x81,
        _ => 0x82,
    }
}

/// A MessagePack message behind its length.
fn packed(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u8::try_from(body.len()).expect("a short message");
    assert!(length < 128, "a short message");
    [&[length], body.as_slice()].concat()
}
