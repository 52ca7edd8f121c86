//! Reading the log of one topic.
//!
//! JetStream drops the oldest entries, by count, by age and when the stream is full. So whoever
//! sees an entry knows that every later one of its topic is there too. All is read from the leader
//! of the stream, since a follower may not have the newest entries yet.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use mesahub_broker::{BrokerError, LogBounds, LogEntry, LogPage, Position};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{ApiError, NO_MESSAGE, ask};
use crate::commands::Commands;
use crate::stream::Stream;

/// The log of a topic.
pub(crate) struct Log<'read> {
    pub(crate) commands: &'read Commands,
    pub(crate) stream: &'read Stream,
    pub(crate) bounds: &'read LogBounds,
    /// Where its entries went in.
    pub(crate) subject: &'read str,
}

/// An entry.
struct Stored {
    number: u64,
    payload: Bytes,
}

/// The stream at one moment.
struct Moment {
    /// The number of the oldest entry of all topics.
    first: u64,
    /// The number of the newest entry of all topics, dropped or not.
    last: u64,
    /// Entries of this topic.
    kept: usize,
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

impl Log<'_> {
    /// At most `limit` entries after a position.
    pub(crate) async fn read(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, ApiError> {
        let after = match after {
            Some(position) => Some(self.number(position)?),
            None => None,
        };
        loop {
            let Some(last) = self.last().await? else {
                // JetStream counts behind the end that it tells: nothing lies in between.
                let moment = self.moment().await?;
                if moment.kept > 0 {
                    continue;
                }
                let newest = self.position(moment.last);
                return match after {
                    Some(after) if !moment.reaches_back_to(after) => Err(self.unknown(after)),
                    _ => Ok(page(Vec::new(), 0, newest)),
                };
            };
            let newest = self.position(last.number.max(after.unwrap_or(0)));
            let entries = match after {
                Some(after) => self.after(after, last).await?,
                None if limit == 0 => vec![last],
                None => match self.all(last).await? {
                    Some(entries) => entries,
                    None => continue,
                },
            };
            let all = entries.len();
            let kept = self.within_bounds(entries);
            return match after {
                Some(after) if kept.len() < all => Err(self.unknown(after)),
                _ => Ok(page(kept, limit, newest)),
            };
        }
    }

    /// Everything that followed a position, through the last entry.
    async fn after(&self, after: u64, last: Stored) -> Result<Vec<Stored>, ApiError> {
        if after == last.number {
            return Ok(Vec::new());
        }
        let entries = self.walk(after, &last).await?;
        // The entry itself is there: everything behind it was there while we walked.
        if after < last.number && self.is_stored(after).await? {
            return Ok(entries);
        }
        // A position at which nothing was kept. Were anything behind it dropped for the sake of
        // the count, the topic would be full.
        let moment = self.moment().await?;
        let is_full = moment.kept >= self.bounds.max_count;
        match moment.reaches_back_to(after) && !is_full {
            true => Ok(entries),
            false => Err(self.unknown(after)),
        }
    }

    /// Everything there is, through the last entry; `None` when all of it was dropped meanwhile.
    async fn all(&self, last: Stored) -> Result<Option<Vec<Stored>>, ApiError> {
        let mut entries = self.walk(0, &last).await?;
        let Some(oldest) = self.next(1).await? else {
            return Ok(None);
        };
        // What is older was dropped while we walked, and more may have been dropped behind it.
        entries.retain(|entry| entry.number >= oldest.number);
        Ok((!entries.is_empty()).then_some(entries))
    }

    /// Entries behind a number, through the last one.
    async fn walk(&self, mut after: u64, last: &Stored) -> Result<Vec<Stored>, ApiError> {
        let mut entries = Vec::new();
        while after < last.number {
            match self.next(after + 1).await? {
                Some(entry) if entry.number <= last.number => {
                    after = entry.number;
                    entries.push(entry);
                }
                _ => break,
            }
        }
        Ok(entries)
    }

    /// The newest entries, as far as the bounds allow.
    fn within_bounds(&self, mut entries: Vec<Stored>) -> Vec<LogEntry> {
        let (mut count, mut bytes) = (0, 0);
        for entry in entries.iter().rev() {
            bytes += entry.payload.len();
            if bytes > self.bounds.max_bytes || count == self.bounds.max_count {
                break;
            }
            count += 1;
        }
        let kept = entries.split_off(entries.len() - count);
        kept.into_iter()
            .map(|entry| LogEntry {
                position: self.position(entry.number),
                payload: entry.payload,
            })
            .collect()
    }

    /// The last entry.
    async fn last(&self) -> Result<Option<Stored>, ApiError> {
        self.find(&json!({"last_by_subj": self.subject})).await
    }

    /// The first entry from a number on.
    async fn next(&self, from: u64) -> Result<Option<Stored>, ApiError> {
        let wanted = json!({"seq": from, "next_by_subj": self.subject});
        self.find(&wanted).await
    }

    /// Whether an entry of this topic has this number.
    async fn is_stored(&self, number: u64) -> Result<bool, ApiError> {
        // Number zero would be taken for no number at all.
        match number {
            0 => Ok(false),
            number => Ok(self.find(&json!({"seq": number})).await?.is_some()),
        }
    }

    async fn find(&self, wanted: &Value) -> Result<Option<Stored>, ApiError> {
        let name = &self.stream.name;
        let found = ask(self.commands, &format!("STREAM.MSG.GET.{name}"), wanted).await;
        let message = match found {
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

    async fn moment(&self) -> Result<Moment, ApiError> {
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

    fn position(&self, number: u64) -> Position {
        Position::from_parts(self.stream.epoch, number)
    }

    /// The number of a position of this stream.
    fn number(&self, position: Position) -> Result<u64, ApiError> {
        match position.parts() {
            (epoch, number) if epoch == self.stream.epoch => Ok(number),
            _ => Err(ApiError::Broker(BrokerError::UnknownPosition { position })),
        }
    }

    fn unknown(&self, number: u64) -> ApiError {
        let position = self.position(number);
        ApiError::Broker(BrokerError::UnknownPosition { position })
    }
}

impl Moment {
    /// Whether the number was given out and nothing behind it is too old or had to go when the
    /// stream was full.
    fn reaches_back_to(&self, number: u64) -> bool {
        number <= self.last && self.first <= number.saturating_add(1)
    }
}

fn page(mut entries: Vec<LogEntry>, limit: usize, newest: Position) -> LogPage {
    let more = entries.len() > limit;
    entries.truncate(limit);
    LogPage {
        entries,
        more,
        newest,
    }
}
