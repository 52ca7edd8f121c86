//! Around RabbitMQ.

use std::time::Duration;

use async_trait::async_trait;
use mesahub_broker::LogBounds;
use mesahub_broker::conformance::Fault;
use mesahub_test_servers::{RabbitOptions, RabbitServer};
use tokio::runtime::Runtime;

use crate::history::answers_like_a_list;
use crate::servers::{BOUNDS, Served, backplane, history};
use crate::support::the_wrappers_keep_every_promise;

struct Server(RabbitServer);

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
async fn around_rabbitmq_the_wrappers_keep_every_promise() {
    let server = RabbitServer::start(RabbitOptions::default()).await.unwrap();
    let address = format!("amqp://{}:{}", server.host(), server.port());
    let served = Served {
        backplane: backplane("Amqp", &address),
        server: Server(server),
        // Its logs survive a restart, which takes longer than the others' entries live.
        bounds: LogBounds {
            max_age: Duration::from_secs(60),
            ..BOUNDS
        },
    };
    the_wrappers_keep_every_promise(served, &["log: true"]).await;
}

#[test]
fn a_log_on_rabbitmq_answers_like_a_list() {
    let runtime = Runtime::new().unwrap();
    let server = RabbitServer::start(RabbitOptions::default());
    let server = runtime.block_on(server).unwrap();
    let address = format!("amqp://{}:{}", server.host(), server.port());
    let history = runtime.block_on(history(&backplane("Amqp", &address)));
    answers_like_a_list(&runtime, &history);
}
