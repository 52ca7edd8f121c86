//! What a journal keeps.

use jiff::Timestamp;
use uuid::Uuid;

/// Something to keep until it has been dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// What makes it the same as another that was to be kept before.
    pub key: Option<Key>,
    /// What is kept; opaque to the journal.
    pub body: Vec<u8>,
}

/// A name that may be used once, and a digest of what it was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// A digest of the name.
    pub name: [u8; 32],
    /// A digest of the content.
    pub content: [u8; 32],
}

/// A record in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place; later records have greater ones, and none is given twice.
    pub sequence: u64,
    /// Its id.
    pub id: Uuid,
    /// What is kept.
    pub body: Vec<u8>,
}

/// What was given up, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The id of the record that it was.
    pub id: Uuid,
    /// When it was given up, to the millisecond.
    pub given_up_at: Timestamp,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// What is left of it.
    pub body: Vec<u8>,
}

/// One change of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Puts a record behind all others, unless its key was taken within the window.
    Append(Record),
    /// Takes out a record that has been dealt with.
    Settle(u64),
    /// Takes out a record and keeps it among the dead letters.
    Bury(u64, Letter),
    /// Takes a dead letter out and puts it behind all other records.
    Revive(Uuid),
    /// Takes a dead letter out.
    Drop(Uuid),
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// The record is kept here.
    Appended(u64),
    /// A record with this key and this content was taken before, under this id; nothing has changed.
    Repeated(Uuid),
    /// A record with this key and other content was taken before; nothing has changed.
    Conflict,
    /// A dead letter is a record again.
    Revived(Stored),
    /// It is done, or had been before.
    Done,
    /// There is no such dead letter.
    Missing,
}

/// What has not been dealt with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many records.
    pub count: u64,
    /// How many bytes their bodies have.
    pub bytes: u64,
    /// The place of the last record that there ever was.
    pub last: u64,
}

/// When what was written is forced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// With every change that is made: it survives the loss of power.
    Always,
    /// When the operating system likes: it survives the end of the process, and no more.
    Never,
}
