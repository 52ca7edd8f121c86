//! Dining sessions in SQLite.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Params};

use crate::auth::{SessionId, TenantKey};
use crate::session::dining_session::DiningSession;
use crate::session::store::{SessionStore, StoreError};

/// How long to wait for another process that is writing.
const BUSY: Duration = Duration::from_secs(5);

/// Dining sessions in a file of SQLite, which outlive the process and which several processes of
/// one machine may share.
#[derive(Debug, Clone)]
pub struct SqliteSessions {
    connection: Arc<Mutex<Connection>>,
}

impl SqliteSessions {
    /// Opens the file, and makes it if there is none. Blocks while it does.
    ///
    /// # Errors
    /// When the file cannot be opened or holds something else.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = opened(path).map_err(failed("opening its file"))?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Runs a statement on a thread that may block.
    async fn run<T, F>(&self, doing: &'static str, statement: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let connection = Arc::clone(&self.connection);
        let running = tokio::task::spawn_blocking(move || statement(&connection.lock()));
        running.await.map_err(failed(doing))?.map_err(failed(doing))
    }

    async fn change<P>(
        &self,
        doing: &'static str,
        statement: &'static str,
        values: P,
    ) -> Result<bool, StoreError>
    where
        P: Params + Send + 'static,
    {
        let changed = self.run(doing, move |connection| {
            connection.prepare_cached(statement)?.execute(values)
        });
        Ok(changed.await? > 0)
    }

    async fn select<P>(
        &self,
        doing: &'static str,
        statement: &'static str,
        values: P,
    ) -> Result<Vec<DiningSession>, StoreError>
    where
        P: Params + Send + 'static,
    {
        let bodies: Vec<String> = self
            .run(doing, move |connection| {
                let mut statement = connection.prepare_cached(statement)?;
                let rows = statement.query_map(values, |row| row.get(0))?;
                rows.collect()
            })
            .await?;
        bodies.iter().map(|body| read(doing, body)).collect()
    }
}

#[async_trait]
impl SessionStore for SqliteSessions {
    async fn insert(&self, session: &DiningSession) -> Result<bool, StoreError> {
        let values = (
            session.session_id.to_string(),
            session.tenant_key.to_string(),
            session.due.as_millisecond(),
            version_of(session.version),
            written(session)?,
        );
        self.change(
            "adding one",
            "INSERT INTO dining_sessions (id, tenant, due, version, body) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING",
            values,
        )
        .await
    }

    async fn find(&self, session: SessionId) -> Result<Option<DiningSession>, StoreError> {
        let doing = "reading one";
        let id = session.to_string();
        let body: Option<String> = self
            .run(doing, move |connection| {
                connection
                    .prepare_cached("SELECT body FROM dining_sessions WHERE id = ?1")?
                    .query_row((id,), |row| row.get(0))
                    .optional()
            })
            .await?;
        body.map(|body| read(doing, &body)).transpose()
    }

    async fn list(
        &self,
        tenant: &TenantKey,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<DiningSession>, StoreError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.select(
            "listing them",
            "SELECT body FROM dining_sessions WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            (tenant.to_string(), after, count(limit)),
        )
        .await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DiningSession>, StoreError> {
        self.select(
            "looking for due ones",
            "SELECT body FROM dining_sessions WHERE due <= ?1 ORDER BY due LIMIT ?2",
            (now.as_millisecond(), count(limit)),
        )
        .await
    }

    async fn replace(&self, session: &DiningSession) -> Result<bool, StoreError> {
        let next = DiningSession {
            version: session.version + 1,
            ..session.clone()
        };
        let values = (
            session.session_id.to_string(),
            session.due.as_millisecond(),
            version_of(session.version),
            written(&next)?,
        );
        self.change(
            "changing one",
            "UPDATE dining_sessions SET due = ?2, version = ?3 + 1, body = ?4 \
             WHERE id = ?1 AND version = ?3",
            values,
        )
        .await
    }

    async fn remove(&self, session: SessionId, version: u64) -> Result<bool, StoreError> {
        self.change(
            "removing one",
            "DELETE FROM dining_sessions WHERE id = ?1 AND version = ?2",
            (session.to_string(), version_of(version)),
        )
        .await
    }
}

fn opened(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS dining_sessions (
             id TEXT PRIMARY KEY,
             tenant TEXT NOT NULL,
             due INTEGER NOT NULL,
             version INTEGER NOT NULL,
             body TEXT NOT NULL
         ) STRICT, WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS dining_sessions_due ON dining_sessions (due);
         CREATE INDEX IF NOT EXISTS dining_sessions_tenant ON dining_sessions (tenant, id);",
    )?;
    Ok(connection)
}

fn written(session: &DiningSession) -> Result<String, StoreError> {
    serde_json::to_string(session).map_err(failed("writing one"))
}

fn read(doing: &'static str, body: &str) -> Result<DiningSession, StoreError> {
    serde_json::from_str(body).map_err(failed(doing))
}

/// SQLite's integers have a sign.
fn version_of(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn failed<E>(doing: &'static str) -> impl FnOnce(E) -> StoreError
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    move |error| StoreError {
        doing,
        source: error.into(),
    }
}
