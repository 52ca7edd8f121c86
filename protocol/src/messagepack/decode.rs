//! Reads one MessagePack message.

use std::borrow::Cow;

use crate::error::ProtocolError;
use crate::message::{HubMessage, Invocation, Outcome};
use crate::pack::{PackError, Reader};
use crate::payload::Payload;

const ERROR: u64 = 1;
const VOID: u64 = 2;
const RESULT: u64 = 3;

/// Reads the message in `body`, which has no length before it.
pub(crate) fn decode(body: &[u8]) -> Result<HubMessage<'_>, ProtocolError> {
    let mut reader = Reader::new(body);
    let count = reader.array_of("a message", 1)?;
    let mut elements = Elements {
        reader,
        count,
        left: count,
    };
    let message = match elements.next()?.integer("the message type")? {
        1 => HubMessage::Invocation(call(&mut elements, "an Invocation")?),
        2 => {
            elements.need("a StreamItem", 4)?;
            HubMessage::StreamItem {
                invocation_id: elements.id("StreamItem")?,
                item: Payload::MessagePack(elements.next()?.value("the item")?),
            }
        }
        3 => {
            elements.need("a Completion", 4)?;
            HubMessage::Completion {
                invocation_id: elements.id("Completion")?,
                outcome: outcome(&mut elements)?,
            }
        }
        4 => {
            let call = call(&mut elements, "a StreamInvocation")?;
            if call.invocation_id.is_none() {
                return Err(missing_id("StreamInvocation"));
            }
            HubMessage::StreamInvocation(call)
        }
        5 => {
            elements.need("a CancelInvocation", 3)?;
            HubMessage::CancelInvocation {
                invocation_id: elements.id("CancelInvocation")?,
            }
        }
        6 => HubMessage::Ping,
        7 => {
            elements.need("a Close", 2)?;
            HubMessage::Close {
                error: elements
                    .next()?
                    .text_or_nil("the error")?
                    .map(Cow::Borrowed),
                allow_reconnect: elements.left > 0
                    && elements.next()?.boolean("the reconnect flag")?,
            }
        }
        8 => HubMessage::Ack {
            sequence_id: elements.sequence_id("an Ack")?,
        },
        9 => HubMessage::Sequence {
            sequence_id: elements.sequence_id("a Sequence")?,
        },
        kind => HubMessage::Unknown { kind },
    };
    elements.finish()?;
    Ok(message)
}

/// The elements of the message's array.
struct Elements<'a> {
    reader: Reader<'a>,
    count: u32,
    /// How many have not been read.
    left: u32,
}

impl<'a> Elements<'a> {
    /// The reader, at the next element.
    fn next(&mut self) -> Result<&mut Reader<'a>, PackError> {
        let left = self.left.checked_sub(1);
        self.left = left.ok_or(PackError::Truncated("a message"))?;
        Ok(&mut self.reader)
    }

    /// Refuses a message with fewer than `needed` elements.
    const fn need(&self, what: &'static str, needed: u32) -> Result<(), PackError> {
        if self.count >= needed {
            return Ok(());
        }
        Err(PackError::TooShort {
            what,
            needed,
            found: self.count,
        })
    }

    /// Headers are checked and forgotten.
    fn skip_headers(&mut self) -> Result<(), PackError> {
        let reader = self.next()?;
        for _ in 0..reader.map("the headers")? {
            for what in ["the name of a header", "the value of a header"] {
                if reader.text(what)?.is_empty() {
                    let expected = "a string that is not empty";
                    return Err(PackError::Unexpected { what, expected });
                }
            }
        }
        Ok(())
    }

    /// Headers and an id that may be nil or, with the same meaning, empty.
    fn optional_id(&mut self) -> Result<Option<Cow<'a, str>>, PackError> {
        self.skip_headers()?;
        let id = self.next()?.text_or_nil("the invocation id")?;
        Ok(id.filter(|id| !id.is_empty()).map(Cow::Borrowed))
    }

    fn id(&mut self, kind: &'static str) -> Result<Cow<'a, str>, ProtocolError> {
        self.optional_id()?.ok_or(missing_id(kind))
    }

    fn sequence_id(&mut self, what: &'static str) -> Result<u64, PackError> {
        self.need(what, 2)?;
        self.next()?.integer("the sequence id")
    }

    /// Passes over what newer versions have added, and refuses what lies behind the array.
    fn finish(mut self) -> Result<(), PackError> {
        for _ in 0..self.left {
            self.reader.skip("a message")?;
        }
        self.reader.end("a message")
    }
}

fn call<'a>(
    elements: &mut Elements<'a>,
    what: &'static str,
) -> Result<Invocation<'a>, ProtocolError> {
    elements.need(what, 5)?;
    let invocation_id = elements.optional_id()?;
    let target = elements.next()?.text("the target")?;
    let arguments = list(elements.next()?, "the arguments", |reader| {
        reader.value("an argument").map(Payload::MessagePack)
    })?;
    let mut stream_ids = Vec::new();
    if elements.left > 0 {
        stream_ids = list(elements.next()?, "the stream ids", |reader| {
            reader.text("a stream id").map(Cow::Borrowed)
        })?;
    }
    Ok(Invocation {
        invocation_id,
        target: Cow::Borrowed(target),
        arguments,
        stream_ids,
    })
}

fn outcome<'a>(elements: &mut Elements<'a>) -> Result<Outcome<'a>, ProtocolError> {
    Ok(match elements.next()?.integer("the kind of completion")? {
        VOID => Outcome::Void,
        ERROR => {
            elements.need("a Completion with an error", 5)?;
            Outcome::Error(Cow::Borrowed(elements.next()?.text("the error")?))
        }
        RESULT => {
            elements.need("a Completion with a result", 5)?;
            Outcome::Result(Payload::MessagePack(elements.next()?.value("the result")?))
        }
        _ => {
            let (what, expected) = ("the kind of completion", "1, 2 or 3");
            return Err(PackError::Unexpected { what, expected }.into());
        }
    })
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    what: &'static str,
    mut element: impl FnMut(&mut Reader<'a>) -> Result<T, PackError>,
) -> Result<Vec<T>, PackError> {
    let count = reader.array(what)?;
    // Room for what is usual; a greater claim has to be proved element by element.
    let mut elements = Vec::with_capacity(count.min(4) as usize);
    for _ in 0..count {
        elements.push(element(reader)?);
    }
    Ok(elements)
}

const fn missing_id(kind: &'static str) -> ProtocolError {
    ProtocolError::MissingProperty {
        kind,
        property: "invocationId",
    }
}
