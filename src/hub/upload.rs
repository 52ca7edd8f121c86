//! Streams from a client to a handler.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use mesahub_protocol::Payload;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::hub::calls::Calls;
use crate::hub::connection::Connection;

/// A stream that a client uploads to a handler: a parameter of it. It ends when the client ends
/// it, and with an error when the client's side fails, an item is not a `T` or the connection
/// goes. At most `stream_buffer_capacity` items wait in it; then the connection is read no
/// further until the handler takes one. Dropping it tells nobody, and later items are ignored.
pub struct Upload<T> {
    id: String,
    serial: u64,
    items: mpsc::Receiver<Result<T, UploadError>>,
    held_up: Arc<AtomicBool>,
    calls: Arc<Calls>,
    connection: Arc<Connection>,
}

/// Why an uploaded stream ended before its end.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UploadError {
    /// The client's side failed with this text.
    #[error("{0}")]
    Client(String),
    /// An item was not of the stream's type.
    #[error("Failed to bind Stream message.")]
    Item,
    /// The connection is gone.
    #[error("The underlying connection was closed.")]
    Disconnected,
}

/// The read loop's end of an upload.
pub(crate) trait UploadSink: Send {
    /// Whether it takes another item.
    fn has_room(&self) -> bool;
    /// Gives it an item; false if nobody wants more.
    fn push(&mut self, item: Payload<'_>) -> bool;
    /// Ends it.
    fn finish(&mut self, error: Option<UploadError>);
}

struct Sink<T> {
    items: mpsc::Sender<Result<T, UploadError>>,
    /// The read loop has found no room and waits until an item is taken.
    held_up: Arc<AtomicBool>,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send + 'static> Upload<T> {
    /// Opens an upload under the id that the client gave it.
    pub(crate) fn open(
        id: &str,
        capacity: usize,
        calls: &Arc<Calls>,
        connection: &Arc<Connection>,
    ) -> Self {
        // One place more than may be filled with items: the error that ends it always fits.
        let (sender, items) = mpsc::channel(capacity.max(1) + 1);
        let held_up = Arc::<AtomicBool>::default();
        let serial = calls.open_upload(
            id,
            Box::new(Sink {
                items: sender,
                held_up: Arc::clone(&held_up),
                item: PhantomData,
            }),
        );
        Self {
            id: id.to_owned(),
            serial,
            items,
            held_up,
            calls: Arc::clone(calls),
            connection: Arc::clone(connection),
        }
    }
}

impl<T: DeserializeOwned + Send> UploadSink for Sink<T> {
    fn has_room(&self) -> bool {
        let has_room = || self.items.is_closed() || self.items.capacity() > 1;
        if has_room() {
            return true;
        }
        self.held_up.store(true, Ordering::Relaxed);
        // Either the second look sees the item taken, or whoever took it sees the mark.
        fence(Ordering::SeqCst);
        has_room()
    }

    fn push(&mut self, item: Payload<'_>) -> bool {
        // The type's own code may panic, and it runs in the connection's task.
        let decoded = catch_unwind(AssertUnwindSafe(|| item.decode::<T>().ok()));
        let item = decoded.ok().flatten().ok_or(UploadError::Item);
        let failed = item.is_err();
        self.items.try_send(item).is_ok() && !failed
    }

    fn finish(&mut self, error: Option<UploadError>) {
        if let Some(error) = error {
            // The last place is kept free for it; nobody misses it if the handler is gone.
            let _ = self.items.try_send(Err(error));
        }
    }
}

impl<T> Stream for Upload<T> {
    type Item = Result<T, UploadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.items.poll_recv(context));
        fence(Ordering::SeqCst);
        if self.held_up.swap(false, Ordering::Relaxed) {
            self.connection.wake();
        }
        Poll::Ready(item)
    }
}

impl<T> Drop for Upload<T> {
    fn drop(&mut self) {
        self.calls.forget_upload(&self.id, self.serial);
        self.connection.wake();
    }
}

impl<T> std::fmt::Debug for Upload<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
