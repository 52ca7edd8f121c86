//! The framing of both hub protocols.

use mesahub_protocol::{FrameReader, Protocol};

use crate::seeds::{dumps, texts};
use crate::target::Target;

/// [`FrameReader`] over messages that end in 0x1E.
pub const TEXT: Target = Target {
    name: "framing_text",
    decode: |input| framing(Protocol::Json, input),
    seeds: || {
        texts(&[
            "\u{7}\u{3}{\"type\":6}\u{1e}",
            "\u{40}\u{1}{}\u{1e}{\"type\":6}\u{1e}{\"type\":7}\u{1e}",
            "\u{4}\u{0}abcd\u{1e}",
            "\u{4}\u{2}abc\u{1e}\u{1e}\u{1e}unfinished",
        ])
    },
};

/// [`FrameReader`] over messages behind their lengths.
pub const BINARY: Target = Target {
    name: "framing_binary",
    decode: |input| framing(Protocol::MessagePack, input),
    seeds: || {
        dumps(&[
            "ff 03 02 91 06",
            "ff 01 0d 96 01 80 a1 31 a3 41 64 64 92 02 03 90 02 91 06",
            "ff 00 05 92 08 cd 01 2c 03 92 09 01 04 93 07 c0 c3",
            // A length of 2 GiB less one, and of 2 GiB.
            "00 02 ff ff ff ff 07 91 06",
            "00 02 ff ff ff ff 08 91 06",
            "03 01 80 80 80 80 00 00",
        ])
    },
};

/// The first byte is the limit, where not zero, and the second the size of the chunks. However the
/// stream is cut, the same messages come out of it, and none is larger than the limit.
fn framing(protocol: Protocol, input: &[u8]) {
    let [limit, size, stream @ ..] = input else {
        return;
    };
    let limit = (*limit > 0).then_some(usize::from(*limit));
    let size = usize::from(*size).max(1);
    let whole = read(protocol, limit, stream.chunks(stream.len().max(1)));
    let cut = read(protocol, limit, stream.chunks(size));
    assert_eq!(whole, cut);
    for body in whole.0 {
        assert!(limit.is_none_or(|limit| body.len() <= limit));
    }
}

/// The messages in chunks, and the error that ended them.
fn read<'c>(
    protocol: Protocol,
    limit: Option<usize>,
    chunks: impl Iterator<Item = &'c [u8]>,
) -> (Vec<Vec<u8>>, Option<String>) {
    let mut reader = FrameReader::after_handshake(protocol, limit);
    let mut bodies = Vec::new();
    for chunk in chunks {
        let mut frames = reader.feed(chunk);
        while let Some(body) = frames.next() {
            match body {
                Ok(body) => bodies.push(body.to_vec()),
                Err(error) => return (bodies, Some(error.to_string())),
            }
        }
    }
    (bodies, None)
}
