//! WebSocket frames, cut anywhere, bring what was put into them.

use mesahub_protocol::websocket::{Event, Reader};
use proptest::prelude::*;

/// A message, and a ping behind each of its fragments.
#[derive(Clone, Debug)]
struct Message {
    text: Option<String>,
    bytes: Vec<u8>,
    fragment: usize,
    ping: Vec<u8>,
}

prop_compose! {
    fn message()(
        text in proptest::option::of("\\PC{0,200}"),
        bytes in prop::collection::vec(any::<u8>(), 0..70_000),
        fragment in 1_usize..70_000,
        ping in prop::collection::vec(any::<u8>(), 0..=125),
    ) -> Message {
        Message { text, bytes, fragment, ping }
    }
}

impl Message {
    fn payload(&self) -> &[u8] {
        self.text
            .as_ref()
            .map_or(&self.bytes, |text| text.as_bytes())
    }

    fn fragments(&self) -> std::slice::Chunks<'_, u8> {
        // A text is short, and its fragments are all the shorter.
        let size = if self.text.is_some() {
            1 + self.fragment % 7
        } else {
            self.fragment
        };
        self.payload().chunks(size)
    }

    fn write(&self, mask: [u8; 4], out: &mut Vec<u8>) {
        let last = self.fragments().len().saturating_sub(1);
        let opcode = if self.text.is_some() { 1 } else { 2 };
        if self.payload().is_empty() {
            write_frame(0x80 | opcode, &[], mask, out);
        }
        for (index, fragment) in self.fragments().enumerate() {
            let first = if index == 0 { opcode } else { 0 };
            let end = if index == last { 0x80 } else { 0 };
            write_frame(end | first, fragment, mask, out);
            write_frame(0x89, &self.ping, mask, out);
        }
    }
}

fn write_frame(first: u8, payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    out.push(first);
    match payload.len() {
        short @ 0..=125 => out.push(0x80 | short as u8),
        middle @ 126..=65_535 => {
            out.push(0x80 | 126);
            out.extend((middle as u16).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
}

proptest! {
    #[test]
    fn every_payload_arrives_and_every_ping_in_its_place(
        messages in prop::collection::vec(message(), 0..4),
        mask: [u8; 4],
        cut in 1_usize..5_000,
    ) {
        let (mut stream, mut payload, mut pings) = (Vec::new(), Vec::new(), Vec::new());
        for message in &messages {
            message.write(mask, &mut stream);
            for fragment in message.fragments() {
                payload.extend_from_slice(fragment);
                pings.push((payload.len(), message.ping.clone()));
            }
        }
        let (mut came, mut answered) = (Vec::new(), Vec::new());
        let mut reader = Reader::new();
        for chunk in stream.chunks_mut(cut) {
            let mut rest = chunk;
            loop {
                let step = reader.read(rest).unwrap();
                match step.event {
                    None => break,
                    Some(Event::Data(place)) => came.extend_from_slice(&rest[place]),
                    Some(Event::Ping(ping)) => answered.push((came.len(), ping)),
                    Some(Event::Close(_)) => panic!("nobody closed"),
                }
                rest = &mut rest[step.taken..];
            }
        }
        prop_assert_eq!(came, payload);
        prop_assert_eq!(answered, pings);
    }
}
