//! What the timing wheel does for a transport that is made of requests.

use crate::hub::ending::Ending;

/// Looks after a transport whose client comes and goes: a request may have waited long enough, or
/// the next one may fail to come.
pub(crate) trait Upkeep: Send + Sync {
    /// How often to look, in milliseconds.
    fn interval(&self) -> u64;

    /// Whether the requests themselves show that the client is there, so that neither side pings.
    fn shows_life(&self) -> bool;

    /// Does what is due. Returns the ending of a connection whose client has not done its part in
    /// time. Must not block.
    fn look(&self) -> Option<Ending>;
}
