//! The thread that writes the journal.
//!
//! What was published need not be taken out before anything else happens, so that waits for the next
//! notification that has to be on disk, or for a short while. A process that dies in between publishes
//! it again when it is back, under the same id.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::journal::{Change, Changed, JournalError, JournalStore};
use crate::notification::{
    error::NotifyError,
    id::NotificationId,
    journalled::{Answer, Command, Load, Settled, unread},
    outgoing::Outgoing,
    progress::Progress,
    queue::{Item, Queue},
    record,
};

/// How long what was published stays in the journal when nothing else is to be written.
const SETTLED_WITHIN: Duration = Duration::from_millis(50);

/// How often a journal that failed is tried while nobody wants anything of it.
const TRIED_EVERY: Duration = Duration::from_secs(1);

/// The most calls whose notifications go to disk together.
const GROUP: usize = 256;

/// One call whose notifications are about to be written.
struct Caller {
    /// What it wants kept, and how many bytes each has in the journal.
    outgoing: Vec<(Outgoing, usize)>,
    answer: oneshot::Sender<Vec<Answer>>,
}

/// What the thread works with.
pub(crate) struct Writer {
    store: Box<dyn JournalStore>,
    commands: Receiver<Command>,
    queue: Arc<Queue>,
    progress: Arc<Progress>,
    load: Arc<Load>,
    group: Vec<Caller>,
    /// The records of the group, in order.
    records: Vec<Change>,
    most: usize,
}

impl Writer {
    /// A thread to be. `grouped` lets several calls share a write.
    pub(crate) fn new(
        store: Box<dyn JournalStore>,
        commands: Receiver<Command>,
        queue: Arc<Queue>,
        progress: Arc<Progress>,
        load: Arc<Load>,
        grouped: bool,
    ) -> Self {
        Self {
            store,
            commands,
            queue,
            progress,
            load,
            group: Vec::new(),
            records: Vec::new(),
            most: if grouped { GROUP } else { 1 },
        }
    }

    /// Works until it is closed, or nobody is left to tell it anything.
    pub(crate) fn run(mut self) {
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
        loop {
            let is_troubled = self.load.trouble.lock().is_some();
            let is_settled = self.load.settled.lock().changes.is_empty();
            let patience = match (is_troubled, is_settled) {
                (true, _) => TRIED_EVERY,
                (false, false) => SETTLED_WITHIN,
                (false, true) => return self.commands.recv().ok(),
            };
            match self.commands.recv_timeout(patience) {
                Ok(command) => return Some(command),
                Err(RecvTimeoutError::Timeout) => self.tidy(is_troubled),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Takes out what was published. A journal that failed is tried also when there is nothing, so
    /// that it is known to work again before anybody trusts it with a notification.
    fn tidy(&mut self, is_troubled: bool) {
        if is_troubled {
            match self.store.probe() {
                Ok(()) => self.recovered(),
                Err(error) => return self.failed(&error),
            }
        }
        self.write();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Append(all, answer) => {
                let mut outgoing = Vec::with_capacity(all.len());
                for (one, record) in all {
                    outgoing.push((one, record.body.len()));
                    self.records.push(Change::Append(record));
                }
                self.group.push(Caller { outgoing, answer });
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
            Command::Settle | Command::Close(_) => {}
        }
    }

    /// Writes what callers wait for, and what is to be taken out.
    fn write(&mut self) {
        let group = std::mem::take(&mut self.group);
        let settled = std::mem::take(&mut *self.load.settled.lock());
        let (count, mut changes) = (settled.changes.len(), settled.changes);
        changes.append(&mut self.records);
        if changes.is_empty() {
            return;
        }
        match self.store.change(&changes) {
            Ok(changed) => {
                self.recovered();
                self.load.take(count as u64, settled.bytes);
                if changes.iter().any(|it| matches!(it, Change::Bury(..))) {
                    self.count_letters();
                }
                let mut changed = changed.into_iter().skip(count);
                for caller in group {
                    self.answer(caller, &mut changed);
                }
            }
            Err(error) => {
                self.failed(&error);
                changes.truncate(count);
                self.put_back(changes, settled.bytes);
                for caller in group {
                    self.refuse(caller, &error);
                }
            }
        }
    }

    /// Could not be taken out now.
    fn put_back(&self, mut changes: Vec<Change>, bytes: u64) {
        let mut settled = self.load.settled.lock();
        changes.append(&mut settled.changes);
        *settled = Settled {
            changes,
            bytes: settled.bytes + bytes,
        };
    }

    /// Tells a caller what became of each, and hands on what is new.
    fn answer(&self, caller: Caller, changed: &mut impl Iterator<Item = Changed>) {
        let mut answers = Vec::with_capacity(caller.outgoing.len());
        for (outgoing, bytes) in caller.outgoing {
            let answer = match changed.next() {
                Some(Changed::Appended(sequence)) => {
                    let id = outgoing.id;
                    self.follow(outgoing, bytes, sequence);
                    answers.push(Ok(id));
                    continue;
                }
                Some(Changed::Repeated(id)) => Ok(NotificationId::from_bytes(id.into_bytes())),
                _ => Err(NotifyError::KeyReused),
            };
            self.load.take(1, bytes as u64);
            answers.push(answer);
        }
        let _ = caller.answer.send(answers);
    }

    fn refuse(&self, caller: Caller, error: &JournalError) {
        let refuse = |(_, bytes): &(Outgoing, usize)| {
            self.load.take(1, *bytes as u64);
            Err(NotifyError::Journal(error.to_string()))
        };
        let answers = caller.outgoing.iter().map(refuse).collect();
        let _ = caller.answer.send(answers);
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
                let (bytes, sequence) = (stored.body.len(), stored.sequence);
                self.load.add(1, bytes as u64);
                let id = NotificationId::from_bytes(id.into_bytes());
                match record::read(id, stored.body.clone()) {
                    Ok(outgoing) => {
                        self.follow(outgoing, bytes, sequence);
                        Ok(true)
                    }
                    Err(error) => {
                        let bury = Change::Bury(sequence, unread(stored));
                        self.put_back(vec![bury], bytes as u64);
                        Err(NotifyError::Journal(error.to_string()))
                    }
                }
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
                self.count_letters();
                Ok(changed.pop().unwrap_or(Changed::Missing))
            }
            Err(error) => {
                self.failed(&error);
                Err(error.into())
            }
        }
    }

    /// Their number is only shown: where it cannot be read, the last one stays.
    fn count_letters(&mut self) {
        if let Ok(count) = self.store.letter_count() {
            self.load.set_letters(count);
        }
    }

    fn failed(&self, error: &JournalError) {
        let source = std::error::Error::source(error).map(ToString::to_string);
        let text = [Some(error.to_string()), source];
        let text = text.into_iter().flatten().collect::<Vec<_>>().join(": ");
        let before = self.load.trouble.lock().replace(text.clone());
        if before.as_ref() != Some(&text) {
            tracing::error!(error = %text, "the journal takes nothing");
        }
    }

    fn recovered(&self) {
        if self.load.trouble.lock().take().is_some() {
            tracing::info!("the journal takes notifications again");
        }
    }
}
