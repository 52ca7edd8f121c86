//! What a loss of power leaves: the files as they were at some moment, the last write cut short or
//! only half on the disk.

use std::fs;
use std::path::{Path, PathBuf};

use mesahub::journal::SqliteJournal;

use crate::store::{File, append, numbers, opened};

const RECORDS: u128 = 40;

/// A file beside the journal's.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The journal as it would be found with this write-ahead log.
fn found(base: &[u8], log: &[u8], look: impl FnOnce(&mut SqliteJournal)) {
    let file = File::new();
    fs::write(&file.path, base).unwrap();
    fs::write(beside(&file.path, "-wal"), log).unwrap();
    look(&mut opened(&file.path));
}

/// The bytes of a journal with [`RECORDS`] records that nobody has closed, and how many bytes its
/// log had when each was answered for.
fn written() -> (Vec<u8>, Vec<u8>, Vec<usize>) {
    let file = File::new();
    let mut journal = file.open();
    let log = beside(&file.path, "-wal");
    let ends = (0..RECORDS)
        .map(|number| {
            append(&mut journal, number);
            usize::try_from(fs::metadata(&log).unwrap().len()).unwrap()
        })
        .collect();
    (fs::read(&file.path).unwrap(), fs::read(&log).unwrap(), ends)
}

/// How many records were answered for when the log was this long.
fn answered(ends: &[usize], length: usize) -> usize {
    ends.partition_point(|end| *end <= length)
}

#[test]
fn a_log_cut_anywhere_gives_what_was_answered_for_before_and_nothing_torn() {
    let (base, log, ends) = written();
    assert!(ends.is_sorted_by(|a, b| a < b));
    for length in (ends[0]..=log.len()).step_by(977) {
        found(&base, &log[..length], |journal| {
            let kept = numbers(journal);
            let least = answered(&ends, length) as u128;
            assert!(kept.len() as u128 >= least, "{length}: {kept:?}");
            assert!(kept.iter().copied().eq(0..kept.len() as u128), "{kept:?}");
            append(journal, 1_000);
            assert_eq!(numbers(journal).len(), kept.len() + 1);
        });
    }
}

#[test]
fn a_damaged_frame_ends_the_log_before_it() {
    let (base, log, ends) = written();
    for place in (ends[0]..log.len()).step_by(1_409) {
        let mut damaged = log.clone();
        damaged[place] ^= 0x40;
        found(&base, &damaged, |journal| {
            let kept = numbers(journal);
            let least = answered(&ends, place) as u128;
            assert!(kept.len() as u128 >= least, "{place}: {kept:?}");
            assert!(kept.iter().copied().eq(0..kept.len() as u128), "{kept:?}");
        });
    }
}
