//! What stands in front of a payload on a channel.
//!
//! ```text
//!   0                 payload        not in a log
//!   1 <ms>-<seq> \n   payload        the id of its entry in the stream
//! ```

use bytes::Bytes;
use mesahub_broker::Position;

use crate::config::Framing;

/// The mark of a payload without a position.
pub(crate) const LIVE: u8 = b'0';

/// The mark of a payload behind its position.
pub(crate) const KEPT: u8 = b'1';

/// The longest stream id: two numbers of 20 digits.
const LONGEST_ID: usize = 41;

/// Reads what came on a channel; `None` when it is not ours.
pub(crate) fn read(framing: Framing, message: Bytes) -> Option<(Option<Position>, Bytes)> {
    if framing == Framing::Plain {
        return Some((None, message));
    }
    match *message.first()? {
        LIVE => Some((None, message.slice(1..))),
        KEPT => {
            let head = &message[1..message.len().min(LONGEST_ID + 2)];
            let length = head.iter().position(|byte| *byte == b'\n')?;
            let id = std::str::from_utf8(&head[..length]).ok()?;
            Some((Some(position(id)?), message.slice(length + 2..)))
        }
        _ => None,
    }
}

/// The position of a stream entry.
pub(crate) fn position(id: &str) -> Option<Position> {
    let (milliseconds, sequence) = id.split_once('-')?;
    Some(Position::from_parts(
        milliseconds.parse().ok()?,
        sequence.parse().ok()?,
    ))
}

/// The id of the stream entry at a position.
pub(crate) fn id(position: Position) -> String {
    let (milliseconds, sequence) = position.parts();
    format!("{milliseconds}-{sequence}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use mesahub_broker::Position;

    use super::{id, position, read};
    use crate::config::Framing::{Plain, Positioned};

    fn positioned(message: &'static str) -> Option<(Option<Position>, Bytes)> {
        read(Positioned, Bytes::from_static(message.as_bytes()))
    }

    #[test]
    fn a_payload_is_read_with_and_without_its_position() {
        let at = Position::from_parts(1_700_000_000_123, 4);
        assert_eq!(positioned("0").unwrap(), (None, Bytes::new()));
        assert_eq!(positioned("0hi").unwrap(), (None, Bytes::from("hi")));
        let kept = positioned("11700000000123-4\nhi\nho").unwrap();
        assert_eq!(kept, (Some(at), Bytes::from("hi\nho")));
        assert_eq!(position(&id(at)), Some(at));
        let bytes = Bytes::from_static(b"1-1\n");
        assert_eq!(read(Plain, bytes.clone()), Some((None, bytes)));
    }

    #[test]
    fn what_is_not_ours_is_none() {
        for foreign in ["", "2", "1", "11-1", "1x-1\n", "11\n", "11--1\n"] {
            assert_eq!(positioned(foreign), None, "{foreign:?}");
        }
        let endless = Bytes::from(vec![b'1'; 1_000]);
        assert_eq!(read(Positioned, endless), None);
    }

    #[test]
    fn the_largest_position_reads_back() {
        let most = Position::new(u128::MAX);
        let message = format!("1{}\nx", id(most));
        let (at, payload) = read(Positioned, Bytes::from(message)).unwrap();
        assert_eq!((at, payload), (Some(most), Bytes::from("x")));
    }
}
