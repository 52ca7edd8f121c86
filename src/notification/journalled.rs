//! The thread that writes the journal, and the way to it.
//!
//! ```text
//!   intake ──► commands ──► thread: what waits goes to disk together ──► queue, in the same order
//!   drain ───► settled  ──►         and what was published is taken out ──► room for more
//! ```
//!
//! What is taken out need not be on disk before anything else happens, so it waits for the next that
//! has to be, or for a short while. A process that dies in between publishes it again when it is back,
//! under the same id.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::journal::{
    Change, Changed, JournalError, JournalStore, Key, Letter, Record, Stored, Waiting,
};
use crate::notification::{
    dead_letter::DeadLetter,
    error::NotifyError,
    id::NotificationId,
    outgoing::Outgoing,
    progress::Progress,
    queue::{Item, Queue},
    record,
    retry::GivenUp,
};

/// How long what was published stays in the journal when nothing else is to be written.
const SETTLED_WITHIN: Duration = Duration::from_millis(50);

/// The most calls whose notifications go to disk together.
const GROUP: usize = 256;

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

type Kept = Result<NotificationId, NotifyError>;

enum Command {
    Append(Vec<(Outgoing, Record)>, oneshot::Sender<Vec<Kept>>),
    Settle(Vec<(u64, u64)>),
    Bury(u64, u64, Letter),
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
#[derive(Debug)]
struct Load {
    count: AtomicU64,
    bytes: AtomicU64,
    trouble: Mutex<Option<String>>,
}

/// The way to the thread.
pub(crate) struct Journalled {
    commands: Sender<Command>,
    load: Arc<Load>,
    options: JournalOptions,
}

impl Journalled {
    /// Starts the thread. What waits in the journal already has been counted.
    pub(crate) fn start(
        store: Box<dyn JournalStore>,
        options: JournalOptions,
        waiting: Waiting,
        queue: Arc<Queue>,
        progress: Arc<Progress>,
    ) -> Result<Self, JournalError> {
        let load = Arc::new(Load {
            count: AtomicU64::new(waiting.count),
            bytes: AtomicU64::new(waiting.bytes),
            trouble: Mutex::new(None),
        });
        let (commands, receiver) = std::sync::mpsc::channel();
        let writer = Writer {
            store,
            commands: receiver,
            queue,
            progress,
            load: Arc::clone(&load),
            group: Vec::new(),
            settled: Vec::new(),
            settled_load: (0, 0),
            most: if options.grouped { GROUP } else { 1 },
        };
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

    /// Hands everything to the thread, as far as there is room; what follows something that found
    /// none finds none. The answers come when it is on disk; nobody need wait for them.
    pub(crate) fn keep(&self, all: Vec<Wanted>) -> impl Future<Output = Vec<Kept>> + Send + use<> {
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
            self.load.add(record.body.len() as u64);
            taken.push((wanted.outgoing, record));
        }
        let count = taken.len();
        let answers = self.ask(|answer| Command::Append(taken, answer));
        async move {
            let gone = || Err(NotifyError::Closed);
            let mut answers = match answers.await {
                Ok(answers) => answers,
                Err(_) => (0..count).map(|_| gone()).collect(),
            };
            answers.extend((count..asked).map(|_| Err(NotifyError::Overloaded)));
            answers
        }
    }

    /// The records behind a place.
    pub(crate) async fn read(&self, after: u64, limit: usize) -> Result<Vec<Stored>, JournalError> {
        let answer = self.ask(|answer| Command::Read(after, limit, answer));
        answer.await.unwrap_or(Ok(Vec::new()))
    }

    /// These were published: their places, and what they count for.
    pub(crate) fn settle(&self, all: Vec<(u64, u64)>) {
        self.tell(Command::Settle(all));
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
        self.tell(Command::Bury(sequence, bytes, letter));
    }

    /// This cannot be read, and is kept as it is.
    pub(crate) fn bury_unread(&self, stored: Stored) {
        let bytes = stored.body.len() as u64;
        let letter = Letter {
            id: stored.id,
            given_up_at: Timestamp::now(),
            reason: record::Unreadable.to_string(),
            attempts: 0,
            body: stored.body,
        };
        self.tell(Command::Bury(stored.sequence, bytes, letter));
    }

    pub(crate) async fn letters(
        &self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, NotifyError> {
        let after = after.map(NotificationId::as_uuid);
        let answer = self.ask(|answer| Command::Letters(after, limit, answer));
        let letters = answer.await.map_err(|_| NotifyError::Closed)??;
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
        let _ = self.ask(Command::Close).await;
    }

    fn has_room(&self, bytes: u64) -> bool {
        let (count, held) = self.load.now();
        count < self.options.max_count && (held == 0 || held + bytes <= self.options.max_bytes)
    }

    fn tell(&self, command: Command) {
        // Without a thread there is nobody left to tell: it ends when it is closed.
        let _ = self.commands.send(command);
    }

    /// An error when the thread has ended.
    fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> oneshot::Receiver<T> {
        let (answer, answered) = oneshot::channel();
        self.tell(command(answer));
        answered
    }
}

impl Load {
    fn now(&self) -> (u64, u64) {
        (
            self.count.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }

    fn add(&self, bytes: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn take(&self, count: u64, bytes: u64) {
        self.count.fetch_sub(count, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One call whose notifications are about to be written.
struct Caller {
    outgoing: Vec<Outgoing>,
    changes: Vec<Change>,
    answer: oneshot::Sender<Vec<Kept>>,
}

struct Writer {
    store: Box<dyn JournalStore>,
    commands: Receiver<Command>,
    queue: Arc<Queue>,
    progress: Arc<Progress>,
    load: Arc<Load>,
    group: Vec<Caller>,
    /// What is to be taken out, and what it counts for.
    settled: Vec<Change>,
    settled_load: (u64, u64),
    most: usize,
}

impl Writer {
    fn run(mut self) {
        while let Some(mut command) = self.receive() {
            loop {
                if let Command::Close(done) = command {
                    self.write();
                    drop(self);
                    let _ = done.send(());
                    return;
                }
                self.obey(command);
                if self.group.len() >= self.most {
                    self.write();
                }
                match self.commands.try_recv() {
                    Ok(next) => command = next,
                    Err(_) => break,
                }
            }
            if !self.group.is_empty() {
                self.write();
            }
        }
        self.write();
    }

    /// The next command; `None` when nobody is left to give one.
    fn receive(&mut self) -> Option<Command> {
        if self.settled.is_empty() {
            return self.commands.recv().ok();
        }
        match self.commands.recv_timeout(SETTLED_WITHIN) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => {
                self.write();
                self.commands.recv().ok()
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Append(all, answer) => {
                let (outgoing, changes) = all
                    .into_iter()
                    .map(|(outgoing, record)| (outgoing, Change::Append(record)))
                    .unzip();
                self.group.push(Caller {
                    outgoing,
                    changes,
                    answer,
                });
            }
            Command::Settle(all) => {
                for (sequence, bytes) in all {
                    self.settle(Change::Settle(sequence), bytes);
                }
            }
            Command::Bury(sequence, bytes, letter) => {
                self.settle(Change::Bury(sequence, letter), bytes);
            }
            Command::Read(after, limit, answer) => {
                self.write();
                let read = self.store.read(after, limit);
                if read.as_ref().is_ok_and(Vec::is_empty) {
                    self.queue.caught_up();
                }
                let _ = answer.send(read);
            }
            Command::Letters(after, limit, answer) => {
                self.write();
                let _ = answer.send(self.store.letters(after, limit));
            }
            Command::Revive(id, answer) => {
                self.write();
                let _ = answer.send(self.revive(id));
            }
            Command::Drop(id, answer) => {
                self.write();
                let _ = answer.send(self.discard(id));
            }
            Command::Close(_) => {}
        }
    }

    fn settle(&mut self, change: Change, bytes: u64) {
        self.settled.push(change);
        self.settled_load.0 += 1;
        self.settled_load.1 += bytes;
    }

    /// Writes what callers wait for, and what is to be taken out.
    fn write(&mut self) {
        let group = std::mem::take(&mut self.group);
        if group.is_empty() && self.settled.is_empty() {
            return;
        }
        let mut changes = std::mem::take(&mut self.settled);
        let settled = changes.len();
        changes.extend(
            group
                .iter()
                .flat_map(|caller| caller.changes.iter().cloned()),
        );
        match self.store.change(&changes) {
            Ok(changed) => {
                self.recovered();
                let (count, bytes) = std::mem::take(&mut self.settled_load);
                self.load.take(count, bytes);
                let mut changed = changed.into_iter().skip(settled);
                for caller in group {
                    self.answer(caller, &mut changed);
                }
            }
            Err(error) => {
                self.failed(&error);
                changes.truncate(settled);
                self.settled = changes;
                for caller in group {
                    self.refuse(caller, &error);
                }
            }
        }
    }

    /// Tells a caller what became of each, and hands on what is new.
    fn answer(&self, caller: Caller, changed: &mut impl Iterator<Item = Changed>) {
        let mut answers = Vec::with_capacity(caller.outgoing.len());
        for (outgoing, change) in caller.outgoing.into_iter().zip(caller.changes) {
            let Change::Append(record) = change else {
                continue;
            };
            let bytes = record.body.len();
            answers.push(match changed.next() {
                Some(Changed::Appended(sequence)) => {
                    let id = outgoing.id;
                    self.follow(outgoing, bytes, sequence);
                    Ok(id)
                }
                Some(Changed::Repeated(id)) => {
                    self.load.take(1, bytes as u64);
                    Ok(NotificationId::from_bytes(id.into_bytes()))
                }
                _ => {
                    self.load.take(1, bytes as u64);
                    Err(NotifyError::KeyReused)
                }
            });
        }
        let _ = caller.answer.send(answers);
    }

    fn refuse(&self, caller: Caller, error: &JournalError) {
        let refuse = |change: &Change| {
            if let Change::Append(record) = change {
                self.load.take(1, record.body.len() as u64);
            }
            Err(NotifyError::Journal(error.to_string()))
        };
        let _ = caller
            .answer
            .send(caller.changes.iter().map(refuse).collect());
    }

    fn follow(&self, outgoing: Outgoing, bytes: usize, sequence: u64) {
        self.progress.accept(1);
        self.queue.follow(Item {
            outgoing,
            bytes,
            sequence: Some(sequence),
        });
    }

    fn revive(&mut self, id: Uuid) -> Result<bool, NotifyError> {
        match self.alone(Change::Revive(id))? {
            Changed::Revived(stored) => {
                let bytes = stored.body.len();
                self.load.add(bytes as u64);
                match record::read(
                    NotificationId::from_bytes(id.into_bytes()),
                    stored.body.clone(),
                ) {
                    Ok(outgoing) => self.follow(outgoing, bytes, stored.sequence),
                    Err(error) => {
                        let reason = error.to_string();
                        let letter = Letter {
                            id,
                            given_up_at: Timestamp::now(),
                            reason: reason.clone(),
                            attempts: 0,
                            body: stored.body,
                        };
                        self.settle(Change::Bury(stored.sequence, letter), bytes as u64);
                        return Err(NotifyError::Journal(reason));
                    }
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn discard(&mut self, id: Uuid) -> Result<bool, NotifyError> {
        Ok(self.alone(Change::Drop(id))? == Changed::Done)
    }

    fn alone(&mut self, change: Change) -> Result<Changed, NotifyError> {
        let changed = self.store.change(&[change]);
        match changed {
            Ok(mut changed) => {
                self.recovered();
                Ok(changed.pop().unwrap_or(Changed::Missing))
            }
            Err(error) => {
                self.failed(&error);
                Err(error.into())
            }
        }
    }

    fn failed(&self, error: &JournalError) {
        let source = std::error::Error::source(error).map(ToString::to_string);
        let text = [Some(error.to_string()), source];
        let text = text.into_iter().flatten().collect::<Vec<_>>().join(": ");
        tracing::error!(error = %text, "the journal takes nothing");
        *self.load.trouble.lock() = Some(text);
    }

    fn recovered(&self) {
        if self.load.trouble.lock().take().is_some() {
            tracing::info!("the journal takes notifications again");
        }
    }
}
