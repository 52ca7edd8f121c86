//! What there has to be at RabbitMQ.
//!
//! The exchange and the streams stay; they hold nothing of one node alone. A node's queues are
//! exclusive: RabbitMQ deletes them with the connection, and their bindings with them.

use lapin::options::{
    BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Consumer, ExchangeKind};

use crate::error::LinkError;
use crate::member::Member;
use crate::names::{EVERYONE, Names};

/// What the stream keeps on disk; it drops the oldest segments beyond. A constant, since RabbitMQ
/// refuses to declare a stream that is there already with another value; a policy can lower it.
const STREAM_BYTES: i64 = 1 << 30;

/// The size of a segment, which is dropped as a whole.
const SEGMENT_BYTES: i64 = 64 << 20;

/// Questions, answers and notices that may wait for a node, in number and bytes; the oldest are
/// dropped beyond, and whoever asked runs into a timeout.
const CONTROL_MESSAGES: i64 = 10_000;
const CONTROL_BYTES: i64 = 8 << 20;

/// How long the queue that all nodes consume from outlives the last of them, in milliseconds. Not
/// at all would be too short: it must not go while another node begins.
const UNUSED: i64 = 60_000;

/// Declares everything, and gives the names of this node's queue and of its queue for questions.
pub(crate) async fn all(
    channel: &Channel,
    member: &Member,
    session: u64,
) -> Result<(ShortString, ShortString), LinkError> {
    let names = &member.names;
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let (exchange, direct) = (names.exchange.clone(), ExchangeKind::Direct);
    channel
        .exchange_declare(exchange.clone(), direct, durable, FieldTable::default())
        .await?;
    stream(channel, &names.log).await?;
    let expires = table([("x-expires", AMQPValue::LongLongInt(UNUSED))]);
    let shared = QueueDeclareOptions::default();
    channel
        .queue_declare(names.nodes.clone(), shared, expires)
        .await?;

    let own = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let control = names.control(member.id, session);
    let bounds = table([
        ("x-max-length", AMQPValue::LongLongInt(CONTROL_MESSAGES)),
        ("x-max-length-bytes", AMQPValue::LongLongInt(CONTROL_BYTES)),
    ]);
    channel.queue_declare(control.clone(), own, bounds).await?;
    let (key, options) = (EVERYONE.into(), QueueBindOptions::default());
    channel
        .queue_bind(
            control.clone(),
            exchange,
            key,
            options,
            FieldTable::default(),
        )
        .await?;

    // What is dropped goes to the other queue, so that nothing is lost in silence.
    let queue = names.queue(member.id, session);
    let bytes = member.config.queue_bytes.into();
    let bounds = table([
        ("x-max-length-bytes", AMQPValue::LongLongInt(bytes)),
        ("x-overflow", text("drop-head")),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(control.as_str())),
    ]);
    channel.queue_declare(queue.clone(), own, bounds).await?;
    Ok((queue, control))
}

/// Declares a stream.
pub(crate) async fn stream(channel: &Channel, name: &ShortString) -> Result<(), LinkError> {
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let arguments = table([
        ("x-queue-type", text("stream")),
        ("x-max-length-bytes", AMQPValue::LongLongInt(STREAM_BYTES)),
        (
            "x-stream-max-segment-size-bytes",
            AMQPValue::LongLongInt(SEGMENT_BYTES),
        ),
    ]);
    channel
        .queue_declare(name.clone(), durable, arguments)
        .await?;
    Ok(())
}

/// Consumes from the queue whose consumers are counted, for as long as the answer lives. Nothing
/// ever comes by it.
pub(crate) async fn be_counted(channel: &Channel, names: &Names) -> Result<Consumer, LinkError> {
    let (queue, tag) = (names.nodes.clone(), ShortString::default());
    let options = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    let consuming = channel.basic_consume(queue, tag, options, FieldTable::default());
    Ok(consuming.await?)
}

pub(crate) fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(name.into(), value);
    }
    table
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}
