//! JSON Web Key Sets (RFC 7517), out of a file or from an address that changes them.
//!
//! ```text
//!    request ── authenticate ──> snapshot ──> Principal            threads that never wait
//!                    │  unknown key
//!                    └─ newer_keys ─► one fetch at a time, at most one an interval
//!                                        │                         waits, with a bound,
//!    keep_fresh: fetch ─► set.rs ─► jwk.rs ─► new snapshot         and is then asked once more
//!        └─ every interval; after a failure again, and slower
//! ```
//!
//! What holds here:
//!
//! - A snapshot is exchanged whole. Whoever authenticates holds a lock for as long as it takes to
//!   copy a pointer, and waits for no network.
//! - A client whose token names a key that is new gets in at its first try: its request waits for
//!   the fetch that its token caused, or for one that is under way, and is looked at again.
//! - Tokens cannot cause more fetches than one an interval, however many they are and whatever
//!   they name. What waits are requests, for the time of one fetch at most.
//! - A fetch that fails, for whatever reason, changes no key. The last good set goes on for a
//!   configured time; after it, nobody can be told from a forger, and tokens are refused as such
//!   that cannot be checked.
//! - Nothing of a token leads to a fetch from anywhere but the configured address, and what answers
//!   there cannot send us elsewhere: no redirects, no `jku`, no `x5u`.
//! - What is published holds no secret: a symmetric or private key in it is passed over.

mod error;
mod fetch;
mod jwk;
mod remote;
mod set;
#[cfg(test)]
mod testing;
mod url;

pub use error::{FetchError, SetError};
pub use remote::{RemoteKeys, RemoteOptions};
pub(super) use set::{KeySet, Origin, Verdict};
pub use url::KeySetUrl;
