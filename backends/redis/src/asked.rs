//! What was asked of Redis on a connection for messages, and who waits for it.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use mesahub_broker::BrokerError;
use tokio::sync::oneshot;

use crate::link::Change;

/// Commands on their way, in order, and the jobs that they are for.
#[derive(Default)]
pub(crate) struct Asked {
    commands: VecDeque<Command>,
    jobs: HashMap<u64, Job>,
    next_job: u64,
}

enum Command {
    /// A change of these channels, which are confirmed one by one in this order.
    Names(Names),
    Ping,
}

/// What is left of a command.
pub(crate) struct Names {
    pub(crate) change: Change,
    pub(crate) left: VecDeque<Bytes>,
    job: u64,
}

/// What one or several commands are for.
pub(crate) struct Job {
    pub(crate) change: Change,
    pub(crate) done: Done,
    pub(crate) failure: Option<BrokerError>,
    commands: usize,
}

/// What follows when a job is done.
pub(crate) enum Done {
    Answer(oneshot::Sender<Result<(), BrokerError>>),
    /// Everything is subscribed again after an interruption.
    Restored,
}

impl Asked {
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Begins a job of so many commands, at least one, and gives its number.
    pub(crate) fn begin(&mut self, change: Change, done: Done, commands: usize) -> u64 {
        let number = self.next_job;
        self.next_job += 1;
        self.jobs.insert(
            number,
            Job {
                change,
                done,
                failure: None,
                commands,
            },
        );
        number
    }

    /// A command of a job, which names these channels, is on its way.
    pub(crate) fn names(&mut self, job: u64, change: Change, channels: Vec<Bytes>) {
        let left = channels.into();
        self.commands
            .push_back(Command::Names(Names { change, left, job }));
    }

    /// A ping is on its way.
    pub(crate) fn ping(&mut self) {
        self.commands.push_back(Command::Ping);
    }

    /// Whether this is the confirmation that comes next.
    pub(crate) fn awaits(&self, channel: &Bytes, change: Change) -> bool {
        match self.commands.front() {
            Some(Command::Names(names)) => {
                names.change == change && names.left.front() == Some(channel)
            }
            _ => false,
        }
    }

    /// The oldest command has an answer, the only one or one of its channels. Gives the job that is
    /// done with it.
    pub(crate) fn answered(&mut self) -> Option<Job> {
        if let Some(Command::Names(names)) = self.commands.front_mut() {
            names.left.pop_front();
            if !names.left.is_empty() {
                return None;
            }
        }
        match self.commands.pop_front()? {
            Command::Names(names) => self.finish(&names),
            Command::Ping => None,
        }
    }

    /// The oldest command was refused.
    pub(crate) fn refused(&mut self) -> Option<Names> {
        match self.commands.pop_front()? {
            Command::Names(names) => Some(names),
            Command::Ping => None,
        }
    }

    /// The job of a command.
    pub(crate) fn job(&mut self, names: &Names) -> Option<&mut Job> {
        self.jobs.get_mut(&names.job)
    }

    /// A command is over. Gives the job that is done with it.
    pub(crate) fn finish(&mut self, names: &Names) -> Option<Job> {
        let job = self.jobs.get_mut(&names.job)?;
        job.commands = job.commands.saturating_sub(1);
        match job.commands {
            0 => self.jobs.remove(&names.job),
            _ => None,
        }
    }

    /// The connection is lost: whoever waits is told. What was to be unsubscribed is; gives the
    /// channels of it, which must not be restored.
    pub(crate) fn abandon(self, lost: &BrokerError) -> impl Iterator<Item = Bytes> {
        for job in self.jobs.into_values() {
            if let Done::Answer(answer) = job.done {
                let _ = answer.send(match job.change {
                    Change::Subscribe => Err(lost.clone()),
                    Change::Unsubscribe => Ok(()),
                });
            }
        }
        self.commands.into_iter().flat_map(|command| match command {
            Command::Names(names) if names.change == Change::Unsubscribe => names.left,
            _ => VecDeque::new(),
        })
    }
}
