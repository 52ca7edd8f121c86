//! The JSON hub protocol.
//!
//! ```text
//!   frame body ──► property (typed readers) ──► decode ──► HubMessage
//!   HubMessage, application values ──► encode ──► bytes + 0x1E
//! ```
//!
//! The byte layout is the official server's: no spaces, fixed property order, absent properties
//! omitted, no headers.

mod decode;
mod encode;
mod property;

pub(crate) use decode::decode;
pub(crate) use encode::{
    PING, encode, encode_close, encode_error, encode_invocation, encode_result, encode_stream_item,
    encode_void,
};
