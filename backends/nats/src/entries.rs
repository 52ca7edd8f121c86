//! The entries of one topic, as JetStream gives them out.
//!
//! All is asked of the leader of the stream, since a follower may not have the newest entries yet.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use mesahub_broker::BrokerError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{ApiError, NO_MESSAGE, ask, ask_all};
use crate::commands::Commands;
use crate::stream::Stream;

/// The entries of a topic.
pub(crate) struct Entries<'read> {
    pub(crate) commands: &'read Commands,
    pub(crate) stream: &'read Stream,
    /// Where they went in.
    pub(crate) subject: &'read str,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) number: u64,
    pub(crate) payload: Bytes,
}

/// The stream at one moment.
#[derive(Debug)]
pub(crate) struct Moment {
    /// The number of the oldest entry of all topics.
    pub(crate) first: u64,
    /// The number of the newest entry of all topics, dropped or not.
    pub(crate) last: u64,
    /// Entries of this topic.
    pub(crate) kept: usize,
}

#[derive(Deserialize)]
struct Found {
    message: FoundMessage,
}

#[derive(Deserialize)]
struct FoundMessage {
    subject: String,
    seq: u64,
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Info {
    state: State,
}

#[derive(Deserialize)]
struct State {
    first_seq: u64,
    last_seq: u64,
    /// Entries by subject, of those that were asked for.
    #[serde(default)]
    subjects: Option<HashMap<String, usize>>,
}

/// Parts of the numbers between two entries that are searched at once.
const MOST_PIECES: u64 = 16;

/// Numbers that are not worth another part.
const SMALL_PIECE: u64 = 8;

impl Entries<'_> {
    /// The last one.
    pub(crate) async fn last(&self) -> Result<Option<Stored>, ApiError> {
        self.find(json!({"last_by_subj": self.subject})).await
    }

    /// The oldest one.
    pub(crate) async fn oldest(&self) -> Result<Option<Stored>, ApiError> {
        self.find(self.next(1)).await
    }

    /// Whether there is one with this number.
    pub(crate) async fn has(&self, number: u64) -> Result<bool, ApiError> {
        // Number zero would be taken for no number at all.
        match number {
            0 => Ok(false),
            number => Ok(self.find(json!({"seq": number})).await?.is_some()),
        }
    }

    /// Those whose numbers lie between two. JetStream gives the next one after a number, so the
    /// numbers are cut into pieces, and the next one is asked for in all of them at once.
    pub(crate) async fn between(&self, after: u64, before: u64) -> Result<Vec<Stored>, ApiError> {
        let mut found = BTreeMap::new();
        let mut pieces = pieces(after, before);
        while !pieces.is_empty() {
            let wanted: Vec<Value> = pieces.iter().map(|(from, _)| self.next(*from)).collect();
            let mut answers = self.find_all(&wanted).await?.into_iter();
            pieces.retain_mut(|(from, end)| match answers.next().flatten() {
                Some(entry) if entry.number < *end => {
                    *from = entry.number + 1;
                    found.insert(entry.number, entry.payload);
                    from < end
                }
                _ => false,
            });
        }
        let stored = |(number, payload)| Stored { number, payload };
        Ok(found.into_iter().map(stored).collect())
    }

    /// How far the stream reaches, and then how many entries it has of this topic.
    pub(crate) async fn moment(&self) -> Result<Moment, ApiError> {
        let info = format!("STREAM.INFO.{}", self.stream.name);
        let wanted = json!({"subjects_filter": self.subject});
        let Info { state } = ask(self.commands, &info, &wanted).await?;
        let subjects = state.subjects.unwrap_or_default();
        Ok(Moment {
            first: state.first_seq,
            last: state.last_seq,
            kept: subjects.get(self.subject).copied().unwrap_or(0),
        })
    }

    /// Asks for the first entry from a number on.
    fn next(&self, from: u64) -> Value {
        json!({"seq": from, "next_by_subj": self.subject})
    }

    async fn find(&self, wanted: Value) -> Result<Option<Stored>, ApiError> {
        Ok(self.find_all(&[wanted]).await?.pop().flatten())
    }

    async fn find_all(&self, wanted: &[Value]) -> Result<Vec<Option<Stored>>, ApiError> {
        let what = format!("STREAM.MSG.GET.{}", self.stream.name);
        let answers = ask_all(self.commands, &what, wanted).await?;
        let answers = answers.into_iter();
        answers.map(|answer| self.stored(answer)).collect()
    }

    fn stored(&self, answer: Result<Found, ApiError>) -> Result<Option<Stored>, ApiError> {
        let message = match answer {
            Ok(Found { message }) => message,
            Err(ApiError::Refused(refusal)) if refusal.err_code == NO_MESSAGE => return Ok(None),
            Err(error) => return Err(error),
        };
        if message.subject != self.subject {
            return Ok(None);
        }
        let payload = BASE64_STANDARD.decode(message.data);
        let payload = payload.map_err(|error| ApiError::Broker(BrokerError::rejected(error)))?;
        Ok(Some(Stored {
            number: message.seq,
            payload: payload.into(),
        }))
    }
}

impl Moment {
    /// Whether the number was given out and nothing behind it is too old or had to go when the
    /// stream was full.
    pub(crate) fn reaches_back_to(&self, number: u64) -> bool {
        number <= self.last && self.first <= number.saturating_add(1)
    }
}

/// The numbers between two, in pieces of about one length: the first of each, and the one behind
/// it.
fn pieces(after: u64, before: u64) -> Vec<(u64, u64)> {
    let from = after.saturating_add(1);
    let length = before.saturating_sub(from);
    let count = (length / SMALL_PIECE).clamp(1, MOST_PIECES);
    let each = length.div_ceil(count).max(1);
    let starts = (0..count).map(|piece| from.saturating_add(piece.saturating_mul(each)));
    starts
        .map(|start| (start, start.saturating_add(each).min(before)))
        .filter(|(start, end)| start < end)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MOST_PIECES, pieces};

    #[test]
    fn between_neighbours_there_is_nothing_to_search() {
        assert!(pieces(7, 8).is_empty());
        assert!(pieces(7, 7).is_empty());
        assert!(pieces(7, 3).is_empty());
        assert!(pieces(u64::MAX, u64::MAX).is_empty());
        assert_eq!(pieces(7, 9), [(8, 9)]);
    }

    proptest! {
        #[test]
        fn pieces_join_without_a_hole(after in 0_u64..1_000_000, length in 2_u64..1_000_000) {
            let before = after + length;
            let pieces = pieces(after, before);
            prop_assert!(pieces.len() as u64 <= MOST_PIECES);
            prop_assert_eq!(pieces[0].0, after + 1);
            prop_assert_eq!(pieces[pieces.len() - 1].1, before);
            prop_assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0));
        }
    }
}
