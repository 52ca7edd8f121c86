//! NATS, against the crate `async-nats` on one connection.

use std::collections::HashMap;
use std::sync::Arc;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, Context, stream};
use async_nats::{Client as NatsClient, Subscriber};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::select_all;
use mesahub_broker::{Broker, Topic};
use mesahub_nats::{Address, LogConfig, NatsBroker, NatsConfig};
use mesahub_test_servers::{NatsOptions, NatsServer};
use tokio::sync::Mutex;

use crate::client::{Client, Ours};
use crate::stage::{Stage, bounds};

/// The stream of the bare client's logs.
const STREAM: &str = "floor";

/// A private NATS with JetStream.
pub(crate) struct Nats(NatsServer);

struct Bare {
    client: NatsClient,
    /// Where it tells itself something behind what it has sent, each used by one caller at a time.
    echoes: Mutex<Vec<(String, Subscriber)>>,
    logs: Context,
    subscribers: Mutex<HashMap<Topic, Subscriber>>,
}

#[async_trait]
impl Stage for Nats {
    const NAME: &'static str = "nats";
    const FLOOR: &'static str = "the crate async-nats";

    async fn start() -> Self {
        let server = NatsServer::start(NatsOptions::default()).await;
        let nats = Self(server.expect("a NATS of its own"));
        let logs = jetstream::new(nats.connect().await);
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec!["log.>".to_owned()],
            max_messages_per_subject: i64::try_from(bounds().max_count).expect("it is small"),
            ..stream::Config::default()
        };
        logs.create_stream(config).await.expect("it is running");
        nats
    }

    async fn ours(&self) -> Box<dyn Client> {
        let address = Address::new(self.0.host(), self.0.port());
        let log = LogConfig {
            bounds: bounds(),
            ..LogConfig::default()
        };
        let config = NatsConfig {
            log: Some(log),
            ..NatsConfig::new(vec![address])
        };
        Ours::open(async |inbox| {
            let broker = NatsBroker::open(config, inbox).await;
            Arc::new(broker.expect("it is running")) as Arc<dyn Broker>
        })
        .await
    }

    async fn bare(&self) -> Box<dyn Client> {
        let client = self.connect().await;
        Box::new(Bare {
            echoes: Mutex::default(),
            logs: jetstream::new(client.clone()),
            client,
            subscribers: Mutex::default(),
        })
    }
}

impl Nats {
    async fn connect(&self) -> NatsClient {
        let url = format!("nats://{}:{}", self.0.host(), self.0.port());
        async_nats::connect(url).await.expect("it is running")
    }
}

impl Bare {
    /// Waits until the server has taken everything, which a flush of the client's does not tell: it
    /// fills the socket.
    async fn settle(&self) {
        let free = self.echoes.lock().await.pop();
        let (inbox, mut echo) = match free {
            Some(echo) => echo,
            None => {
                let inbox = self.client.new_inbox();
                let echo = self.client.subscribe(inbox.clone()).await;
                (inbox, echo.expect("it is connected"))
            }
        };
        let published = self.client.publish(inbox.clone(), Bytes::new()).await;
        published.expect("it is connected");
        self.client.flush().await.expect("it is connected");
        echo.next().await.expect("it is connected");
        self.echoes.lock().await.push((inbox, echo));
    }
}

#[async_trait]
impl Client for Bare {
    async fn publish(&self, topic: &Topic, payload: &Bytes, count: usize) {
        for _ in 0..count {
            let subject = topic.as_str().to_owned();
            let published = self.client.publish(subject, payload.clone()).await;
            published.expect("it is connected");
        }
        self.settle().await;
    }

    async fn subscribe(&self, topics: &[Topic]) {
        let mut subscribers = self.subscribers.lock().await;
        for topic in topics {
            let subscriber = self.client.subscribe(topic.as_str().to_owned()).await;
            subscribers.insert(topic.clone(), subscriber.expect("it is connected"));
        }
        self.settle().await;
    }

    async fn unsubscribe(&self, topics: &[Topic]) {
        let mut subscribers = self.subscribers.lock().await;
        for topic in topics {
            if let Some(mut subscriber) = subscribers.remove(topic) {
                subscriber.unsubscribe().await.expect("it is connected");
            }
        }
        self.settle().await;
    }

    async fn receive(&self, count: usize) {
        let mut subscribers = self.subscribers.lock().await;
        let mut messages = select_all(subscribers.values_mut());
        for _ in 0..count {
            messages.next().await.expect("it is connected");
        }
    }

    async fn append(&self, topic: &Topic, payload: &Bytes, count: usize) {
        let mut acknowledgements = Vec::with_capacity(count);
        for _ in 0..count {
            let published = self.logs.publish(format!("log.{topic}"), payload.clone());
            acknowledgements.push(published.await.expect("it is connected"));
        }
        for acknowledgement in acknowledgements {
            acknowledgement.await.expect("the stream has room");
        }
    }

    async fn read(&self, topic: &Topic, count: usize) -> usize {
        let stream = self.logs.get_stream_no_info(STREAM).await;
        let stream = stream.expect("it is there");
        let config = pull::Config {
            filter_subject: format!("log.{topic}"),
            ack_policy: AckPolicy::None,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await;
        let consumer = consumer.expect("the stream is there");
        let messages = consumer.fetch().max_messages(count).messages().await;
        let read = messages.expect("it is connected").count().await;
        let name = &consumer.cached_info().name;
        stream.delete_consumer(name).await.expect("it is there");
        read
    }
}
