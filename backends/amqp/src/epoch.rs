//! Which life of the log this is.
//!
//! A RabbitMQ that has lost its disk begins its streams at zero again, and a position from before
//! would mean another place. So a small stream that is never cut tells the life: whoever finds it
//! empty proposes one, and what stands first in it is valid for all.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, ShortString};
use lapin::{BasicProperties, Connection};
use tokio::time::timeout;

use crate::declare::table;
use crate::error::LinkError;
use crate::intake::Intake;
use crate::logs::now;
use crate::names::Names;

/// How long the stream is taken for empty after.
const EMPTY: Duration = Duration::from_millis(200);

/// Reads the life of the log, or begins one.
pub(crate) async fn read(
    connection: &Connection,
    names: &Names,
    patience: Duration,
) -> Result<u64, LinkError> {
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let name = &names.epoch;
    let kind = AMQPValue::LongString("stream".into());
    let arguments = table([("x-queue-type", kind)]);
    channel
        .queue_declare(name.clone(), durable, arguments)
        .await?;
    let first = table([("x-stream-offset", AMQPValue::LongString("first".into()))]);
    let proposing = channel.clone();
    let mut intake = Intake::open(channel, name.clone(), 1, first).await?;
    let mut next = Box::pin(intake.next());
    let told = match timeout(EMPTY, next.as_mut()).await {
        Ok(told) => told?,
        Err(_) => {
            let (exchange, properties) = (ShortString::default(), BasicProperties::default());
            let (options, proposal) = (BasicPublishOptions::default(), now().to_be_bytes());
            proposing
                .basic_publish(exchange, name.clone(), options, &proposal, properties)
                .await?;
            match timeout(patience, next).await {
                Ok(told) => told?,
                Err(_) => return Err(LinkError::Silent(name.to_string(), patience)),
            }
        }
    };
    proposing.close(200, "read".into()).await?;
    let epoch = told.data.as_slice().try_into();
    epoch
        .map(u64::from_be_bytes)
        .map_err(|_| LinkError::Unreadable(name.to_string()))
}
