//! A client's result on its way back to the server that asked.

use std::borrow::Cow;

use bytes::Bytes;

use super::invocation::protocol_name;
use crate::pack::{PackError, Reader, Writer};

/// The completion a client sent, as it came. Layout: `[protocolName, completion]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackplaneCompletion {
    /// The hub protocol of the answering client's connection.
    pub protocol: Cow<'static, str>,
    /// The complete completion message with its framing.
    pub completion: Bytes,
}

impl BackplaneCompletion {
    /// The payload.
    ///
    /// # Panics
    ///
    /// If the completion reaches 4 GiB.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.protocol.len() + self.completion.len() + 11);
        let mut writer = Writer::new(&mut out);
        writer.array(2);
        writer.text(&self.protocol);
        writer.bytes(&self.completion);
        out
    }

    /// Reads a payload. The completion is a slice of it.
    ///
    /// # Errors
    ///
    /// [`PackError`] if it is not a completion.
    pub fn decode(payload: &Bytes) -> Result<Self, PackError> {
        let mut reader = Reader::new(payload);
        reader.array_of("the completion", 2)?;
        Ok(Self {
            protocol: protocol_name(reader.text("the protocol name")?),
            completion: payload.slice_ref(reader.bytes("the completion")?),
        })
    }
}
