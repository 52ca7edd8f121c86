//! The dining sessions: starting, extending and closing them, and the service that ends them when
//! their time is over.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::auth::{SessionId, TenantKey};
use crate::notification::Label;
use crate::session::{
    counters::SessionCounters,
    dining_session::DiningSession,
    error::SessionError,
    notifier::{SessionNotifier, session_closed},
    store::{SessionStore, StoreError},
    times::{SessionTimes, Step, later},
};

/// How often a change that others were faster with is tried again.
const TRIES: usize = 16;

/// How many due sessions are read at a time.
const PAGE: usize = 100;

/// What tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The dining sessions of a store.
///
/// Any number of nodes may run [`keep_time`](Self::keep_time) on one store: whatever is due is
/// claimed before it is done, so that one of them does it. Should that one die in the middle,
/// another does it again when the claim has run out; only then may guests be told twice.
pub struct DiningSessions {
    store: Arc<dyn SessionStore>,
    notifier: SessionNotifier,
    times: SessionTimes,
    clock: Clock,
    counters: SessionCounters,
}

impl DiningSessions {
    /// The sessions of a store, which speak through a notifier and go by the clock of the machine.
    #[must_use]
    pub fn new(
        store: Arc<dyn SessionStore>,
        notifier: SessionNotifier,
        times: SessionTimes,
    ) -> Self {
        Self::with_clock(store, notifier, times, Arc::new(Timestamp::now))
    }

    /// The same, going by another clock.
    #[must_use]
    pub fn with_clock(
        store: Arc<dyn SessionStore>,
        notifier: SessionNotifier,
        times: SessionTimes,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            notifier,
            times,
            clock,
            counters: SessionCounters::default(),
        }
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> &SessionCounters {
        &self.counters
    }

    /// Begins a session and tells the admins. A session that was begun stays so when nobody could
    /// be told.
    ///
    /// # Errors
    /// [`SessionError::Exists`], or what the store or the notification service said.
    pub async fn start(
        &self,
        tenant_key: TenantKey,
        session_id: SessionId,
        table_number: Label,
    ) -> Result<DiningSession, SessionError> {
        let now = self.now();
        let mut session = DiningSession {
            session_id,
            tenant_key,
            table_number,
            started_at: now,
            last_activity: now,
            has_orders: false,
            warned: None,
            closing: None,
            due: now,
            version: 0,
        };
        self.schedule(&mut session);
        if !self.store.insert(&session).await? {
            return Err(SessionError::Exists(session_id));
        }
        self.counters.started.add(1);
        let (tenant, table) = (session.tenant_key.clone(), session.table_number.clone());
        self.notifier
            .session_started(tenant, session_id, table)
            .await?;
        Ok(session)
    }

    /// Notes that a session's guests are there, so that its time counts anew, and that they have
    /// ordered, if they have.
    ///
    /// # Errors
    /// [`SessionError::Unknown`], [`SessionError::Ending`], or what the store said.
    pub async fn touch(
        &self,
        tenant: &TenantKey,
        session: SessionId,
        has_ordered: bool,
    ) -> Result<DiningSession, SessionError> {
        self.change(tenant, session, |session| {
            session.last_activity = self.now();
            session.has_orders |= has_ordered;
            session.warned = None;
            self.schedule(session);
        })
        .await
    }

    /// Closes a session: tells it and the admins, and ends its connections. Once this has
    /// returned the session is closed for good; what could not be told is told by
    /// [`keep_time`](Self::keep_time).
    ///
    /// # Errors
    /// [`SessionError::Unknown`], [`SessionError::Ending`] when it is ending already, or what the
    /// store said.
    pub async fn close(&self, tenant: &TenantKey, session: SessionId) -> Result<(), SessionError> {
        let claimed = self.change(tenant, session, |session| {
            session.closing = Some(session_closed());
            session.due = later(self.now(), self.times.claim);
        });
        let claimed = claimed.await?;
        if let Err(error) = self.finish(&claimed, session_closed()).await {
            tracing::warn!(%session, %error, "a closed dining session will be told of later");
        }
        Ok(())
    }

    /// At most `limit` sessions of a tenant whose ids follow `after`, in the order of their ids.
    ///
    /// # Errors
    /// What the store said.
    pub async fn list(
        &self,
        tenant: &TenantKey,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<DiningSession>, SessionError> {
        Ok(self.store.list(tenant, after, limit).await?)
    }

    /// The session of this id, if it is of this tenant.
    ///
    /// # Errors
    /// [`SessionError::Unknown`], or what the store said.
    pub async fn find(
        &self,
        tenant: &TenantKey,
        session: SessionId,
    ) -> Result<DiningSession, SessionError> {
        let found = self.store.find(session).await?;
        found
            .filter(|found| found.tenant_key == *tenant)
            .ok_or(SessionError::Unknown(session))
    }

    /// The timeout service: warns and ends sessions when it is time, until told to stop.
    pub async fn keep_time(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.times.sweep_interval) => {}
            }
            if let Err(error) = self.sweep().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot look for dining sessions that are due"
                );
            }
        }
    }

    /// Does what is due now. How many sessions it warned or ended.
    ///
    /// # Errors
    /// When the store cannot be read. What one session could not be told is tried again later.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let mut done = 0;
        loop {
            let due = self.store.due(self.now(), PAGE).await?;
            let is_last = due.len() < PAGE;
            for session in due {
                let id = session.session_id;
                match self.attend(session).await {
                    Ok(was_told) => done += usize::from(was_told),
                    Err(SessionError::Store(error)) => return Err(error),
                    Err(error) => {
                        tracing::warn!(session = %id, %error, "a dining session was not told");
                    }
                }
            }
            if is_last {
                return Ok(done);
            }
        }
    }

    /// Does what is due for one session, unless another node is doing it. Whether it was told
    /// something.
    async fn attend(&self, mut session: DiningSession) -> Result<bool, SessionError> {
        let step = self.times.step(&session, self.now());
        session.due = match &step {
            Step::Wait(until) => *until,
            Step::Warn(_) | Step::Close(_) => later(self.now(), self.times.claim),
        };
        if let Step::Close(reason) = &step {
            session.closing = Some(reason.clone());
        }
        if !self.store.replace(&session).await? {
            return Ok(false);
        }
        session.version += 1;
        match step {
            Step::Wait(_) => Ok(false),
            Step::Warn(minutes) => {
                let tenant = session.tenant_key.clone();
                self.notifier
                    .session_expiring(tenant, session.session_id, minutes)
                    .await?;
                self.counters.warned.add(1);
                session.warned = Some(minutes);
                self.schedule(&mut session);
                // Refused, somebody has been active meanwhile: that is what counts then.
                self.store.replace(&session).await?;
                Ok(true)
            }
            Step::Close(reason) => {
                self.finish(&session, reason).await?;
                Ok(true)
            }
        }
    }

    /// Tells everybody that a session is over, and forgets it.
    async fn finish(&self, session: &DiningSession, reason: Label) -> Result<(), SessionError> {
        let (tenant, table) = (session.tenant_key.clone(), session.table_number.clone());
        self.notifier
            .session_expired(tenant, session.session_id, table, reason.clone())
            .await?;
        self.counters.close(reason.as_str());
        self.store
            .remove(session.session_id, session.version)
            .await?;
        Ok(())
    }

    /// Changes a session that is not ending, again if others were faster.
    async fn change(
        &self,
        tenant: &TenantKey,
        id: SessionId,
        change: impl Fn(&mut DiningSession),
    ) -> Result<DiningSession, SessionError> {
        for _ in 0..TRIES {
            let mut session = self.find(tenant, id).await?;
            if session.closing.is_some() {
                return Err(SessionError::Ending(id));
            }
            change(&mut session);
            if self.store.replace(&session).await? {
                session.version += 1;
                return Ok(session);
            }
        }
        Err(SessionError::Contended(id))
    }

    /// Sets when a session is due next.
    fn schedule(&self, session: &mut DiningSession) {
        session.due = match self.times.step(session, self.now()) {
            Step::Wait(until) => until,
            Step::Warn(_) | Step::Close(_) => self.now(),
        };
    }

    /// Now, in whole milliseconds as stores keep it.
    fn now(&self) -> Timestamp {
        let now = (self.clock)().as_millisecond();
        Timestamp::from_millisecond(now).expect("a timestamp has its milliseconds")
    }
}

impl fmt::Debug for DiningSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiningSessions")
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}
