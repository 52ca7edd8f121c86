//! How nodes write to each other: one line of JSON, and bytes as they are.

use bytes::{BufMut, Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::hub::peers::node_id::NodeId;

/// What a letter is.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum Head {
    /// The sender is alive. One that has just started greets, and is greeted back.
    Beat { from: NodeId, greeting: bool },
    /// The sender is going.
    Leaving { from: NodeId },
    /// A question to a service, whose answer goes to the sender.
    Ask {
        from: NodeId,
        number: u64,
        service: String,
    },
    /// The answer, unless the node has no such service.
    Answer {
        from: NodeId,
        number: u64,
        known: bool,
    },
    /// Something for a service that nobody waits for.
    Tell { service: String },
}

/// One line of JSON and what follows it.
///
/// # Panics
/// Never: what is written here always serialises.
pub(crate) fn join<H: Serialize>(head: &H, body: &[u8]) -> Bytes {
    let head = serde_json::to_vec(head).expect("a head has nothing that cannot be JSON");
    let mut letter = BytesMut::with_capacity(head.len() + 1 + body.len());
    letter.put_slice(&head);
    letter.put_u8(b'\n');
    letter.put_slice(body);
    letter.freeze()
}

/// The line and what follows it; `None` when it is no such thing.
pub(crate) fn split<H: DeserializeOwned>(letter: &Bytes) -> Option<(H, Bytes)> {
    let end = letter.iter().position(|byte| *byte == b'\n')?;
    let head = serde_json::from_slice(&letter[..end]).ok()?;
    Some((head, letter.slice(end + 1..)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;

    use super::{Head, join, split};
    use crate::hub::peers::node_id::NodeId;

    #[test]
    fn a_letter_reads_back_whatever_its_body_holds() {
        let head = Head::Ask {
            from: NodeId::random(),
            number: u64::MAX,
            service: "hub:a\nb".to_owned(),
        };
        for body in [&b""[..], b"\n\n", b"\x00\xff{"] {
            let (read, rest) = split::<Head>(&join(&head, body)).unwrap();
            assert_eq!((read, &rest[..]), (head.clone(), body));
        }
    }

    #[test]
    fn what_is_no_letter_is_refused() {
        for text in ["", "{}", "{}\n", "{\"beat\":{\"from\":\"short\"}}\n", "\n"] {
            assert!(split::<Head>(&Bytes::from(text)).is_none(), "{text}");
        }
    }
}
