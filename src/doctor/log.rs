//! Whether topics keep a log: appending, reading, the bound.

use mesahub_broker::{BrokerError, Finding, LogBounds, Publication, Topic};

use crate::doctor::pair::Pair;
use crate::doctor::trouble::refused;

const LOG: &str = "log";
const BOUND: &str = "bound of logs";
const RIGHT: &str = "grant the user the rights that keeping logs takes";

/// More entries than this are not appended only to see the first one dropped.
const FAR: usize = 10_000;

/// Appends, reads back, and fills a log over its bound.
pub(super) async fn examine(
    pair: &Pair,
    bounds: &LogBounds,
    tell: &mut (dyn FnMut(Finding) + Send),
) {
    if !pair.sender.capabilities().log {
        let seen = "this backplane keeps none as it is configured: clients that come back refetch";
        return tell(Finding::good(LOG, seen));
    }
    if bounds.max_count == 0 {
        return tell(Finding::good(LOG, "none is kept, as configured"));
    }
    let topic = pair.topic("log");
    let first = match append(pair, &topic, 0..1).await {
        Ok(()) => read(pair, &topic, bounds).await,
        Err(error) => Err(error),
    };
    match first {
        Ok(entries) if entries == ["0"] => {
            tell(Finding::good(LOG, "an entry was appended and read back"));
        }
        Ok(entries) => {
            let seen = format!("one entry was appended, and {entries:?} was read");
            let mend = "look at the server's log; behind a proxy, let all reach the same server";
            return tell(Finding::failed(LOG, seen, mend));
        }
        Err(error) => return tell(refused(LOG, &error, RIGHT)),
    }
    tell(bound(pair, &topic, bounds).await);
}

async fn bound(pair: &Pair, topic: &Topic, bounds: &LogBounds) -> Finding {
    let most = bounds.max_count;
    if most > FAR {
        let seen = format!("{most} entries are too many to append them only to look");
        return Finding::unknown(BOUND, seen);
    }
    if let Err(error) = append(pair, topic, 1..most + 1).await {
        return refused(BOUND, &error, RIGHT);
    }
    match read(pair, topic, bounds).await {
        Ok(entries) if entries.len() <= most && entries.last() == Some(&most.to_string()) => {
            let seen = format!("of {} entries, {} are kept", most + 1, entries.len());
            Finding::good(BOUND, seen)
        }
        Ok(entries) => Finding::failed(
            BOUND,
            format!("of {} entries, {} are kept", most + 1, entries.len()),
            "look at the server's log, and at the settings of Mesahub:Log",
        ),
        Err(error) => refused(BOUND, &error, RIGHT),
    }
}

/// Appends numbers.
async fn append(
    pair: &Pair,
    topic: &Topic,
    numbers: std::ops::Range<usize>,
) -> Result<(), BrokerError> {
    let entry = |number: usize| Publication::new(topic.clone(), number.to_string()).logged();
    let answers = pair.sender.publish(numbers.map(entry).collect()).await;
    answers.into_iter().try_for_each(|answer| answer.map(drop))
}

/// Reads everything that the other node finds.
async fn read(pair: &Pair, topic: &Topic, bounds: &LogBounds) -> Result<Vec<String>, BrokerError> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = pair
            .listener
            .read_log(topic, after, bounds.max_count)
            .await?;
        after = page.entries.last().map(|entry| entry.position);
        let text = |payload| String::from_utf8_lossy(payload).into_owned();
        entries.extend(page.entries.iter().map(|entry| text(&entry.payload)));
        if !page.more {
            return Ok(entries);
        }
    }
}
