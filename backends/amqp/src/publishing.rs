//! Publishing a batch: everything is sent at once, and confirmed as it comes.

use lapin::types::ShortString;
use lapin::{Confirmation, PublisherConfirm};
use mesahub_broker::{BrokerError, MAX_PAYLOAD, Publication, Published};
use tokio::time::{Instant, timeout_at};

use crate::framing::{Frame, Origin};
use crate::logs::now;
use crate::member::Member;
use crate::names::key;
use crate::outgoing::Outgoing;
use crate::routes::Route;
use crate::waiting::Awaited;

/// Items of a batch that are on their way at once.
const WINDOW: usize = 256;

type Answer = Result<Published, BrokerError>;

/// An item that was sent.
struct Sent<'a> {
    confirm: PublisherConfirm,
    /// For what is kept: its place in the log.
    echo: Option<Awaited<'a, Published>>,
}

/// Publishes a batch.
pub(crate) async fn publish(member: &Member, batch: &[Publication]) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(batch.len());
    for part in batch.chunks(WINDOW) {
        publish_part(member, part, &mut answers).await;
    }
    answers
}

async fn publish_part(member: &Member, part: &[Publication], answers: &mut Vec<Answer>) {
    let outgoing = match ready(member) {
        Ok(outgoing) => outgoing,
        Err(error) => {
            let refused = |one| Err(oversize(one).unwrap_or_else(|| error.clone()));
            return answers.extend(part.iter().map(refused));
        }
    };
    let fitting: Vec<_> = part.iter().filter(|one| oversize(one).is_none()).collect();
    let plan = member.routes.plan(&fitting).await;
    let patience = Patience::new(member, &outgoing);
    let mut sent = Vec::with_capacity(fitting.len());
    for (publication, route) in fitting.into_iter().zip(&plan.routes) {
        let sending = send(member, &outgoing, publication, *route);
        sent.push(patience.wait(sending).await);
    }
    let under_way = plan.sent();
    let mut confirmed = Vec::with_capacity(sent.len());
    for sent in sent {
        confirmed.push(match sent {
            Ok(sent) => confirm(&patience, sent).await,
            Err(error) => Err(error),
        });
    }
    drop(under_way);
    let mut confirmed = confirmed.into_iter();
    for publication in part {
        let answer = match oversize(publication) {
            Some(error) => Err(error),
            None => confirmed.next().unwrap_or(Err(BrokerError::Closed)),
        };
        answers.push(match answer {
            Ok(None) => Ok(Published {
                position: None,
                duplicate: false,
            }),
            Ok(Some(echo)) => placed(member, echo).await,
            Err(error) => Err(error),
        });
    }
}

/// What to send with. A node that cannot receive publishes nothing: it would miss its own.
fn ready(member: &Member) -> Result<Outgoing, BrokerError> {
    let outgoing = member.outgoing()?;
    outgoing.ready()?;
    member.incoming().map(|_| outgoing)
}

/// Hands an item over to the connection.
async fn send<'a>(
    member: &'a Member,
    outgoing: &Outgoing,
    publication: &Publication,
    route: Route,
) -> Result<Sent<'a>, BrokerError> {
    let (topic, payload) = (publication.topic.as_str(), publication.payload.clone());
    let switched = match route {
        Route::Exchange => {
            let frame = Frame::Live { topic, payload };
            let (exchange, key) = (&member.names.exchange, key(&publication.topic));
            let confirm = outgoing.publish(exchange, key, &frame).await?;
            let echo = None;
            return Ok(Sent { confirm, echo });
        }
        Route::Stream { switched } => switched,
    };
    let echo = publication.log.then(|| member.echoes.expect());
    let origin = Origin {
        node: member.id,
        number: echo.as_ref().map_or(0, |echo| echo.number),
        at: now(),
        kept: publication.log,
        switched,
    };
    let frame = Frame::Item {
        origin,
        topic,
        payload,
    };
    let (exchange, key) = (ShortString::default(), member.names.log.clone());
    let once = publication.once.filter(|_| publication.log);
    let confirm = outgoing.keep(&exchange, key, &frame, once).await?;
    Ok(Sent { confirm, echo })
}

/// Waits until RabbitMQ has taken an item. What is kept is then still to be read back.
async fn confirm<'a>(
    patience: &Patience<'_>,
    sent: Sent<'a>,
) -> Result<Option<Awaited<'a, Published>>, BrokerError> {
    let confirming = async {
        let confirmed = sent.confirm.await;
        confirmed.map_err(|error| patience.failed(error))
    };
    match patience.wait(confirming).await? {
        Confirmation::Ack(None) | Confirmation::NotRequested => Ok(sent.echo),
        Confirmation::Ack(Some(_)) => Err(BrokerError::unavailable(
            "the stream of the logs is not there",
        )),
        Confirmation::Nack(_) => Err(BrokerError::unavailable(
            "RabbitMQ could not take the message",
        )),
    }
}

/// Waits until an item was read back, which tells its place, or that it was left out.
async fn placed(member: &Member, mut echo: Awaited<'_, Published>) -> Answer {
    let since = Instant::now();
    match member.patiently(echo.come()).await? {
        Ok(published) => Ok(published),
        // It is in the log; only its place is not known here.
        Err(_) => Err(BrokerError::Timeout {
            after: since.elapsed(),
        }),
    }
}

/// How long the items of one part are waited for together.
struct Patience<'a> {
    outgoing: &'a Outgoing,
    since: Instant,
    deadline: Instant,
}

impl<'a> Patience<'a> {
    fn new(member: &Member, outgoing: &'a Outgoing) -> Self {
        let since = Instant::now();
        Self {
            outgoing,
            since,
            deadline: since + member.config.response_timeout,
        }
    }

    /// Waits until the deadline, or until RabbitMQ says that it reads nothing. Whether it has
    /// taken what is on its way is not known then.
    async fn wait<T>(
        &self,
        future: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        let waiting = timeout_at(self.deadline, future);
        let waited = tokio::select! {
            biased;
            waited = waiting => waited.ok(),
            () = self.outgoing.blocked() => None,
        };
        waited.unwrap_or(Err(BrokerError::Timeout {
            after: self.since.elapsed(),
        }))
    }

    /// What became of an item that was on its way when the connection failed.
    fn failed(&self, error: lapin::Error) -> BrokerError {
        match self.outgoing.failed(error) {
            BrokerError::Unavailable { .. } => BrokerError::Timeout {
                after: self.since.elapsed(),
            },
            refused => refused,
        }
    }
}

fn oversize(publication: &Publication) -> Option<BrokerError> {
    let size = publication.payload.len();
    let max = MAX_PAYLOAD;
    (size > max).then_some(BrokerError::TooLarge { size, max })
}
