//! Messages from one node to another.

use std::time::Duration;

use bytes::Bytes;
use mesahub_broker::{BrokerError, Finding, Inbound, MAX_PAYLOAD, Publication, Topic};
use tokio::time::{Instant, timeout};

use crate::doctor::pair::Pair;
use crate::doctor::trouble::{refused, with_causes};

/// Round trips that are timed.
const ROUND_TRIPS: usize = 20;

/// A round trip may take this long: everybody who publishes waits for one.
const FAR: Duration = Duration::from_millis(50);

/// How long a message is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The purpose of the topic.
const TRAFFIC: &str = "traffic";

const DELIVERY: &str = "delivery";
const LARGE: &str = "large payload";

/// Why a message did not arrive.
enum Lost {
    Refused(BrokerError),
    CutOff,
    Silent,
}

/// Times round trips, then sends a small message and counts who listens. Whether the small message
/// arrived.
pub(super) async fn examine(pair: &mut Pair, tell: &mut (dyn FnMut(Finding) + Send)) -> bool {
    tell(latency(pair).await);
    let topic = pair.topic(TRAFFIC);
    if let Err(error) = pair.listener.subscribe(std::slice::from_ref(&topic)).await {
        let right = "grant the user the right to subscribe, to names with the configured prefix";
        tell(refused("right to subscribe", &error, right));
        return false;
    }
    let small = send(pair, &topic, Bytes::from_static(b"hello")).await;
    let is_lost = small.is_err();
    tell(match small {
        Ok(took) => Finding::good(
            DELIVERY,
            format!("a message went from one node to another within {took:.1?}"),
        ),
        Err(Lost::Refused(error)) => {
            let right = "grant the user the right to publish, to names with the configured prefix";
            refused("right to publish", &error, right)
        }
        Err(Lost::CutOff | Lost::Silent) => Finding::failed(
            DELIVERY,
            "a message was taken and did not arrive",
            "look at the server's log; behind a proxy, let both nodes reach the same server",
        ),
    });
    if !is_lost {
        tell(count(pair, &topic).await);
    }
    !is_lost
}

/// Sends the largest message. Servers cut off who exceeds a limit, so nothing may follow.
pub(super) async fn examine_large(pair: &mut Pair, tell: &mut (dyn FnMut(Finding) + Send)) {
    let topic = pair.topic(TRAFFIC);
    tell(large(pair, &topic).await);
}

async fn latency(pair: &Pair) -> Finding {
    const LATENCY: &str = "latency";
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let before = Instant::now();
        if let Err(error) = pair.sender.health().await {
            return refused(
                LATENCY,
                &error,
                "grant the user the right to ping the server",
            );
        }
        times.push(before.elapsed());
    }
    times.sort();
    let (least, median, most) = (times[0], times[ROUND_TRIPS / 2], times[ROUND_TRIPS - 1]);
    let seen = format!(
        "{ROUND_TRIPS} round trips: least {least:.1?}, median {median:.1?}, most {most:.1?}"
    );
    match median <= FAR {
        true => Finding::good(LATENCY, seen),
        false => Finding::warning(
            LATENCY,
            seen,
            "bring nodes and server closer together: everybody who publishes waits this long",
        ),
    }
}

async fn count(pair: &Pair, topic: &Topic) -> Finding {
    const COUNT: &str = "subscriber count";
    match pair.sender.subscriber_count(topic).await {
        Ok(1) => Finding::good(COUNT, "one node listens, and one is counted"),
        Ok(count) => Finding::failed(
            COUNT,
            format!("one node listens, and {count} are counted"),
            "let all nodes reach the same server",
        ),
        Err(error) => refused(
            COUNT,
            &error,
            "grant the user the right to count subscribers",
        ),
    }
}

async fn large(pair: &mut Pair, topic: &Topic) -> Finding {
    let mend = "raise the server's limits on the size of messages and of output buffers";
    match send(pair, topic, Bytes::from(vec![b'.'; MAX_PAYLOAD])).await {
        Ok(took) => Finding::good(LARGE, format!("1 MiB arrived whole within {took:.1?}")),
        Err(Lost::Refused(error)) => Finding::failed(LARGE, with_causes(&error), mend),
        Err(Lost::CutOff) => Finding::failed(
            LARGE,
            "the server cut the listener off instead of sending it 1 MiB",
            mend,
        ),
        Err(Lost::Silent) => Finding::failed(LARGE, "1 MiB did not arrive", mend),
    }
}

/// Publishes, and waits until it has arrived.
async fn send(pair: &mut Pair, topic: &Topic, payload: Bytes) -> Result<Duration, Lost> {
    let before = Instant::now();
    let publication = Publication::new(topic.clone(), payload.clone());
    let answer = pair.sender.publish(vec![publication]).await.pop();
    answer
        .unwrap_or_else(|| Err(BrokerError::rejected("the broker did not answer")))
        .map_err(Lost::Refused)?;
    let arriving = async {
        loop {
            match pair.inbox.recv().await {
                Some(Inbound::Delivery(delivery)) if delivery.payload == payload => return Ok(()),
                Some(Inbound::Delivery(_)) => {}
                Some(Inbound::Gap(_)) => return Err(Lost::CutOff),
                None => return Err(Lost::Silent),
            }
        }
    };
    let arrived = timeout(PATIENCE, arriving).await;
    arrived.unwrap_or(Err(Lost::Silent))?;
    Ok(before.elapsed())
}
