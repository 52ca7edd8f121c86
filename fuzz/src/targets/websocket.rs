//! WebSocket frames.

use mesahub_protocol::websocket::{Event, Reader, close_frame, pong_frame};

use crate::seeds::dumps;
use crate::target::Target;

/// [`Reader`].
pub const FRAMES: Target = Target {
    name: "websocket",
    decode: frames,
    seeds: streams,
};

/// What a stream of frames brings, pieces of payload joined.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stream {
    payload: Vec<u8>,
    /// With how much payload before it.
    events: Vec<(usize, Event)>,
    violation: Option<String>,
}

/// The first byte is the size of the chunks. However the stream is cut, it brings the same; only
/// of a piece that breaks a rule nothing is given, and smaller pieces give what comes before it.
fn frames(input: &[u8]) {
    let [size, stream @ ..] = input else {
        return;
    };
    let whole = read(stream.chunks(stream.len().max(1)));
    let cut = read(stream.chunks(usize::from(*size).max(1)));
    assert_eq!(
        (&whole.events, &whole.violation),
        (&cut.events, &cut.violation)
    );
    assert!(cut.payload.starts_with(&whole.payload));
    assert!(whole.violation.is_some() || cut.payload == whole.payload);
    assert!(cut.payload.len() <= stream.len());
}

fn read<'c>(chunks: impl Iterator<Item = &'c [u8]>) -> Stream {
    let mut reader = Reader::new();
    let mut stream = Stream::default();
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let mut rest = chunk.as_mut_slice();
        loop {
            let step = match reader.read(rest) {
                Ok(step) => step,
                Err(violation) => {
                    assert!([1002, 1007].contains(&violation.status().number()));
                    stream.violation = Some(violation.to_string());
                    break;
                }
            };
            match step.event {
                None => {
                    assert_eq!(step.taken, rest.len(), "all is taken");
                    break;
                }
                Some(Event::Data(place)) => {
                    assert!(!place.is_empty() && place.end == step.taken);
                    stream.payload.extend_from_slice(&rest[place]);
                }
                Some(event) => {
                    match &event {
                        Event::Ping(payload) => {
                            assert_eq!(pong_frame(payload)[2..], payload[..], "an exact pong");
                        }
                        Event::Close(Some(status)) => assert_eq!(close_frame(*status)[1], 2),
                        _ => {}
                    }
                    stream.events.push((stream.payload.len(), event));
                }
            }
            rest = &mut rest[step.taken..];
        }
    }
    stream
}

/// The examples of RFC 6455, section 5.7, and its limits.
fn streams() -> Vec<Vec<u8>> {
    dumps(&[
        "03 81 85 37 fa 21 3d 7f 9f 4d 51 58",
        "01 01 83 00 00 00 00 48 65 6c 80 82 00 00 00 00 6c 6f",
        "05 89 85 37 fa 21 3d 7f 9f 4d 51 58 8a 80 00 00 00 00",
        "02 01 81 00 00 00 00 48 89 81 00 00 00 00 70 80 81 00 00 00 00 69",
        "04 88 82 00 00 00 00 03 e8",
        "04 88 80 00 00 00 00",
        "04 88 81 00 00 00 00 03",
        "04 88 83 00 00 00 00 03 e8 ff",
        "01 81 84 00 00 00 00 f0 9f 8d 95",
        "01 01 82 00 00 00 00 f0 9f 80 82 00 00 00 00 8d 95",
        "01 81 81 00 00 00 00 ff",
        "08 82 fe 00 7e 00 00 00 00 78",
        "08 82 ff 00 00 00 00 00 01 00 00 00 00 00 00 78",
        "08 82 ff 7f ff ff ff ff ff ff ff 00 00 00 00 78",
        "08 82 ff 80 00 00 00 00 00 00 00 00 00 00 00",
        "08 82 fe 00 7d 00 00 00 00",
        "02 c1 80 00 00 00 00",
        "02 83 80 00 00 00 00",
        "02 81 05 48 65 6c 6c 6f",
        "02 80 80 00 00 00 00",
        "02 09 80 00 00 00 00",
        "02 89 fe 00 7e 00 00 00 00",
    ])
}
