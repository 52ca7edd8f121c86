//! Where dining sessions are kept.

use std::error::Error;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::auth::{SessionId, TenantKey};
use crate::session::dining_session::DiningSession;

/// Where dining sessions are kept: in memory, in SQLite, or in the host's own tables.
///
/// All nodes of a cluster that share a store close each session once. What makes that so is
/// [`replace`](Self::replace) and [`remove`](Self::remove): of two calls that name the same version
/// of a session, one is refused, on whatever node they are made.
///
/// All methods may be called from many tasks at once. Dropping a future may leave its change made
/// or not.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Adds a session. `false`, and nothing done, when there is one of this id already, of whatever
    /// tenant.
    ///
    /// # Errors
    /// When the store cannot be reached or written.
    async fn insert(&self, session: &DiningSession) -> Result<bool, StoreError>;

    /// The session of this id.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn find(&self, session: SessionId) -> Result<Option<DiningSession>, StoreError>;

    /// At most `limit` sessions of a tenant whose ids follow `after`, in the order of their ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn list(
        &self,
        tenant: &TenantKey,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<DiningSession>, StoreError>;

    /// At most `limit` sessions that are due at this moment or were before, of all tenants, the
    /// most overdue first.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DiningSession>, StoreError>;

    /// Puts a session in the place of the one with the same id and the same version, and counts its
    /// version up by one. `false`, and nothing done, when there is none such: somebody was faster.
    ///
    /// # Errors
    /// When the store cannot be reached or written.
    async fn replace(&self, session: &DiningSession) -> Result<bool, StoreError>;

    /// Takes a session away, if it still has this version.
    ///
    /// # Errors
    /// When the store cannot be reached or written.
    async fn remove(&self, session: SessionId, version: u64) -> Result<bool, StoreError>;
}

/// The store cannot be reached, read or written.
#[derive(Debug, thiserror::Error)]
#[error("the store of dining sessions failed at {doing}")]
pub struct StoreError {
    /// What was attempted.
    pub doing: &'static str,
    /// What stood in the way.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}
