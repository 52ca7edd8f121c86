//! Dining sessions in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::auth::{SessionId, TenantKey};
use crate::session::dining_session::DiningSession;
use crate::session::store::{SessionStore, StoreError};

/// Dining sessions of one process, gone with it.
#[derive(Debug, Default)]
pub struct MemorySessions {
    sessions: Mutex<BTreeMap<SessionId, DiningSession>>,
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn insert(&self, session: &DiningSession) -> Result<bool, StoreError> {
        let mut sessions = self.sessions.lock();
        if sessions.contains_key(&session.session_id) {
            return Ok(false);
        }
        sessions.insert(session.session_id, session.clone());
        Ok(true)
    }

    async fn find(&self, session: SessionId) -> Result<Option<DiningSession>, StoreError> {
        Ok(self.sessions.lock().get(&session).cloned())
    }

    async fn list(
        &self,
        tenant: &TenantKey,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<DiningSession>, StoreError> {
        let sessions = self.sessions.lock();
        let of_tenant = sessions
            .values()
            .filter(|session| session.tenant_key == *tenant)
            .filter(|session| after.is_none_or(|after| session.session_id > after));
        Ok(of_tenant.take(limit).cloned().collect())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DiningSession>, StoreError> {
        let sessions = self.sessions.lock();
        let mut due: Vec<&DiningSession> = sessions
            .values()
            .filter(|session| session.due <= now)
            .collect();
        due.sort_by_key(|session| session.due);
        Ok(due.into_iter().take(limit).cloned().collect())
    }

    async fn replace(&self, session: &DiningSession) -> Result<bool, StoreError> {
        let mut sessions = self.sessions.lock();
        let Some(kept) = sessions.get_mut(&session.session_id) else {
            return Ok(false);
        };
        if kept.version != session.version {
            return Ok(false);
        }
        kept.clone_from(session);
        kept.version += 1;
        Ok(true)
    }

    async fn remove(&self, session: SessionId, version: u64) -> Result<bool, StoreError> {
        let mut sessions = self.sessions.lock();
        let is_same = sessions
            .get(&session)
            .is_some_and(|kept| kept.version == version);
        Ok(is_same && sessions.remove(&session).is_some())
    }
}
