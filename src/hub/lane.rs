//! How many invocations of one connection run at once, in which order they start, and when the
//! connection must stop reading.
//!
//! An invocation that is done at its first poll never leaves the connection's own task, and its
//! completion leaves with those of the others that came in the same burst. One that has to wait,
//! or whose completion has to wait for room, goes to a task of its own, which then also runs what
//! has queued up behind it. So pings, cancellations and client results are read while a handler
//! waits, and a client that does not read is not answered more than it takes.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

use crate::hub::connection::Connection;
use crate::hub::dispatch::Job;
use crate::hub::reply::Answer;

/// How many times the backlog may wait while the client owes an answer.
const ASKED: usize = 64;

/// The invocations of one connection.
pub(crate) struct Lane {
    connection: Arc<Connection>,
    tasks: TaskTracker,
    limit: usize,
    backlog: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: VecDeque<Job>,
}

impl Lane {
    pub(crate) fn new(
        connection: Arc<Connection>,
        tasks: TaskTracker,
        limit: usize,
        backlog: usize,
    ) -> Self {
        Self {
            connection,
            tasks,
            limit,
            backlog,
            state: Mutex::default(),
        }
    }

    /// Whether another invocation may be read.
    pub(crate) fn has_room(&self) -> bool {
        // A handler that waits for this client's answer must not keep it from being read.
        let backlog = if self.connection.is_asked() {
            self.backlog.max(1).saturating_mul(ASKED)
        } else {
            self.backlog
        };
        let state = self.state.lock();
        state.running < self.limit || state.waiting.len() < backlog
    }

    /// Starts an invocation, or queues it behind the running ones.
    pub(crate) fn submit(self: &Arc<Self>, mut job: Job, context: &mut Context<'_>) {
        {
            let mut state = self.state.lock();
            if state.running >= self.limit {
                state.waiting.push_back(job);
                return;
            }
            state.running += 1;
        }
        let Poll::Ready(answer) = Pin::new(&mut job).poll(context) else {
            self.tasks.spawn(Arc::clone(self).run(job));
            return;
        };
        match self.connection.complete_soon(answer, context) {
            Ok(()) => self.state.lock().running -= 1,
            Err(answer) => {
                self.tasks.spawn(Arc::clone(self).go_on(answer));
            }
        }
    }

    async fn run(self: Arc<Self>, job: Job) {
        let answer = job.await;
        self.go_on(answer).await;
    }

    /// Completes an invocation, and runs what has queued up behind it.
    async fn go_on(self: Arc<Self>, mut answer: Answer) {
        loop {
            self.connection.complete_call(answer).await;
            let next = {
                let mut state = self.state.lock();
                let next = state.waiting.pop_front();
                if next.is_none() {
                    state.running -= 1;
                }
                next
            };
            // There is room again, or the last one is done: the connection's task may care.
            self.connection.wake();
            match next {
                Some(job) => answer = job.await,
                None => return,
            }
        }
    }

    /// Runs an invocation at once and beside the others: one that streams.
    pub(crate) fn run_beside(&self, job: Job) {
        let connection = Arc::clone(&self.connection);
        self.tasks.spawn(async move {
            let answer = job.await;
            connection.complete_call(answer).await;
        });
    }
}
