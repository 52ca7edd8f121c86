//! What other nodes, or whoever reaches the broker, publish.

use bytes::Bytes;
use mesahub_protocol::{Ack, BackplaneCompletion, Envelope, GroupCommand};

use crate::seeds::dumps;
use crate::target::Target;

/// [`Envelope::decode`].
pub const ENVELOPE: Target = Target {
    name: "envelope",
    decode: envelope,
    seeds: envelopes,
};

/// [`GroupCommand::decode`].
pub const GROUP_COMMAND: Target = Target {
    name: "group_command",
    decode: group_command,
    seeds: || {
        dumps(&[
            "95 07 a7 77 65 62 31 5f 30 66 01 a4 72 6f 6f 6d a2 63 41",
            "95 07 a0 02 a0 a0",
            "95 07 a0 03 a0 a0",
            "95 ff a0 01 db ff ff ff ff",
        ])
    },
};

/// [`Ack::decode`].
pub const ACK: Target = Target {
    name: "ack",
    decode: ack,
    seeds: || {
        dumps(&[
            "91 07",
            "91 cc b4",
            "91 cd 01 80",
            "91 ce 00 01 11 70",
            "91 ff",
        ])
    },
};

/// [`BackplaneCompletion::decode`].
pub const COMPLETION: Target = Target {
    name: "completion",
    decode: completion,
    seeds: || {
        dumps(&[
            "92 a4 6a736f6e c4 03 7b7d1e",
            "92 ab 6d6573736167657061636b c4 0a 09 95 03 80 a3 616263 03 07",
            "92 a4 6a736f6e c6 7f ff ff ff",
        ])
    },
};

fn envelope(input: &[u8]) {
    let input = Bytes::copy_from_slice(input);
    let Ok(envelope) = Envelope::decode(&input) else {
        return;
    };
    for (_, message) in &envelope.messages {
        let place = input.as_ptr_range();
        assert!(
            message.is_empty() || place.contains(&message.as_ptr()),
            "no copy"
        );
    }
    let written = Bytes::from(envelope.encode());
    let again = Envelope::decode(&written).expect("what was written can be read");
    assert_eq!(again, envelope);
    assert_eq!(again.encode(), written);
}

fn group_command(input: &[u8]) {
    if let Ok(command) = GroupCommand::decode(input) {
        let again = GroupCommand::decode(&command.encode());
        assert_eq!(again.as_ref(), Ok(&command));
    }
}

fn ack(input: &[u8]) {
    if let Ok(ack) = Ack::decode(input) {
        assert_eq!(Ack::decode(&ack.encode()), Ok(ack));
    }
}

fn completion(input: &[u8]) {
    if let Ok(completion) = BackplaneCompletion::decode(&Bytes::copy_from_slice(input)) {
        let written = Bytes::from(completion.encode());
        let again = BackplaneCompletion::decode(&written);
        assert_eq!(
            again.expect("what was written can be read").encode(),
            written
        );
    }
}

fn envelopes() -> Vec<Vec<u8>> {
    dumps(&[
        "92 90 80",
        "92 92 a4 63 6f 6e 41 a4 63 6f 6e 42 81 a4 6a736f6e c4 03 7b7d1e",
        "92 90 82 a4 6a736f6e c4 0b 7b2274797065223a367d1e ab 6d6573736167657061636b c4 03 02 91 06",
        "94 90 81 a4 6a736f6e c4 03 7b7d1e a3 616263 a3 483a72",
        "95 90 80 a0 a0 81 02 c3",
        "95 90 80 a0 a0 84 01 a2 3030 02 c3 03 c3 04 a1 6b",
        "96 90 80 c0 c0 84 09 92 01 81 02 03 a1 78 c0 cd 1000 05 02 c3 c0",
        "dd 00000002 dc 0001 d9 01 41 df 00000001 da 0004 6a736f6e c6 00000001 7d",
        "92 dd ffffffff a0",
        "92 90 df ffffffff",
        "92 90 81 a0 c6 7fffffff 00",
        "95 90 80 a0 a0 df ffffffff",
    ])
}
