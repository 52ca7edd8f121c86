//! Whether a connection is used.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::Instant;

/// What the requests of one connection tell of it.
#[derive(Debug, Default)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Requests whose answers are not there whole.
    busy: usize,
    /// When the last of them was answered; nothing before the first.
    since: Option<Instant>,
}

/// What a look at a connection shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It has never been used.
    Unused,
    /// It has not been used for too long.
    Idle,
    /// It is used, or may be again: look again then.
    Again(Instant),
}

/// A request that is not done with. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

/// The body of an answer. Its connection is busy with it if nobody knows how long it is: such as an
/// event stream. One of known length is there already, and who does not take it is idle.
pub(super) struct Answering<B> {
    body: B,
    _busy: Option<Busy>,
}

impl Activity {
    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.0.lock();
        state.busy += 1;
        state.since = Some(Instant::now());
        Busy(Arc::clone(self))
    }

    /// Looks whether it has been unused for as long as it may be.
    pub(super) fn look(&self, now: Instant, idle: Duration) -> Look {
        let state = self.0.lock();
        let Some(since) = state.since else {
            return Look::Unused;
        };
        if state.busy > 0 {
            return Look::Again(now + idle);
        }
        match since + idle {
            due if due <= now => Look::Idle,
            due => Look::Again(due),
        }
    }
}

impl Busy {
    /// Stays busy for as long as a body needs it.
    pub(super) fn with<B: Body>(self, body: B) -> Answering<B> {
        let is_endless = body.size_hint().exact().is_none();
        Answering {
            body,
            _busy: is_endless.then_some(self),
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.busy -= 1;
        state.since = Some(Instant::now());
    }
}

impl<B: Body + Unpin> Body for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::{Full, StreamBody};

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_once_nothing_was_asked_for_long_enough() {
        let activity = Arc::<Activity>::default();
        let look = || activity.look(Instant::now(), IDLE);
        assert_eq!(look(), Look::Unused);
        let (one, other) = (activity.begin(), activity.begin());
        tokio::time::advance(2 * IDLE).await;
        assert_eq!(look(), Look::Again(Instant::now() + IDLE));
        drop(one);
        assert_eq!(look(), Look::Again(Instant::now() + IDLE));
        let body = stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let body = other.with(StreamBody::new(body));
        tokio::time::advance(IDLE).await;
        assert_eq!(look(), Look::Again(Instant::now() + IDLE));
        drop(body);
        let due = Instant::now() + IDLE;
        tokio::time::advance(IDLE / 2).await;
        assert_eq!(look(), Look::Again(due));
        tokio::time::advance(IDLE / 2).await;
        assert_eq!(look(), Look::Idle);
        let untaken = activity
            .begin()
            .with(Full::new(Bytes::from_static(b"hello")));
        tokio::time::advance(IDLE).await;
        assert_eq!(look(), Look::Idle);
        drop(untaken);
    }
}
