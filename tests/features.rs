//! The table of promises in `features.md` is what the backends themselves declare.

use std::sync::Arc;

use mesahub_broker::{Broker, Capabilities, Inbox};
use mesahub_memory::{MemoryBroker, MemoryConfig};

#[cfg(all(feature = "redis", feature = "nats", feature = "amqp"))]
#[tokio::test]
async fn the_table_of_promises_is_what_the_backends_declare() {
    use mesahub_amqp::{AmqpBroker, AmqpConfig};
    use mesahub_nats::{NatsBroker, NatsConfig};
    use mesahub_redis::{Address, Deployment, RedisBroker, RedisConfig};
    use mesahub_test_servers::{
        NatsOptions, NatsServer, RabbitOptions, RabbitServer, RedisOptions, RedisServer,
    };

    let (inbox, _shards) = Inbox::new(1, 1);
    let memory: Arc<dyn Broker> =
        Arc::new(MemoryBroker::new(MemoryConfig::default(), inbox.clone()));
    let server = RedisServer::start(RedisOptions::default())
        .await
        .expect("a server");
    let address = Address::new("127.0.0.1", server.port());
    let config = RedisConfig::new(Deployment::Single(address));
    let redis = RedisBroker::open(config, inbox.clone())
        .await
        .expect("a broker");
    let server = NatsServer::start(NatsOptions::default())
        .await
        .expect("a server");
    let address = mesahub_nats::Address::new(server.host(), server.port());
    let config = NatsConfig::new(vec![address]);
    let nats = NatsBroker::open(config, inbox.clone())
        .await
        .expect("a broker");
    let rabbit = RabbitServer::start(RabbitOptions::default())
        .await
        .expect("a server");
    let address = mesahub_amqp::Address::new(rabbit.host(), rabbit.port());
    let config = AmqpConfig::new(vec![address]);
    let amqp = AmqpBroker::open(config, inbox).await.expect("a broker");
    let expected = table(&[
        ("memory", memory.capabilities()),
        ("redis", redis.capabilities()),
        ("nats", nats.capabilities()),
        ("amqp", amqp.capabilities()),
    ]);
    let guide = include_str!("../features.md");
    assert!(
        guide.contains(&expected),
        "features.md must hold exactly this table:\n\n{expected}"
    );
}

fn table(backends: &[(&str, Capabilities)]) -> String {
    type Column = fn(&Capabilities) -> String;
    let rows: [(&str, Column); 6] = [
        ("a log for resume", |can| yes(can.log)),
        ("the log survives a restart of the broker", |can| {
            yes(can.log_survives_restart)
        }),
        ("a log takes what is repeated once", |can| yes(can.log)),
        ("the subscriber count is exact", |can| {
            yes(can.exact_subscriber_count)
        }),
        ("joins several processes", |can| yes(can.separate_server)),
        ("largest payload", |can| {
            format!("{} KiB", can.max_payload / 1024)
        }),
    ];
    let mut text = String::from("| promise |");
    for (name, _) in backends {
        text += &format!(" {name} |");
    }
    text += "\n| --- |";
    text += &" --- |".repeat(backends.len());
    for (promise, column) in rows {
        text += &format!("\n| {promise} |");
        for (_, can) in backends {
            text += &format!(" {} |", column(can));
        }
    }
    text + "\n"
}

fn yes(it: bool) -> String {
    if it { "yes" } else { "no" }.to_owned()
}
