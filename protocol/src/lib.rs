//! The SignalR wire protocols: bytes in, bytes out.
