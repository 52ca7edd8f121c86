//! Sending batches: pipelined, to each node its share, each item answered in its place.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use mesahub_broker::{BrokerError, MAX_PAYLOAD, Publication, Published};
use redis::{Cmd, RedisError, RedisResult, Value};
use tokio::time::Instant;

use crate::commands::{Connected, State};
use crate::config::{Address, Framing, RedisConfig};
use crate::framing;
use crate::pool::Pool;

/// Items that go out in one pipeline.
const PIPELINE: usize = 256;

/// What has become of an item.
type Answer = Result<Published, BrokerError>;

/// Sends a batch. In a cluster, what a node refuses because another has it by now is sent there,
/// once: it was not carried out.
pub(crate) async fn publish(
    config: &RedisConfig,
    pool: &Pool,
    batch: &[Publication],
) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = batch.iter().map(oversize).collect();
    let mut shares: BTreeMap<Option<Address>, Vec<usize>> = BTreeMap::new();
    for (place, publication) in batch.iter().enumerate() {
        if answers[place].is_none() {
            let owner = pool.owner(&publication.topic);
            shares.entry(owner).or_default().push(place);
        }
    }
    let mut moved: BTreeMap<Option<Address>, Vec<usize>> = BTreeMap::new();
    for (place, answer) in send_shares(config, pool, batch, shares).await {
        match answer {
            Taken::Answered(answer) => answers[place] = Some(answer),
            Taken::Moved(to) => moved.entry(Some(to)).or_default().push(place),
        }
    }
    if !moved.is_empty() {
        pool.doubt();
        for (place, answer) in send_shares(config, pool, batch, moved).await {
            answers[place] = Some(match answer {
                Taken::Answered(answer) => answer,
                Taken::Moved(_) => Err(BrokerError::unavailable("the slot is moving")),
            });
        }
    }
    let away = |answer: &Option<Answer>| matches!(answer, Some(Err(error)) if error.is_retryable());
    if answers.iter().any(away) {
        pool.doubt();
    }
    let unanswered = || Err(BrokerError::rejected("Redis did not answer every command"));
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(unanswered))
        .collect()
}

/// What a node has made of an item.
enum Taken {
    Answered(Answer),
    Moved(Address),
}

/// Sends to each node what is for it, to all at once.
async fn send_shares(
    config: &RedisConfig,
    pool: &Pool,
    batch: &[Publication],
    shares: BTreeMap<Option<Address>, Vec<usize>>,
) -> Vec<(usize, Taken)> {
    let sending = shares.into_iter().map(|(to, places)| async move {
        let mut taken = Vec::with_capacity(places.len());
        for part in places.chunks(PIPELINE) {
            let to = match &to {
                Some(to) => pool.at(to),
                None => pool.of(&batch[part[0]].topic),
            };
            let items: Vec<_> = part.iter().map(|place| &batch[*place]).collect();
            let answers = send(config, to, &items).await;
            taken.extend(part.iter().copied().zip(answers));
        }
        taken
    });
    join_all(sending).await.into_iter().flatten().collect()
}

async fn send(config: &RedisConfig, to: State, items: &[&Publication]) -> Vec<Taken> {
    let all = |error: &BrokerError| {
        let failed = |_| Taken::Answered(Err(error.clone()));
        items.iter().map(failed).collect()
    };
    let mut connected = match to {
        Ok(connected) => connected,
        Err(error) => return all(&error),
    };
    let mut pipeline = redis::Pipeline::with_capacity(items.len());
    pipeline.ignore_errors();
    for publication in items {
        pipeline.add_command(command(config, &connected, publication));
    }
    let before = Instant::now();
    let answers: RedisResult<Vec<RedisResult<Value>>> =
        pipeline.query_async(&mut connected.connection).await;
    match answers {
        Ok(answers) => items
            .iter()
            .zip(answers)
            .map(|(publication, answer)| match answer {
                Ok(value) => Taken::Answered(Ok(published(config, publication, &value))),
                Err(error) => match moved_to(&error) {
                    Some(to) => Taken::Moved(to),
                    None => Taken::Answered(Err(connected.failed(&error, before.elapsed()))),
                },
            })
            .collect(),
        Err(error) => all(&connected.failed(&error, before.elapsed())),
    }
}

/// Where a node says that the slot of a command is now.
pub(crate) fn moved_to(error: &RedisError) -> Option<Address> {
    if error.code() != Some("MOVED") {
        return None;
    }
    let (address, _) = error.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    Some(Address::new(host, port.parse().ok()?))
}

fn command(config: &RedisConfig, connected: &Connected, publication: &Publication) -> Cmd {
    let channel = config.channel(&publication.topic);
    let publish = || redis::cmd(config.publish_command());
    let mut command;
    match config.framing {
        Framing::Plain => {
            command = publish();
            command.arg(&channel[..]).arg(&publication.payload[..]);
        }
        Framing::Positioned if publication.log => {
            command = connected.scripts.appending(config, publication);
        }
        Framing::Positioned => {
            let mut message = Vec::with_capacity(publication.payload.len() + 1);
            message.push(framing::LIVE);
            message.extend_from_slice(&publication.payload);
            command = publish();
            command.arg(&channel[..]).arg(message);
        }
    }
    command
}

/// What the answer of the script, or of the command that publishes, tells.
fn published(config: &RedisConfig, publication: &Publication, answer: &Value) -> Published {
    if !publication.log || config.framing == Framing::Plain {
        return Published {
            position: None,
            duplicate: false,
        };
    }
    let id: Option<String> = redis::from_redis_value_ref(answer).ok();
    Published {
        position: id.and_then(|id| framing::position(&id)),
        duplicate: *answer == Value::Nil,
    }
}

fn oversize(publication: &Publication) -> Option<Answer> {
    let size = publication.payload.len();
    let max = MAX_PAYLOAD;
    (size > max).then_some(Err(BrokerError::TooLarge { size, max }))
}
