//! Reading the log of one topic.
//!
//! JetStream drops the oldest entries: by count, by age, and when the stream is full. So whoever
//! finds an entry knows that every later one of its topic is there too.

use mesahub_broker::{BrokerError, LogBounds, LogEntry, LogPage, Position};

use crate::api::ApiError;
use crate::entries::{Entries, Stored};

/// How often reading begins anew when everything was dropped meanwhile.
const ATTEMPTS: usize = 8;

/// The log of a topic.
pub(crate) struct Log<'read> {
    pub(crate) entries: Entries<'read>,
    pub(crate) bounds: &'read LogBounds,
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
        for _ in 0..ATTEMPTS {
            let Some(last) = self.entries.last().await? else {
                // JetStream counts behind the end that it tells: nothing lies in between.
                let moment = self.entries.moment().await?;
                if moment.kept > 0 {
                    continue;
                }
                return match after {
                    Some(after) if !moment.reaches_back_to(after) => Err(self.unknown(after)),
                    _ => Ok(page(Vec::new(), 0, self.position(moment.last))),
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
        let restless = "the log was dropped faster than it could be read";
        Err(ApiError::Broker(BrokerError::unavailable(restless)))
    }

    /// Everything that followed a position, through the last entry.
    async fn after(&self, after: u64, last: Stored) -> Result<Vec<Stored>, ApiError> {
        if after == last.number {
            return Ok(Vec::new());
        }
        let is_behind = after < last.number;
        let mut entries = Vec::new();
        if is_behind {
            entries = self.entries.between(after, last.number).await?;
            entries.push(last);
        }
        // The entry itself is there: everything behind it was there while we read.
        if is_behind && self.entries.has(after).await? {
            return Ok(entries);
        }
        // A position at which nothing was kept. Were anything behind it dropped for the sake of
        // the count, the topic would be full.
        let moment = self.entries.moment().await?;
        let is_full = moment.kept >= self.bounds.max_count;
        match moment.reaches_back_to(after) && !is_full {
            true => Ok(entries),
            false => Err(self.unknown(after)),
        }
    }

    /// Everything there is, through the last entry; `None` when all of it was dropped meanwhile.
    async fn all(&self, last: Stored) -> Result<Option<Vec<Stored>>, ApiError> {
        let Some(first) = self.entries.oldest().await? else {
            return Ok(None);
        };
        let before_first = first.number.saturating_sub(1);
        let mut entries = self.entries.between(before_first, last.number).await?;
        entries.push(last);
        let Some(oldest) = self.entries.oldest().await? else {
            return Ok(None);
        };
        // What is older was dropped while we read, and more may have been dropped behind it.
        entries.retain(|entry| entry.number >= oldest.number);
        Ok((!entries.is_empty()).then_some(entries))
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

    fn position(&self, number: u64) -> Position {
        Position::from_parts(self.entries.stream.epoch, number)
    }

    /// The number of a position of this stream.
    fn number(&self, position: Position) -> Result<u64, ApiError> {
        match position.parts() {
            (epoch, number) if epoch == self.entries.stream.epoch => Ok(number),
            _ => Err(ApiError::Broker(BrokerError::UnknownPosition { position })),
        }
    }

    fn unknown(&self, number: u64) -> ApiError {
        let position = self.position(number);
        ApiError::Broker(BrokerError::UnknownPosition { position })
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
