//! What Mesahub nodes add to an envelope.

use bytes::Bytes;

use crate::pack::{Head, PackError, Reader, Writer};

const MESSAGE_ID: i64 = 0;
const TRACE_PARENT: i64 = 1;
const LOGGED: i64 = 2;
const DEDUPE: i64 = 3;
const OVERFLOW: i64 = 4;
const SIGNATURE: i64 = 5;
const DISMISSAL: i64 = 6;
const RECEIPT: i64 = 7;

const DROP_OLDEST: i64 = 1;

/// Facts about a message that ASP.NET Core servers do not know: a MessagePack map with integer
/// keys, of which only those that differ from the default are written and unknown ones skipped.
///
/// | key | field | value |
/// | --- | --- | --- |
/// | 0 | `message_id` | 16 bytes |
/// | 1 | `trace_parent` | string |
/// | 2 | `logged` | true |
/// | 3 | `dedupe` | true |
/// | 4 | `overflow` | 1 for drop oldest, a string for latest per key; other integers read as close |
/// | 5 | `signature` | bytes |
/// | 6 | `dismissal` | string |
/// | 7 | `receipt` | true |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// The notification's id, a UUID in network order.
    pub message_id: Option<[u8; 16]>,
    /// The W3C `traceparent` of whoever sent it.
    pub trace_parent: Option<String>,
    /// Whether the topic's log keeps it.
    pub logged: bool,
    /// Whether the same message goes to several topics, so that a connection behind more than one
    /// must be given it once.
    pub dedupe: bool,
    /// What happens at a connection whose outbox is full.
    pub overflow: Overflow,
    /// The signature of the envelope as it encodes with this field set to `None`.
    pub signature: Option<Bytes>,
    /// That the connections which are given this message end with it, and the reason that their
    /// clients are told.
    pub dismissal: Option<String>,
    /// Whether the connections that are given it are counted.
    pub receipt: bool,
}

/// What to do when a connection's outbox has no room for the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Close the connection.
    #[default]
    Close,
    /// Drop the oldest queued messages.
    DropOldest,
    /// Replace the queued message that has the same key.
    LatestPerKey(String),
}

impl Extension {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let present = [
            self.message_id.is_some(),
            self.trace_parent.is_some(),
            self.logged,
            self.dedupe,
            self.overflow != Overflow::Close,
            self.signature.is_some(),
            self.dismissal.is_some(),
            self.receipt,
        ];
        writer.map(present.into_iter().filter(|present| *present).count());
        if let Some(id) = &self.message_id {
            writer.integer(MESSAGE_ID);
            writer.bytes(id);
        }
        if let Some(trace_parent) = &self.trace_parent {
            writer.integer(TRACE_PARENT);
            writer.text(trace_parent);
        }
        for (key, _) in [(LOGGED, self.logged), (DEDUPE, self.dedupe)]
            .iter()
            .filter(|flag| flag.1)
        {
            writer.integer(*key);
            writer.boolean(true);
        }
        match &self.overflow {
            Overflow::Close => {}
            Overflow::DropOldest => {
                writer.integer(OVERFLOW);
                writer.integer(DROP_OLDEST);
            }
            Overflow::LatestPerKey(key) => {
                writer.integer(OVERFLOW);
                writer.text(key);
            }
        }
        if let Some(signature) = &self.signature {
            writer.integer(SIGNATURE);
            writer.bytes(signature);
        }
        if let Some(reason) = &self.dismissal {
            writer.integer(DISMISSAL);
            writer.text(reason);
        }
        if self.receipt {
            writer.integer(RECEIPT);
            writer.boolean(true);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, payload: &Bytes) -> Result<Self, PackError> {
        let mut extension = Self::default();
        if !matches!(reader.peek("the extension")?, Head::Map(_)) {
            reader.skip("the extension")?;
            return Ok(extension);
        }
        for _ in 0..reader.map("the extension")? {
            match read_key(reader)? {
                Some(MESSAGE_ID) => extension.message_id = Some(read_id(reader)?),
                Some(TRACE_PARENT) => {
                    extension.trace_parent = Some(reader.text("the trace parent")?.to_owned());
                }
                Some(LOGGED) => extension.logged = reader.boolean("the log flag")?,
                Some(DEDUPE) => extension.dedupe = reader.boolean("the dedupe flag")?,
                Some(OVERFLOW) => extension.overflow = read_overflow(reader)?,
                Some(SIGNATURE) => {
                    extension.signature = Some(payload.slice_ref(reader.bytes("the signature")?));
                }
                Some(DISMISSAL) => {
                    extension.dismissal = Some(reader.text("the dismissal")?.to_owned());
                }
                Some(RECEIPT) => extension.receipt = reader.boolean("the receipt flag")?,
                _ => reader.skip("an unknown extension value")?,
            }
        }
        Ok(extension)
    }
}

fn read_key(reader: &mut Reader<'_>) -> Result<Option<i64>, PackError> {
    let what = "an extension key";
    if matches!(reader.peek(what)?, Head::Unsigned(0..=127)) {
        return reader.integer(what).map(Some);
    }
    reader.skip(what)?;
    Ok(None)
}

fn read_id(reader: &mut Reader<'_>) -> Result<[u8; 16], PackError> {
    let what = "the message id";
    let id = reader.bytes(what)?;
    id.try_into().map_err(|_| PackError::Unexpected {
        what,
        expected: "16 bytes",
    })
}

fn read_overflow(reader: &mut Reader<'_>) -> Result<Overflow, PackError> {
    let what = "the overflow policy";
    if matches!(reader.peek(what)?, Head::Text(_)) {
        return Ok(Overflow::LatestPerKey(reader.text(what)?.to_owned()));
    }
    match reader.integer(what)? {
        DROP_OLDEST => Ok(Overflow::DropOldest),
        _ => Ok(Overflow::Close),
    }
}
