//! What a journal owes.

use std::error::Error;

use thiserror::Error;
use uuid::Uuid;

use crate::journal::record::{Change, Changed, Letter, Stored, Waiting};

/// Where a journal is kept.
///
/// Its methods block, and are called from one thread that may be blocked. What a method has answered
/// holds when the process is killed in the next moment.
pub trait JournalStore: Send + 'static {
    /// Makes changes in this order, all of them or, with an error, none; what became of each.
    ///
    /// # Errors
    /// When they cannot be made durable.
    fn change(&mut self, changes: &[Change]) -> Result<Vec<Changed>, JournalError>;

    /// The records behind a place, in order: at most `limit`, and no more once they have 8 MiB
    /// together. None are left if there are none in the answer.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&mut self, after: u64, limit: usize) -> Result<Vec<Stored>, JournalError>;

    /// The dead letters with ids behind this one, by id: at most `limit`.
    ///
    /// # Errors
    /// When they cannot be read.
    fn letters(&mut self, after: Option<Uuid>, limit: usize) -> Result<Vec<Letter>, JournalError>;

    /// Finds out whether a change could be made: makes one of a few pages and takes it back, durably.
    ///
    /// # Errors
    /// When it could not.
    fn probe(&mut self) -> Result<(), JournalError>;

    /// How many dead letters there are.
    ///
    /// # Errors
    /// When they cannot be read.
    fn letter_count(&mut self) -> Result<u64, JournalError>;

    /// How much there is to deal with.
    ///
    /// # Errors
    /// When it cannot be read.
    fn waiting(&mut self) -> Result<Waiting, JournalError>;
}

/// The journal cannot do what it should.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The disk has no room.
    #[error("the disk of the journal is full")]
    Full,
    /// Anything else.
    #[error("the journal failed {doing}")]
    Failed {
        /// What it was doing.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
