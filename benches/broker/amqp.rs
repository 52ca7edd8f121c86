//! RabbitMQ, against the crate `lapin` on one connection.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind};
use mesahub_amqp::{Address, AmqpBroker, AmqpConfig};
use mesahub_broker::{Broker, Topic};
use mesahub_test_servers::{RabbitOptions, RabbitServer};
use tokio::sync::Mutex;

use crate::client::{Client, Ours};
use crate::stage::{Stage, bounds};

/// The exchange of the bare client.
const EXCHANGE: &str = "floor";

/// Messages that RabbitMQ sends ahead of what was taken.
const AHEAD: u16 = 1_000;

/// A private RabbitMQ.
pub(crate) struct Amqp(RabbitServer);

struct Bare {
    connection: Connection,
    channel: Channel,
    queue: ShortString,
    consumer: Mutex<Consumer>,
}

#[async_trait]
impl Stage for Amqp {
    const NAME: &'static str = "amqp";
    const FLOOR: &'static str = "the crate lapin";

    async fn start() -> Self {
        let server = RabbitServer::start(RabbitOptions::default()).await;
        Self(server.expect("a RabbitMQ of its own"))
    }

    async fn ours(&self) -> Box<dyn Client> {
        let address = Address {
            host: self.0.host().to_owned(),
            port: self.0.port(),
        };
        let config = AmqpConfig {
            log: bounds(),
            ..AmqpConfig::new(vec![address])
        };
        Ours::open(async |inbox| {
            let broker = AmqpBroker::open(config, inbox).await;
            Arc::new(broker.expect("it is running")) as Arc<dyn Broker>
        })
        .await
    }

    async fn bare(&self) -> Box<dyn Client> {
        let url = format!("amqp://{}:{}", self.0.host(), self.0.port());
        let opened = Bare::open(&url).await;
        Box::new(opened.expect("it is running"))
    }
}

impl Bare {
    async fn open(url: &str) -> lapin::Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        let nothing = FieldTable::default;
        let kind = ExchangeKind::Direct;
        let options = ExchangeDeclareOptions::default();
        channel
            .exchange_declare(EXCHANGE.into(), kind, options, nothing())
            .await?;
        let own = QueueDeclareOptions {
            exclusive: true,
            ..QueueDeclareOptions::default()
        };
        let declared = channel.queue_declare("".into(), own, nothing()).await?;
        let queue = declared.name().clone();
        let receiving = connection.create_channel().await?;
        receiving
            .basic_qos(AHEAD, BasicQosOptions::default())
            .await?;
        let options = BasicConsumeOptions::default();
        let consumer = receiving.basic_consume(queue.clone(), "".into(), options, nothing());
        Ok(Self {
            consumer: Mutex::new(consumer.await?),
            connection,
            channel,
            queue,
        })
    }

    async fn send(&self, exchange: &str, key: &str, payload: &Bytes, count: usize) {
        let mut confirmations = Vec::with_capacity(count);
        for _ in 0..count {
            let (options, properties) =
                (BasicPublishOptions::default(), BasicProperties::default());
            let sent = self.channel.basic_publish(
                exchange.into(),
                key.into(),
                options,
                payload,
                properties,
            );
            confirmations.push(sent.await.expect("it is connected"));
        }
        for confirmation in confirmations {
            confirmation.await.expect("it is taken");
        }
    }

    /// The stream that is a topic's log.
    async fn log(&self, topic: &Topic) -> String {
        let name = format!("log.{topic}");
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let mut arguments = FieldTable::default();
        let kind = AMQPValue::LongString("stream".into());
        arguments.insert("x-queue-type".into(), kind);
        let declared = self
            .channel
            .queue_declare((*name).into(), durable, arguments);
        declared.await.expect("it is connected");
        name
    }
}

#[async_trait]
impl Client for Bare {
    async fn publish(&self, topic: &Topic, payload: &Bytes, count: usize) {
        self.send(EXCHANGE, topic.as_str(), payload, count).await;
    }

    async fn subscribe(&self, topics: &[Topic]) {
        for topic in topics {
            let (key, options) = (topic.as_str().into(), QueueBindOptions::default());
            let nothing = FieldTable::default();
            let bound =
                self.channel
                    .queue_bind(self.queue.clone(), EXCHANGE.into(), key, options, nothing);
            bound.await.expect("it is connected");
        }
    }

    async fn unsubscribe(&self, topics: &[Topic]) {
        for topic in topics {
            let (key, nothing) = (topic.as_str().into(), FieldTable::default());
            let unbound =
                self.channel
                    .queue_unbind(self.queue.clone(), EXCHANGE.into(), key, nothing);
            unbound.await.expect("it is connected");
        }
    }

    async fn receive(&self, count: usize) {
        let mut consumer = self.consumer.lock().await;
        for _ in 0..count {
            let delivery = consumer.next().await.expect("it is connected");
            let delivery = delivery.expect("it is connected");
            let acknowledged = delivery.ack(BasicAckOptions::default()).await;
            acknowledged.expect("it is connected");
        }
    }

    async fn append(&self, topic: &Topic, payload: &Bytes, count: usize) {
        let log = self.log(topic).await;
        self.send("", &log, payload, count).await;
    }

    async fn read(&self, topic: &Topic, count: usize) -> usize {
        let log = self.log(topic).await;
        let channel = self.connection.create_channel().await;
        let channel = channel.expect("it is connected");
        let qos = channel.basic_qos(AHEAD, BasicQosOptions::default());
        qos.await.expect("it is connected");
        let mut arguments = FieldTable::default();
        let first = AMQPValue::LongString("first".into());
        arguments.insert("x-stream-offset".into(), first);
        let options = BasicConsumeOptions::default();
        let reading = channel.basic_consume((*log).into(), "reader".into(), options, arguments);
        let mut entries = reading.await.expect("the stream is there");
        for _ in 0..count {
            let delivery = entries.next().await.expect("it is connected");
            let delivery = delivery.expect("it is connected");
            let acknowledged = delivery.ack(BasicAckOptions::default()).await;
            acknowledged.expect("it is connected");
        }
        let cancelled = channel.basic_cancel("reader".into(), BasicCancelOptions::default());
        cancelled.await.expect("it is connected");
        let closed = channel.close(200, "read".into()).await;
        closed.expect("it is connected");
        count
    }
}
