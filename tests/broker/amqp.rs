//! Around RabbitMQ.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesahub_broker::LogBounds;
use mesahub_broker::conformance::Fault;
use mesahub_test_servers::{RabbitOptions, RabbitServer};

use crate::servers::{BOUNDS, Served, backplane};
use crate::support::every_wrapper_keeps_every_promise;

/// One for all wrappers, which are proven one after the other: it is slow to start.
#[derive(Clone)]
struct Server(Arc<RabbitServer>);

#[async_trait]
impl Fault for Server {
    async fn stop(&self) {
        self.0.stop().await.unwrap();
    }

    async fn start(&self) {
        self.0.restart().await.unwrap();
    }
}

#[tokio::test]
async fn around_rabbitmq_every_wrapper_keeps_every_promise() {
    let server = RabbitServer::start(RabbitOptions::default()).await.unwrap();
    let address = format!("amqp://{}:{}", server.host(), server.port());
    let server = Server(Arc::new(server));
    every_wrapper_keeps_every_promise(async || Served {
        backplane: backplane("Amqp", &address),
        server: server.clone(),
        // Its logs survive a restart, which takes longer than the others' entries live.
        bounds: LogBounds {
            max_age: Duration::from_secs(40),
            ..BOUNDS
        },
    })
    .await;
}
