//! How many invocations of one connection run at once, in which order they start, and when the
//! connection must stop reading.
//!
//! An invocation that is done at its first poll never leaves the connection's own task, and its
//! completion leaves with those of the others that came in the same burst. One that has to wait,
//! or whose completion has to wait for room, goes to a task of its own, which then also runs what
//! has queued up behind it. So pings, cancellations and client results are read while a handler
//! waits, and a client that does not read is not answered more than it takes.
//!
//! Where calls are limited, those that have to wait for their moment wait apart, under the limit's own
//! bound, and whatever comes behind them waits too: the reading goes on.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hub::connection::Connection;
use crate::hub::dispatch::{Dispatched, Job};
use crate::hub::reply::Answer;
use crate::limits::{Account, CallLimits, TooManyCalls};

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
    /// Set by the first call where calls are limited.
    limited: Option<Box<Limited>>,
}

/// What the limit of calls knows of the connection.
struct Limited {
    account: Account,
    /// What waits for its moment, in the order in which it came.
    late: VecDeque<(Instant, Dispatched)>,
    /// Stops the task that keeps the time, while there is one.
    keeper: Option<CancellationToken>,
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

    /// Counts a call: whether it may run at once, or from a moment on.
    pub(crate) fn ask(&self, limits: &CallLimits) -> Result<Option<Instant>, TooManyCalls> {
        let mut state = self.state.lock();
        let limited = state.limited.get_or_insert_with(|| {
            Box::new(Limited {
                account: limits.account(self.connection.principal()),
                late: VecDeque::new(),
                keeper: None,
            })
        });
        limits.ask(&limited.account)
    }

    /// Does what is to be done about a call, at once or at its moment.
    pub(crate) fn enter(
        self: &Arc<Self>,
        call: Dispatched,
        due: Option<Instant>,
        context: &mut Context<'_>,
    ) {
        let Some(call) = self.put_off(call, due) else {
            return;
        };
        match call {
            Dispatched::Refused(answer) => self.connection.refuse_call(answer),
            Dispatched::InTurn(job) => self.submit(job, context),
            Dispatched::Beside(job) => self.run_beside(job),
        }
    }

    /// Keeps a call that has to wait, or to stay behind one that has to; gives back any other.
    fn put_off(self: &Arc<Self>, call: Dispatched, due: Option<Instant>) -> Option<Dispatched> {
        let mut state = self.state.lock();
        let limited = state.limited.as_mut();
        let Some(limited) = limited.filter(|it| due.is_some() || !it.late.is_empty()) else {
            return Some(call);
        };
        limited
            .late
            .push_back((due.unwrap_or_else(Instant::now), call));
        if limited.keeper.is_none() {
            let stop = CancellationToken::new();
            limited.keeper = Some(stop.clone());
            self.tasks.spawn(Arc::clone(self).keep_time(stop));
        }
        None
    }

    /// Starts what waits for its moment, until nothing does.
    async fn keep_time(self: Arc<Self>, stop: CancellationToken) {
        while let Some(due) = self.next_due() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(due) => self.start_due(),
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let mut state = self.state.lock();
        let limited = state.limited.as_mut()?;
        let next = limited.late.front().map(|(due, _)| *due);
        if next.is_none() {
            limited.keeper = None;
        }
        next
    }

    /// Starts or queues what is due. Nothing that comes meanwhile gets in between.
    fn start_due(self: &Arc<Self>) {
        let now = Instant::now();
        let mut refused = Vec::new();
        {
            let mut state = self.state.lock();
            while let Some(call) = state.due(now) {
                match call {
                    Dispatched::Refused(answer) => refused.push(answer),
                    Dispatched::Beside(job) => self.run_beside(job),
                    Dispatched::InTurn(job) if state.running >= self.limit => {
                        state.waiting.push_back(job);
                    }
                    Dispatched::InTurn(job) => {
                        state.running += 1;
                        self.tasks.spawn(Arc::clone(self).run(job));
                    }
                }
            }
        }
        for answer in refused {
            self.connection.refuse_call(answer);
        }
    }

    /// Nothing more is read: what waits for its moment is dropped.
    pub(crate) fn close(&self) {
        let limited = self.state.lock().limited.take();
        if let Some(stop) = limited.and_then(|limited| limited.keeper) {
            stop.cancel();
        }
    }

    /// Starts an invocation, or queues it behind the running ones.
    fn submit(self: &Arc<Self>, mut job: Job, context: &mut Context<'_>) {
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
    fn run_beside(&self, job: Job) {
        let connection = Arc::clone(&self.connection);
        self.tasks.spawn(async move {
            let answer = job.await;
            connection.complete_call(answer).await;
        });
    }
}

impl State {
    /// Takes the next call that is due.
    fn due(&mut self, now: Instant) -> Option<Dispatched> {
        let late = &mut self.limited.as_mut()?.late;
        let (due, _) = late.front()?;
        if *due > now {
            return None;
        }
        late.pop_front().map(|(_, call)| call)
    }
}
