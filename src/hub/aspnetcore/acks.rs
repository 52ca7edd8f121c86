//! Group commands that wait for the word of whichever server has the connection.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The commands of one server that are under way.
#[derive(Default)]
pub(super) struct Acks {
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    last: i32,
    waiting: HashMap<i32, oneshot::Sender<()>>,
}

/// One command under way. Dropping it gives it up.
pub(super) struct Awaited<'a> {
    acks: &'a Acks,
    pub(super) id: i32,
    done: oneshot::Receiver<()>,
}

impl Acks {
    /// Numbers a command, from 1 on and from 1 again after the largest number.
    pub(super) fn open(&self) -> Awaited<'_> {
        let (sender, done) = oneshot::channel();
        let mut pending = self.pending.lock();
        loop {
            pending.last = pending.last.checked_add(1).unwrap_or(1);
            if !pending.waiting.contains_key(&pending.last) {
                break;
            }
        }
        let id = pending.last;
        pending.waiting.insert(id, sender);
        Awaited {
            acks: self,
            id,
            done,
        }
    }

    /// A server says that a command is done. One that nobody waits for is passed over.
    pub(super) fn settle(&self, id: i32) {
        if let Some(waiting) = self.pending.lock().waiting.remove(&id) {
            let _ = waiting.send(());
        }
    }
}

impl Awaited<'_> {
    /// Waits for the word.
    pub(super) async fn done(mut self) {
        // The sender lives in the table until it is used or this is dropped.
        let _ = (&mut self.done).await;
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.acks.pending.lock().waiting.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::Acks;

    #[tokio::test]
    async fn commands_are_numbered_and_settled_by_number() {
        let acks = Acks::default();
        let (first, second) = (acks.open(), acks.open());
        assert_eq!((first.id, second.id), (1, 2));
        acks.settle(7);
        acks.settle(2);
        second.done().await;
        drop(first);
        assert!(acks.pending.lock().waiting.is_empty());
    }

    #[test]
    fn the_largest_number_is_followed_by_the_first_free_one() {
        let acks = Acks::default();
        let kept = acks.open();
        acks.pending.lock().last = i32::MAX;
        assert_eq!((kept.id, acks.open().id), (1, 2));
    }
}
