//! A message on its way to the connections behind a topic.

use std::borrow::Cow;

use bytes::Bytes;

use super::extension::Extension;
use crate::pack::{PackError, Reader, Writer};
use crate::protocol::Protocol;

/// An invocation, encoded once for each hub protocol, and whom to spare.
///
/// The layout is ASP.NET Core's `[excluded, messages]`, or with a reply
/// `[excluded, messages, invocationId, returnChannel]`. ASP.NET Core looks at the third and fourth
/// element only if there are at least four, takes an empty invocation id for none, and ignores
/// everything after the fourth. So an extension is always the **fifth** element, and where no
/// reply is wanted two empty strings stand before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The ids of connections that do not get the message.
    pub excluded: Vec<String>,
    /// For each hub protocol, by name, the complete message with its framing. Names that this
    /// crate does not know are kept.
    pub messages: Vec<(Cow<'static, str>, Bytes)>,
    /// Where the client's result goes, if one is awaited.
    pub reply: Option<Reply>,
    /// What Mesahub nodes tell each other.
    pub extension: Extension,
}

/// Where the result of a client call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The id of the call, unique in the cluster and the same as inside the messages; not empty.
    pub invocation_id: String,
    /// The channel that the caller listens on, without the channel prefix.
    pub return_channel: String,
}

impl Envelope {
    /// The message for connections that speak `protocol`, framed.
    #[must_use]
    pub fn message(&self, protocol: Protocol) -> Option<&Bytes> {
        let mut messages = self.messages.iter();
        messages
            .find(|(name, _)| name == protocol.name())
            .map(|(_, message)| message)
    }

    /// The payload. Of equal envelopes the bytes are equal.
    ///
    /// # Panics
    ///
    /// If a message or string reaches 4 GiB.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let size: usize = self
            .messages
            .iter()
            .map(|(name, bytes)| name.len() + bytes.len())
            .sum();
        let mut out = Vec::with_capacity(size + 64);
        let mut writer = Writer::new(&mut out);
        writer.array(match (&self.reply, self.extension.is_empty()) {
            (None, true) => 2,
            (Some(_), true) => 4,
            (_, false) => 5,
        });
        writer.array(self.excluded.len());
        for id in &self.excluded {
            writer.text(id);
        }
        writer.map(self.messages.len());
        for (name, message) in &self.messages {
            writer.text(name);
            writer.bytes(message);
        }
        if self.reply.is_some() || !self.extension.is_empty() {
            let reply = self.reply.as_ref();
            writer.text(reply.map_or("", |reply| &reply.invocation_id));
            writer.text(reply.map_or("", |reply| &reply.return_channel));
        }
        if !self.extension.is_empty() {
            self.extension.write(&mut writer);
        }
        out
    }

    /// Reads a payload. The messages are slices of it. A fifth element that is no map is another
    /// product's and ignored.
    ///
    /// # Errors
    ///
    /// [`PackError`] if the payload is not an envelope.
    pub fn decode(payload: &Bytes) -> Result<Self, PackError> {
        let mut reader = Reader::new(payload);
        let elements = reader.array_of("the envelope", 2)?;
        let mut envelope = Self::default();
        for _ in 0..reader.array("the excluded ids")? {
            envelope
                .excluded
                .push(reader.text("an excluded id")?.to_owned());
        }
        for _ in 0..reader.map("the messages")? {
            let name = protocol_name(reader.text("a protocol name")?);
            envelope
                .messages
                .push((name, payload.slice_ref(reader.bytes("a message")?)));
        }
        if elements >= 4 {
            envelope.reply = read_reply(&mut reader)?;
        }
        if elements >= 5 {
            envelope.extension = Extension::read(&mut reader, payload)?;
        }
        Ok(envelope)
    }
}

fn read_reply(reader: &mut Reader<'_>) -> Result<Option<Reply>, PackError> {
    let invocation_id = reader.text_or_nil("the invocation id")?.unwrap_or_default();
    let return_channel = reader
        .text_or_nil("the return channel")?
        .unwrap_or_default();
    Ok((!invocation_id.is_empty()).then(|| Reply {
        invocation_id: invocation_id.to_owned(),
        return_channel: return_channel.to_owned(),
    }))
}

/// The name of a hub protocol, without allocation for those in common use.
pub(super) fn protocol_name(name: &str) -> Cow<'static, str> {
    match name {
        "json" => Cow::Borrowed("json"),
        "messagepack" => Cow::Borrowed("messagepack"),
        other => Cow::Owned(other.to_owned()),
    }
}
