//! What is open between a client and its handlers: invocations that can be cancelled, and streams
//! that the client uploads.

use std::collections::HashMap;
use std::sync::Arc;

use mesahub_protocol::Payload;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::hub::upload::{UploadError, UploadSink};

/// The open calls of one connection.
#[derive(Default)]
pub(crate) struct Calls {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    closed: bool,
    cancellable: HashMap<String, CancellationToken>,
    uploads: HashMap<String, OpenUpload>,
    /// How many uploads there have been.
    opened: u64,
}

struct OpenUpload {
    /// Tells it from a later one of the same id.
    serial: u64,
    sink: Box<dyn UploadSink>,
}

/// What became of an uploaded item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is with the handler, or nobody wants it any more.
    Done,
    /// The handler has not taken enough of the earlier ones yet.
    Full,
}

/// Keeps an invocation cancellable until it is dropped.
pub(crate) struct Cancellable {
    calls: Arc<Calls>,
    id: String,
}

impl Calls {
    /// Makes an invocation cancellable under its id. `None` if the id is in use.
    pub(crate) fn cancellable(
        self: &Arc<Self>,
        id: &str,
        token: &CancellationToken,
    ) -> Option<Cancellable> {
        let mut open = self.open.lock();
        if open.closed {
            token.cancel();
        }
        if open.cancellable.contains_key(id) {
            return None;
        }
        open.cancellable.insert(id.to_owned(), token.clone());
        Some(Cancellable {
            calls: Arc::clone(self),
            id: id.to_owned(),
        })
    }

    /// Cancels an invocation, if there is one of this id.
    pub(crate) fn cancel(&self, id: &str) {
        let token = self.open.lock().cancellable.get(id).cloned();
        if let Some(token) = token {
            token.cancel();
        }
    }

    /// Opens an upload and gives its serial number. One with the same id ends.
    pub(crate) fn open_upload(&self, id: &str, mut sink: Box<dyn UploadSink>) -> u64 {
        let mut open = self.open.lock();
        open.opened += 1;
        let serial = open.opened;
        if open.closed {
            sink.finish(Some(UploadError::Disconnected));
        } else {
            let upload = OpenUpload { serial, sink };
            open.uploads.insert(id.to_owned(), upload);
        }
        serial
    }

    /// Gives an item to its upload. Items of unknown uploads are ignored.
    pub(crate) fn push(&self, id: &str, item: Payload<'_>) -> Pushed {
        let mut open = self.open.lock();
        let Some(upload) = open.uploads.get_mut(id) else {
            return Pushed::Done;
        };
        if !upload.sink.has_room() {
            return Pushed::Full;
        }
        if !upload.sink.push(item) {
            open.uploads.remove(id);
        }
        Pushed::Done
    }

    /// Whether an upload takes another item, or is gone.
    pub(crate) fn has_room(&self, id: &str) -> bool {
        self.open
            .lock()
            .uploads
            .get(id)
            .is_none_or(|upload| upload.sink.has_room())
    }

    /// Ends an upload; whether there was one of this id.
    pub(crate) fn finish(&self, id: &str, error: Option<String>) -> bool {
        let upload = self.open.lock().uploads.remove(id);
        upload
            .map(|mut upload| upload.sink.finish(error.map(UploadError::Client)))
            .is_some()
    }

    /// Forgets an upload that its handler has let go; a later one of the same id stays.
    pub(crate) fn forget_upload(&self, id: &str, serial: u64) {
        let mut open = self.open.lock();
        let found = open.uploads.get(id);
        if found.is_some_and(|upload| upload.serial == serial) {
            open.uploads.remove(id);
        }
    }

    /// The connection is gone: everything open is cancelled or fails.
    pub(crate) fn close(&self) {
        let open = std::mem::replace(
            &mut *self.open.lock(),
            Open {
                closed: true,
                ..Open::default()
            },
        );
        open.cancellable
            .into_values()
            .for_each(|token| token.cancel());
        for mut upload in open.uploads.into_values() {
            upload.sink.finish(Some(UploadError::Disconnected));
        }
    }
}

impl Drop for Cancellable {
    fn drop(&mut self) {
        self.calls.open.lock().cancellable.remove(&self.id);
    }
}
