//! The frames with which a server answers control frames. They carry no mask.

use crate::websocket::status::CloseStatus;

/// The first byte of a Close frame.
const CLOSE: u8 = 0x88;

/// The first byte of a pong.
const PONG: u8 = 0x8a;

/// A Close frame with a status and no reason.
#[must_use]
pub const fn close_frame(status: CloseStatus) -> [u8; 4] {
    let [high, low] = status.number().to_be_bytes();
    [CLOSE, 2, high, low]
}

/// The pong to a ping with this payload, of which a control frame carries the first 125 bytes.
#[must_use]
pub fn pong_frame(payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(125)];
    let mut frame = Vec::with_capacity(2 + payload.len());
    frame.extend([PONG, u8::try_from(payload.len()).expect("at most 125")]);
    frame.extend_from_slice(payload);
    frame
}
