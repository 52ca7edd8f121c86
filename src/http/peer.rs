//! Who is at the other end of a connection.

use std::net::SocketAddr;

/// The address of the peer, as the socket tells it: behind a proxy it is the proxy's.
///
/// [`serve`](super::serve) puts it into the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);
