//! The SignalR wire protocols: bytes in, bytes out.
//!
//! ```text
//!   chunk ──► FrameReader ──► frame body ──► HubMessage::decode ──► Payload::decode::<T>
//!                                        └─► HandshakeRequest::parse
//!   encode_invocation, encode_result, … ──► framed bytes ──► socket, or Envelope ──► backplane
//! ```
//!
//! Where the socket is a WebSocket, the chunks come from [`websocket::Reader`].
//!
//! Invariants:
//!
//! - No IO, no clock, no task: every function returns at once and may be called anywhere.
//! - Input is never trusted. Any bytes give a value or an error, never a panic, and a length that
//!   a peer merely claims allocates nothing.
//! - What is read borrows from the frame; what is written is appended to the caller's buffer,
//!   framing included.
//!
//! What a message *means* (which method, which group, what to answer) belongs to the layers above.

pub mod encode;
pub mod envelope;
pub mod error;
pub mod framing;
pub mod handshake;
mod json;
pub mod message;
#[cfg(feature = "messagepack")]
mod messagepack;
pub mod negotiate;
mod pack;
pub mod payload;
pub mod protocol;
pub mod websocket;

pub use encode::{
    encode_close, encode_error, encode_invocation, encode_result, encode_stream_item, encode_void,
    ping,
};
pub use envelope::{
    Ack, BackplaneCompletion, Envelope, Extension, GroupAction, GroupCommand, Overflow, Reply,
};
pub use error::{EncodeError, ProtocolError, ValueError};
pub use framing::{FrameReader, Frames};
pub use handshake::{HandshakeError, HandshakeRequest, handshake_error, handshake_ok};
pub use message::{HubMessage, Invocation, Outcome};
pub use negotiate::{
    AvailableTransport, NegotiateError, NegotiateQuery, NegotiateResponse, TransportKind,
};
pub use pack::PackError;
pub use payload::Payload;
pub use protocol::{Protocol, TransferFormat};
