//! The MessagePack hub protocol.
//!
//! ```text
//!   chunk ──► prefix ──► frame body ──► decode ──► HubMessage
//!   HubMessage, application values ──► encode ──► prefix + bytes
//! ```
//!
//! A message is an array that begins with its type, behind the length of that array in bytes. The
//! lengths of the arrays written are the official server's: six elements for an invocation, three
//! for a close. Arrays that official clients write shorter are read, and so are longer ones, whose
//! surplus is ignored.

mod decode;
mod encode;
pub(crate) mod prefix;

pub(crate) use decode::decode;
pub(crate) use encode::{
    PING, encode, encode_close, encode_error, encode_invocation, encode_result, encode_stream_item,
    encode_void,
};
