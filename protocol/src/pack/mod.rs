//! MessagePack itself: values in bytes, and bytes of values.
//!
//! ```text
//!   bytes ──► Reader ──► envelopes, hub messages
//!                └─────► Decoder ──► the application's types
//!   envelopes, hub messages ──► Writer ──► bytes
//!   the application's types ──► Encoder ──┘
//!   JSON text ◄── Transcode ──► MessagePack value
//! ```
//!
//! Invariants:
//!
//! - Integers and lengths are written in their shortest form and read in any.
//! - A length that the input merely claims allocates nothing; skipping does not recurse, and
//!   decoding stops at a depth.
//!
//! What the values mean belongs to `envelope` and `messagepack`.

#[cfg(feature = "messagepack")]
mod access;
#[cfg(feature = "messagepack")]
mod compound;
#[cfg(feature = "messagepack")]
mod decoder;
#[cfg(feature = "messagepack")]
mod encoder;
mod error;
mod head;
#[cfg(feature = "messagepack")]
mod packed;
mod reader;
#[cfg(feature = "messagepack")]
mod timestamp;
#[cfg(feature = "messagepack")]
mod transcode;
mod writer;

#[cfg(feature = "messagepack")]
pub(crate) use decoder::decode;
#[cfg(feature = "messagepack")]
pub(crate) use encoder::encode;
pub use error::PackError;
pub(crate) use head::Head;
#[cfg(feature = "messagepack")]
pub(crate) use packed::{PACKED, Packed};
pub(crate) use reader::Reader;
pub(crate) use writer::Writer;
