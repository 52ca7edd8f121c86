//! What the store in SQLite owes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use mesahub::journal::{
    Change, Changed, JournalStore, Key, Letter, Record, SqliteJournal, Stored, Sync, Waiting,
};
use tempfile::TempDir;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) struct File {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl File {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        Self {
            _folder: folder,
            path,
        }
    }

    pub(crate) fn open(&self) -> SqliteJournal {
        opened(&self.path)
    }
}

pub(crate) fn opened(path: &Path) -> SqliteJournal {
    SqliteJournal::open(path, Sync::Always, HOUR).unwrap()
}

pub(crate) fn record(number: u128) -> Record {
    Record {
        id: Uuid::from_u128(number),
        key: None,
        body: number.to_string().into_bytes(),
    }
}

fn keyed(number: u128, name: u8, content: u8) -> Change {
    let key = Some(Key {
        name: [name; 32],
        content: [content; 32],
    });
    Change::Append(Record {
        key,
        ..record(number)
    })
}

fn letter(number: u128) -> Letter {
    Letter {
        id: Uuid::from_u128(number),
        given_up_at: Timestamp::from_millisecond(1_000).unwrap(),
        reason: "away".to_owned(),
        attempts: 4,
        body: b"rest".to_vec(),
    }
}

pub(crate) fn append(journal: &mut SqliteJournal, number: u128) -> u64 {
    let changed = journal.change(&[Change::Append(record(number))]).unwrap();
    match changed.as_slice() {
        [Changed::Appended(sequence)] => *sequence,
        other => unreachable!("{other:?}"),
    }
}

pub(crate) fn numbers(journal: &mut SqliteJournal) -> Vec<u128> {
    let read = journal.read(0, usize::MAX).unwrap();
    read.iter().map(|stored| stored.id.as_u128()).collect()
}

#[test]
fn records_come_back_in_order_until_they_are_settled() {
    let file = File::new();
    let mut journal = file.open();
    let places: Vec<u64> = (1..=5).map(|number| append(&mut journal, number)).collect();
    assert!(places.is_sorted_by(|a, b| a < b));
    let two = journal.read(places[1], 2).unwrap();
    assert_eq!(
        two,
        [3, 4].map(|number: u128| Stored {
            sequence: places[usize::try_from(number).unwrap() - 1],
            id: Uuid::from_u128(number),
            body: number.to_string().into_bytes(),
        })
    );
    let settled = [Change::Settle(places[0]), Change::Settle(places[3])];
    assert_eq!(
        journal.change(&settled).unwrap(),
        [Changed::Done, Changed::Done]
    );
    assert_eq!(numbers(&mut journal), [2, 3, 5]);
    let waiting = Waiting {
        count: 3,
        bytes: 3,
        last: places[4],
    };
    assert_eq!(journal.waiting().unwrap(), waiting);
}

#[test]
fn what_was_answered_for_is_there_when_the_file_is_opened_again() {
    let file = File::new();
    let mut journal = file.open();
    let last = append(&mut journal, 1);
    journal
        .change(&[keyed(2, 1, 1), Change::Bury(last, letter(1))])
        .unwrap();
    drop(journal);
    let mut journal = file.open();
    assert_eq!(numbers(&mut journal), [2]);
    assert_eq!(journal.letters(None, 9).unwrap(), [letter(1)]);
    assert_eq!(
        journal.change(&[keyed(3, 1, 1)]).unwrap(),
        [Changed::Repeated(Uuid::from_u128(2))]
    );
}

#[test]
fn no_place_is_given_twice() {
    let file = File::new();
    let mut journal = file.open();
    let first = append(&mut journal, 1);
    journal.change(&[Change::Settle(first)]).unwrap();
    drop(journal);
    assert!(append(&mut file.open(), 2) > first);
}

#[test]
fn a_key_is_taken_once_and_for_one_content() {
    let file = File::new();
    let mut journal = file.open();
    let changed = journal
        .change(&[
            keyed(1, 7, 1),
            keyed(2, 7, 1),
            keyed(3, 7, 2),
            keyed(4, 8, 1),
        ])
        .unwrap();
    assert!(matches!(changed[0], Changed::Appended(_)));
    assert_eq!(changed[1], Changed::Repeated(Uuid::from_u128(1)));
    assert_eq!(changed[2], Changed::Conflict);
    assert!(matches!(changed[3], Changed::Appended(_)));
    assert_eq!(numbers(&mut journal), [1, 4]);
}

#[test]
fn a_key_whose_window_is_over_is_taken_anew() {
    let file = File::new();
    let mut journal = SqliteJournal::open(&file.path, Sync::Never, Duration::ZERO).unwrap();
    journal.change(&[keyed(1, 7, 1)]).unwrap();
    let before = Timestamp::now().as_millisecond();
    while Timestamp::now().as_millisecond() <= before {
        std::hint::spin_loop();
    }
    let changed = journal.change(&[keyed(2, 7, 2)]).unwrap();
    assert!(matches!(changed[..], [Changed::Appended(_)]));
}

#[test]
fn a_dead_letter_is_revived_behind_everything_else_or_dropped() {
    let file = File::new();
    let mut journal = file.open();
    let places = [1, 2, 3].map(|number| append(&mut journal, number));
    let buried = [0, 1].map(|place| Change::Bury(places[place], letter(place as u128 + 1)));
    journal.change(&buried).unwrap();
    let second = Some(Uuid::from_u128(1));
    assert_eq!(journal.letters(second, 9).unwrap(), [letter(2)]);
    assert_eq!(journal.letters(None, 1).unwrap(), [letter(1)]);

    let changed = journal
        .change(&[
            Change::Revive(Uuid::from_u128(1)),
            Change::Drop(Uuid::from_u128(2)),
            Change::Revive(Uuid::from_u128(2)),
            Change::Drop(Uuid::from_u128(9)),
        ])
        .unwrap();
    let Changed::Revived(revived) = &changed[0] else {
        unreachable!("{changed:?}")
    };
    assert!(revived.sequence > places[2]);
    assert_eq!(revived.body, b"rest");
    assert_eq!(
        changed[1..],
        [Changed::Done, Changed::Missing, Changed::Missing]
    );
    assert_eq!(numbers(&mut journal), [3, 1]);
    assert!(journal.letters(None, 9).unwrap().is_empty());
}

#[test]
fn a_large_record_ends_what_is_read_at_a_time() {
    let file = File::new();
    let mut journal = file.open();
    for number in 0..12 {
        let body = vec![0; 1024 * 1024];
        let large = Record {
            body,
            ..record(number)
        };
        journal.change(&[Change::Append(large)]).unwrap();
    }
    let read = journal.read(0, 100).unwrap();
    assert_eq!(read.len(), 8);
    assert_eq!(journal.read(read[7].sequence, 100).unwrap().len(), 4);
}

#[test]
fn a_file_belongs_to_one_process_at_a_time_and_holds_a_journal() {
    let file = File::new();
    let journal = file.open();
    let second = SqliteJournal::open(&file.path, Sync::Always, HOUR).unwrap_err();
    let why = std::error::Error::source(&second).unwrap().to_string();
    assert!(why.contains("locked"), "{why}");
    drop(journal);

    std::fs::write(&file.path, [b'x'; 8_192]).unwrap();
    let other = SqliteJournal::open(&file.path, Sync::Always, HOUR).unwrap_err();
    let why = std::error::Error::source(&other).unwrap().to_string();
    assert!(why.contains("not a database"), "{why}");
}
