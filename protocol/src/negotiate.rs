//! The HTTP request before the connection: which transports, under which id.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::protocol::TransferFormat;

/// The highest negotiate version this crate speaks.
pub const MAX_VERSION: i64 = 1;

/// What the query string of a negotiate request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NegotiateQuery {
    /// The highest version that the client knows; 0 if it does not say.
    pub version: i64,
    /// Whether the client asks for stateful reconnect.
    pub use_stateful_reconnect: bool,
}

/// Why negotiation is refused. The display is the text the client shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiateError {
    /// `negotiateVersion` is not a 32-bit integer.
    #[error("The client requested a non-integer protocol version.")]
    NotAnInteger,
    /// The version is below the minimum that the server accepts.
    #[error("The client requested version '{0}', but the server does not support this version.")]
    VersionTooLow(i64),
}

/// The answer of negotiation, or a redirect. Absent fields are left out, never null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NegotiateResponse {
    /// Whether stateful reconnect is on; only if the client asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub use_stateful_reconnect: bool,
    /// The version in force, 0 or 1.
    pub negotiate_version: i64,
    /// Where to negotiate instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The bearer token to use there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// The public id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// The secret that stands in URLs; from version 1 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_token: Option<String>,
    /// The enabled transports, preferred ones first; empty in a redirect.
    pub available_transports: Vec<AvailableTransport>,
    /// Seconds until the credential expires, if authentication refresh is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_lifetime_seconds: Option<u64>,
}

/// A transport on offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailableTransport {
    /// Which one.
    pub transport: TransportKind,
    /// What it carries.
    pub transfer_formats: Vec<TransferFormat>,
}

/// The transports between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransportKind {
    /// A WebSocket.
    WebSockets,
    /// An event stream down, requests up.
    ServerSentEvents,
    /// Requests that wait for messages, requests up.
    LongPolling,
}

impl NegotiateQuery {
    /// Reads a raw query string, without the `?`. Keys match without case, unknown ones are
    /// skipped and of repeated ones the last counts.
    ///
    /// # Errors
    ///
    /// [`NegotiateError::NotAnInteger`].
    pub fn parse(query: &str) -> Result<Self, NegotiateError> {
        let mut parsed = Self::default();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (percent_decode(key), percent_decode(value));
            if key.eq_ignore_ascii_case(b"negotiateVersion") {
                parsed.version = integer(&value).ok_or(NegotiateError::NotAnInteger)?;
            } else if key.eq_ignore_ascii_case(b"useStatefulReconnect") {
                parsed.use_stateful_reconnect = value.trim_ascii().eq_ignore_ascii_case(b"true");
            }
        }
        Ok(parsed)
    }

    /// The version to answer with, given the lowest one the server accepts.
    ///
    /// # Errors
    ///
    /// [`NegotiateError::VersionTooLow`].
    pub fn agreed_version(&self, minimum: i64) -> Result<i64, NegotiateError> {
        if self.version < minimum {
            return Err(NegotiateError::VersionTooLow(self.version));
        }
        Ok(self.version.min(MAX_VERSION))
    }
}

impl NegotiateError {
    /// The JSON body, which goes out with status 200.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::json!({ "error": self.to_string() }).to_string()
    }
}

impl NegotiateResponse {
    /// A new connection. Version 0 has no token: its id serves as one.
    #[must_use]
    pub fn connection(
        version: i64,
        id: impl Into<String>,
        token: impl Into<String>,
        transports: &[TransportKind],
    ) -> Self {
        Self {
            negotiate_version: version,
            connection_id: Some(id.into()),
            connection_token: (version > 0).then(|| token.into()),
            available_transports: transports.iter().copied().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Sends the client elsewhere.
    #[must_use]
    pub fn redirect(url: impl Into<String>, access_token: Option<String>) -> Self {
        Self {
            url: Some(url.into()),
            access_token,
            ..Self::default()
        }
    }

    /// The JSON body.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists always serialise")
    }
}

impl TransportKind {
    /// What the transport carries.
    #[must_use]
    pub const fn transfer_formats(self) -> &'static [TransferFormat] {
        match self {
            Self::WebSockets | Self::LongPolling => &[TransferFormat::Text, TransferFormat::Binary],
            Self::ServerSentEvents => &[TransferFormat::Text],
        }
    }
}

impl From<TransportKind> for AvailableTransport {
    fn from(transport: TransportKind) -> Self {
        Self {
            transport,
            transfer_formats: transport.transfer_formats().to_vec(),
        }
    }
}

fn integer(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    text.parse::<i32>().ok().map(i64::from)
}

/// Undoes `%41` and `+`; what is no valid escape stands for itself.
fn percent_decode(text: &str) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| tail.first_chunk().and_then(hex_pair))
            .flatten();
        decoded.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(decoded)
}

fn hex_pair(digits: &[u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}
