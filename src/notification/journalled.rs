//! The way to the journal, which a thread of its own writes.
//!
//! ```text
//!   intake ──► commands ──► thread: what waits goes to disk together ──► queue, in the same order
//!   drain ───► settled  ──►         and what was published is taken out ──► room for more
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use mesahub_broker::OnceKey;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::journal::{Change, JournalError, JournalStore, Key, Letter, Record, Stored, Waiting};
use crate::notification::{
    dead_letter::DeadLetter, error::NotifyError, id::NotificationId, level::JournalLevel,
    outgoing::Outgoing, progress::Progress, queue::Queue, record, retry::GivenUp, writer::Writer,
};

/// The most calls that wait for the thread; over it they are refused.
const CALLS: usize = 4_096;

/// How long to wait before a thread that is busy is asked again for what is not urgent.
const BUSY: Duration = Duration::from_millis(1);

/// How much a journal may hold, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalOptions {
    /// The most notifications that wait in it; over it new ones are refused.
    pub max_count: u64,
    /// The most bytes that they may have.
    pub max_bytes: u64,
    /// Whether what several callers publish at the same time goes to disk together. It makes them
    /// faster and costs none of them anything.
    pub grouped: bool,
}

/// What somebody wants kept.
pub(crate) struct Wanted {
    pub(crate) outgoing: Outgoing,
    pub(crate) key: Option<Key>,
}

impl Wanted {
    /// The backplane takes what has a key into a log once, from whichever node it comes.
    pub(crate) fn new(mut outgoing: Outgoing, key: Option<Key>) -> Self {
        if let Some(key) = &key {
            let mut once = [0; 16];
            once.copy_from_slice(&key.name[..16]);
            for publication in outgoing.publications.iter_mut().filter(|one| one.log) {
                publication.once = Some(OnceKey::new(once));
            }
        }
        Self { outgoing, key }
    }
}

/// What became of something that was to be kept.
pub(crate) type Answer = Result<NotificationId, NotifyError>;

pub(crate) enum Command {
    Append(Vec<(Outgoing, Record)>, oneshot::Sender<Vec<Answer>>),
    /// There is something to take out.
    Settle,
    Read(
        u64,
        usize,
        oneshot::Sender<Result<Vec<Stored>, JournalError>>,
    ),
    Letters(
        Option<Uuid>,
        usize,
        oneshot::Sender<Result<Vec<Letter>, JournalError>>,
    ),
    Revive(Uuid, oneshot::Sender<Result<bool, NotifyError>>),
    Drop(Uuid, oneshot::Sender<Result<bool, NotifyError>>),
    Close(oneshot::Sender<()>),
}

/// What the thread shares with those who use it.
#[derive(Debug, Default)]
pub(crate) struct Load {
    count: AtomicU64,
    bytes: AtomicU64,
    /// Dead letters in the journal.
    letters: AtomicU64,
    /// What is to be taken out: never more than there is in the journal.
    pub(crate) settled: Mutex<Settled>,
    pub(crate) trouble: Mutex<Option<String>>,
}

/// Records to take out, and what they count for.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) changes: Vec<Change>,
    pub(crate) bytes: u64,
}

/// The way to the thread.
pub(crate) struct Journalled {
    commands: SyncSender<Command>,
    load: Arc<Load>,
    options: JournalOptions,
}

impl Journalled {
    /// Starts the thread. What waits in the journal already has been counted.
    pub(crate) fn start(
        mut store: Box<dyn JournalStore>,
        options: JournalOptions,
        waiting: Waiting,
        queue: Arc<Queue>,
        progress: Arc<Progress>,
    ) -> Result<Self, JournalError> {
        let load = Arc::new(Load::default());
        load.add(waiting.count, waiting.bytes);
        load.set_letters(store.letter_count()?);
        let (commands, receiver) = sync_channel(CALLS);
        let shared = Arc::clone(&load);
        let writer = Writer::new(store, receiver, queue, progress, shared, options.grouped);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| JournalError::Failed {
                doing: "starting its thread",
                source: source.into(),
            })?;
        Ok(Self {
            commands,
            load,
            options,
        })
    }

    /// What stands in the way of taking more, if anything does.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.load.trouble.lock().clone();
        trouble.or_else(|| (!self.has_room(0)).then(|| "the journal is full".to_owned()))
    }

    /// How full it is.
    pub(crate) fn level(&self) -> JournalLevel {
        let (records, bytes) = self.load.now();
        let share = |held: u64, most: u64| held as f64 / most.max(1) as f64;
        let options = &self.options;
        JournalLevel {
            records,
            bytes,
            used: share(records, options.max_count).max(share(bytes, options.max_bytes)),
            takes: self.trouble().is_none(),
        }
    }

    /// How many dead letters it keeps.
    pub(crate) fn letter_count(&self) -> u64 {
        self.load.letters.load(Ordering::Relaxed)
    }

    /// Hands everything to the thread, as far as there is room; what follows something that found
    /// none finds none. The answers come when it is on disk; nobody need wait for them.
    pub(crate) fn keep(
        &self,
        all: Vec<Wanted>,
    ) -> impl Future<Output = Vec<Answer>> + Send + use<> {
        let asked = all.len();
        let mut taken = Vec::with_capacity(asked);
        for wanted in all {
            let record = Record {
                id: wanted.outgoing.id.as_uuid(),
                key: wanted.key,
                body: record::write(&wanted.outgoing),
            };
            if !self.has_room(record.body.len() as u64) {
                break;
            }
            self.load.add(1, record.body.len() as u64);
            taken.push((wanted.outgoing, record));
        }
        let (mut count, (answer, answers)) = (taken.len(), oneshot::channel());
        if let Err(TrySendError::Full(Command::Append(all, _))) =
            self.commands.try_send(Command::Append(taken, answer))
        {
            for (_, record) in &all {
                self.load.take(1, record.body.len() as u64);
            }
            count = 0;
        }
        async move {
            let mut told = match answers.await {
                Ok(told) => told,
                Err(_) => (0..count).map(|_| Err(NotifyError::Closed)).collect(),
            };
            told.extend((count..asked).map(|_| Err(NotifyError::Overloaded)));
            told
        }
    }

    /// The records behind a place.
    pub(crate) async fn read(&self, after: u64, limit: usize) -> Result<Vec<Stored>, JournalError> {
        let answer = self.ask(|answer| Command::Read(after, limit, answer));
        answer.await.unwrap_or(Ok(Vec::new()))
    }

    /// These were published: their places, and what they count for.
    pub(crate) fn settle(&self, all: impl IntoIterator<Item = (u64, u64)>) {
        let settle = |(sequence, bytes)| (Change::Settle(sequence), bytes);
        self.take_out(all.into_iter().map(settle));
    }

    /// This was given up.
    pub(crate) fn bury(&self, sequence: u64, bytes: u64, what: &GivenUp) {
        let letter = Letter {
            id: what.rest.id.as_uuid(),
            given_up_at: Timestamp::now(),
            reason: what.reason.clone(),
            attempts: what.attempts,
            body: record::write(&what.rest),
        };
        self.take_out([(Change::Bury(sequence, letter), bytes)]);
    }

    /// This cannot be read, and is kept as it is.
    pub(crate) fn bury_unread(&self, stored: Stored) {
        let bytes = stored.body.len() as u64;
        let sequence = stored.sequence;
        self.take_out([(Change::Bury(sequence, unread(stored)), bytes)]);
    }

    pub(crate) async fn letters(
        &self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, NotifyError> {
        let after = after.map(NotificationId::as_uuid);
        let answer = self.ask(|answer| Command::Letters(after, limit, answer));
        let letters = answer.await.ok_or(NotifyError::Closed)??;
        Ok(letters.into_iter().map(DeadLetter::from).collect())
    }

    /// Whether there was such a dead letter; it waits for the broker again.
    pub(crate) async fn revive(&self, id: NotificationId) -> Result<bool, NotifyError> {
        let answer = self.ask(|answer| Command::Revive(id.as_uuid(), answer));
        answer.await.unwrap_or(Err(NotifyError::Closed))
    }

    /// Whether there was such a dead letter.
    pub(crate) async fn discard(&self, id: NotificationId) -> Result<bool, NotifyError> {
        let answer = self.ask(|answer| Command::Drop(id.as_uuid(), answer));
        answer.await.unwrap_or(Err(NotifyError::Closed))
    }

    /// Ends the thread once it has done everything it was told.
    pub(crate) async fn close(&self) {
        self.ask(Command::Close).await;
    }

    fn take_out(&self, all: impl IntoIterator<Item = (Change, u64)>) {
        let mut settled = self.load.settled.lock();
        for (change, bytes) in all {
            settled.changes.push(change);
            settled.bytes += bytes;
        }
        drop(settled);
        // A thread that has too much to do for this looks by itself.
        let _ = self.commands.try_send(Command::Settle);
    }

    fn has_room(&self, bytes: u64) -> bool {
        let (count, held) = self.load.now();
        count < self.options.max_count && (held == 0 || held + bytes <= self.options.max_bytes)
    }

    /// `None` when the thread has ended.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let mut command = command(answer);
        while let Err(TrySendError::Full(refused)) = self.commands.try_send(command) {
            tokio::time::sleep(BUSY).await;
            command = refused;
        }
        answered.await.ok()
    }
}

/// What is kept of a record that cannot be read.
pub(crate) fn unread(stored: Stored) -> Letter {
    Letter {
        id: stored.id,
        given_up_at: Timestamp::now(),
        reason: record::Unreadable.to_string(),
        attempts: 0,
        body: stored.body,
    }
}

impl Load {
    fn now(&self) -> (u64, u64) {
        (
            self.count.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }

    pub(crate) fn set_letters(&self, count: u64) {
        self.letters.store(count, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, count: u64, bytes: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn take(&self, count: u64, bytes: u64) {
        self.count.fetch_sub(count, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
