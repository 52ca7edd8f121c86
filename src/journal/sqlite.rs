//! A journal in SQLite.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior};
use uuid::Uuid;

use crate::journal::record::{Change, Changed, Key, Letter, Record, Stored, Sync, Waiting};
use crate::journal::store::{JournalError, JournalStore};

/// Bytes of records that are read at a time.
const MOST_READ: usize = 8 * 1024 * 1024;

/// The most dead letters that are kept; the oldest give way.
const MOST_LETTERS: i64 = 10_000;

/// The most keys that are remembered; the oldest give way.
const MOST_KEYS: i64 = 1_000_000;

/// Bytes that are written to find out whether there is room.
const PROBE: i64 = 16 * 1024;

/// How many keys are taken before those that are too old or too many are looked for.
const KEYS_BETWEEN_SWEEPS: u32 = 1_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS records (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id BLOB NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS dead_letters (
        id BLOB PRIMARY KEY,
        given_up_at INTEGER NOT NULL,
        reason TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS keys (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name BLOB NOT NULL UNIQUE,
        content BLOB NOT NULL,
        id BLOB NOT NULL,
        taken_at INTEGER NOT NULL
    ) STRICT;
";

/// A journal in a file of SQLite, which belongs to one process at a time.
///
/// It is written ahead: every frame of the write-ahead log has a checksum, so that what was being
/// written when the machine lost its power is recognised and left out, and nothing before it.
#[derive(Debug)]
pub struct SqliteJournal {
    connection: Connection,
    window: Duration,
    keys_taken: u32,
}

impl SqliteJournal {
    /// Opens the file, and makes it if there is none. Blocks while it does. Keys are remembered for
    /// a window, a million of them at most.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, holds something else or belongs to another process.
    pub fn open(path: &Path, sync: Sync, window: Duration) -> Result<Self, JournalError> {
        let connection = opened(path, sync).map_err(failed("opening its file"))?;
        Ok(Self {
            connection,
            window,
            keys_taken: 0,
        })
    }
}

impl JournalStore for SqliteJournal {
    fn change(&mut self, changes: &[Change]) -> Result<Vec<Changed>, JournalError> {
        let now = Timestamp::now().as_millisecond();
        let oldest = now.saturating_sub(i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX));
        let writing = failed("writing to its file");
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = transaction.map_err(writing)?;
        let made = changes
            .iter()
            .map(|change| made(&transaction, change, now, oldest))
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(writing)?;
        let keys = changes
            .iter()
            .filter(|change| matches!(change, Change::Append(Record { key: Some(_), .. })));
        self.keys_taken += u32::try_from(keys.count()).unwrap_or(u32::MAX);
        if self.keys_taken >= KEYS_BETWEEN_SWEEPS {
            self.keys_taken = 0;
            transaction
                .execute(
                    "DELETE FROM keys WHERE taken_at < ?1
                     OR number <= (SELECT max(number) FROM keys) - ?2",
                    (oldest, MOST_KEYS),
                )
                .map_err(writing)?;
        }
        transaction.commit().map_err(writing)?;
        Ok(made)
    }

    fn read(&mut self, after: u64, limit: usize) -> Result<Vec<Stored>, JournalError> {
        self.stored(after, limit)
            .map_err(failed("reading its file"))
    }

    fn letters(&mut self, after: Option<Uuid>, limit: usize) -> Result<Vec<Letter>, JournalError> {
        self.listed(after, limit)
            .map_err(failed("reading its file"))
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        self.probed().map_err(failed("writing to its file"))
    }

    fn letter_count(&mut self) -> Result<u64, JournalError> {
        let count = "SELECT count(*) FROM dead_letters";
        self.connection
            .query_row(count, (), |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
            .map_err(failed("reading its file"))
    }

    fn waiting(&mut self) -> Result<Waiting, JournalError> {
        self.counted().map_err(failed("reading its file"))
    }
}

impl SqliteJournal {
    fn probed(&mut self) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO records (id, body) VALUES (x'', zeroblob(?1))",
            (PROBE,),
        )?;
        transaction.execute(
            "DELETE FROM records WHERE sequence = ?1",
            (transaction.last_insert_rowid(),),
        )?;
        transaction.commit()
    }

    fn stored(&self, after: u64, limit: usize) -> rusqlite::Result<Vec<Stored>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sequence, id, body FROM records WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
        )?;
        let mut rows = statement.query((signed(after), count(limit)))?;
        let (mut records, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let record = Stored {
                sequence: row.get::<_, i64>(0)?.unsigned_abs(),
                id: Uuid::from_bytes(row.get(1)?),
                body: row.get(2)?,
            };
            bytes += record.body.len();
            records.push(record);
            if bytes >= MOST_READ {
                break;
            }
        }
        Ok(records)
    }

    fn listed(&self, after: Option<Uuid>, limit: usize) -> rusqlite::Result<Vec<Letter>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, given_up_at, reason, attempts, body FROM dead_letters
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let after = after.map(Uuid::into_bytes).map_or(Vec::new(), Vec::from);
        let rows = statement.query_map((after, count(limit)), |row| {
            Ok(Letter {
                id: Uuid::from_bytes(row.get(0)?),
                given_up_at: Timestamp::from_millisecond(row.get(1)?).unwrap_or_default(),
                reason: row.get(2)?,
                attempts: row.get(3)?,
                body: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    fn counted(&self) -> rusqlite::Result<Waiting> {
        let (count, bytes) = self.connection.query_row(
            "SELECT count(*), coalesce(sum(length(body)), 0) FROM records",
            (),
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )?;
        let last = self.connection.query_row(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'",
            (),
            |row| row.get::<_, i64>(0),
        )?;
        Ok(Waiting {
            count: count.unsigned_abs(),
            bytes: bytes.unsigned_abs(),
            last: last.unsigned_abs(),
        })
    }
}

fn opened(path: &Path, sync: Sync) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match sync {
        Sync::Always => "FULL",
        Sync::Never => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.execute_batch(SCHEMA)?;
    connection.query_row("PRAGMA quick_check(1)", (), |row| {
        match row.get::<_, String>(0)?.as_str() {
            "ok" => Ok(()),
            found => Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some(found.to_owned()),
            )),
        }
    })?;
    Ok(connection)
}

fn made(
    transaction: &Transaction<'_>,
    change: &Change,
    now: i64,
    oldest: i64,
) -> rusqlite::Result<Changed> {
    match change {
        Change::Append(record) => {
            if let Some(key) = &record.key
                && let Some(taken) = taken(transaction, key, oldest)?
            {
                return Ok(taken);
            }
            if let Some(key) = &record.key {
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO keys (name, content, id, taken_at)
                         VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute((key.name, key.content, record.id.as_bytes(), now))?;
            }
            append(transaction, record.id, &record.body).map(Changed::Appended)
        }
        Change::Settle(sequence) => settle(transaction, *sequence),
        Change::Bury(sequence, letter) => {
            bury(transaction, letter)?;
            settle(transaction, *sequence)
        }
        Change::Revive(id) => {
            let Some(body) = unearth(transaction, *id)? else {
                return Ok(Changed::Missing);
            };
            let sequence = append(transaction, *id, &body)?;
            Ok(Changed::Revived(Stored {
                sequence,
                id: *id,
                body,
            }))
        }
        Change::Drop(id) => Ok(match unearth(transaction, *id)? {
            Some(_) => Changed::Done,
            None => Changed::Missing,
        }),
    }
}

/// What a key that was taken within the window answers.
fn taken(
    transaction: &Transaction<'_>,
    key: &Key,
    oldest: i64,
) -> rusqlite::Result<Option<Changed>> {
    let found: Option<([u8; 32], [u8; 16])> = transaction
        .prepare_cached("SELECT content, id FROM keys WHERE name = ?1 AND taken_at >= ?2")?
        .query_row((key.name, oldest), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map(|(content, id)| {
        if content == key.content {
            Changed::Repeated(Uuid::from_bytes(id))
        } else {
            Changed::Conflict
        }
    }))
}

fn append(transaction: &Transaction<'_>, id: Uuid, body: &[u8]) -> rusqlite::Result<u64> {
    let sequence = transaction
        .prepare_cached("INSERT INTO records (id, body) VALUES (?1, ?2)")?
        .insert((id.as_bytes(), body))?;
    Ok(sequence.unsigned_abs())
}

fn settle(transaction: &Transaction<'_>, sequence: u64) -> rusqlite::Result<Changed> {
    transaction
        .prepare_cached("DELETE FROM records WHERE sequence = ?1")?
        .execute((signed(sequence),))?;
    Ok(Changed::Done)
}

fn bury(transaction: &Transaction<'_>, letter: &Letter) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO dead_letters (id, given_up_at, reason, attempts, body)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            letter.id.as_bytes(),
            letter.given_up_at.as_millisecond(),
            &letter.reason,
            letter.attempts,
            &letter.body,
        ))?;
    transaction.execute(
        "DELETE FROM dead_letters WHERE id IN (
             SELECT id FROM dead_letters ORDER BY id DESC LIMIT -1 OFFSET ?1
         )",
        (MOST_LETTERS,),
    )?;
    Ok(())
}

/// Takes a dead letter out; its body, if there was one.
fn unearth(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<Option<Vec<u8>>> {
    transaction
        .prepare_cached("DELETE FROM dead_letters WHERE id = ?1 RETURNING body")?
        .query_row((id.as_bytes(),), |row| row.get(0))
        .optional()
}

/// SQLite's integers have a sign.
fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> JournalError + Copy {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => JournalError::Full,
        _ => JournalError::Failed {
            doing,
            source: error.into(),
        },
    }
}
