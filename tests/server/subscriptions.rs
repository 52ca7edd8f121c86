//! What the broker is told of groups: of the first member on a node and of the last, and nothing
//! between.

use std::sync::Arc;
use std::task::Poll;

use futures_util::poll;
use mesahub::broker::{Metered, Meters};
use mesahub::hub::GroupError;
use mesahub_broker::{Broker, Topic};
use mesahub_memory::{MemoryBroker, MemoryConfig};

use crate::support::{Client, Gated, Plan, Server, becomes, within};

const GROUP: &str = "kitchen";

struct Watched {
    server: Server,
    broker: Arc<Gated>,
    meters: Arc<Meters>,
}

impl Watched {
    async fn start() -> Self {
        let mut parts = None;
        let server = Plan::default()
            .start_on(|inbox| {
                let memory = MemoryBroker::new(MemoryConfig::default(), inbox);
                let gated = Arc::new(Gated::new(memory));
                let metered = Metered::new(Arc::clone(&gated));
                parts = Some((gated, Arc::clone(metered.meters())));
                Arc::new(metered)
            })
            .await;
        let (broker, meters) = parts.unwrap();
        Self {
            server,
            broker,
            meters,
        }
    }

    fn told(&self) -> (u64, u64) {
        let meters = &self.meters;
        (meters.subscribed.value(), meters.unsubscribed.value())
    }

    async fn heard(&self) -> u64 {
        let topic = format!("{}:group:{GROUP}", self.server.hub.name());
        let topic = Topic::new(topic).unwrap();
        self.broker.subscriber_count(&topic).await.unwrap()
    }

    /// Waits until nobody is subscribed.
    async fn is_heard_no_more(&self) {
        within("the subscription to be given up", async {
            while self.heard().await > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn the_first_member_subscribes_and_the_last_unsubscribes() {
    let watched = Watched::start().await;
    let hub = &watched.server.hub;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Client::connect(&watched.server).await);
    }
    let (subscribed, unsubscribed) = watched.told();
    for client in &clients {
        hub.add_to_group(client.id, GROUP).await.unwrap();
    }
    assert_eq!(watched.told(), (subscribed + 1, unsubscribed));
    for client in &clients[1..] {
        hub.remove_from_group(client.id, GROUP).unwrap();
    }
    // Whatever was to be told is told before this.
    hub.add_to_group(clients[0].id, "bar").await.unwrap();
    assert_eq!(watched.told(), (subscribed + 2, unsubscribed));
    assert_eq!(watched.heard().await, 1);
    hub.remove_from_group(clients[0].id, GROUP).unwrap();
    watched.is_heard_no_more().await;
    becomes("the call to be counted", || {
        watched.told() == (subscribed + 2, unsubscribed + 1)
    })
    .await;
}

#[tokio::test]
async fn joining_what_the_node_hears_waits_for_no_broker() {
    let watched = Watched::start().await;
    let hub = &watched.server.hub;
    let (first, second) = (
        Client::connect(&watched.server).await,
        Client::connect(&watched.server).await,
    );
    hub.add_to_group(first.id, GROUP).await.unwrap();
    watched.broker.close_gate();
    let joined = hub.add_to_group(second.id, GROUP);
    within("a join to what is heard", joined).await.unwrap();
    let mut new = std::pin::pin!(hub.add_to_group(second.id, "bar"));
    assert!(poll!(new.as_mut()).is_pending());
    watched.broker.open_gate();
    within("a join to what is not", new).await.unwrap();
}

#[tokio::test]
async fn joining_twice_at_once_waits_twice() {
    let watched = Watched::start().await;
    let hub = &watched.server.hub;
    let client = Client::connect(&watched.server).await;
    watched.broker.close_gate();
    let mut once = std::pin::pin!(hub.add_to_group(client.id, GROUP));
    let mut twice = std::pin::pin!(hub.add_to_group(client.id, GROUP));
    assert!(poll!(once.as_mut()).is_pending());
    assert!(poll!(twice.as_mut()).is_pending(), "nothing is heard yet");
    watched.broker.open_gate();
    within("both joins", async {
        once.await.unwrap();
        twice.await.unwrap();
    })
    .await;
    assert_eq!((hub.group_count(GROUP), watched.heard().await), (1, 1));
}

#[tokio::test]
async fn a_join_whose_answer_was_lost_is_taken_back_everywhere() {
    let watched = Watched::start().await;
    let hub = &watched.server.hub;
    let mut client = Client::connect(&watched.server).await;
    watched.broker.lie_once();
    let refused = hub.add_to_group(client.id, GROUP).await;
    assert!(
        matches!(refused, Err(GroupError::Subscribe(_))),
        "{refused:?}"
    );
    assert_eq!(hub.group_count(GROUP), 0);
    watched.is_heard_no_more().await;
    hub.add_to_group(client.id, GROUP).await.unwrap();
    let kitchen = hub.clients().group(GROUP);
    kitchen.send("Heard", &["order"]).await.unwrap();
    client.hears("order").await;
}

#[tokio::test]
async fn a_join_again_survives_that_the_first_was_refused() {
    let watched = Watched::start().await;
    let hub = &watched.server.hub;
    let mut client = Client::connect(&watched.server).await;
    watched.broker.lie_once();
    let mut refused = std::pin::pin!(hub.add_to_group(client.id, GROUP));
    assert!(poll!(refused.as_mut()).is_pending());
    becomes("the refusal", || hub.group_count(GROUP) == 0).await;
    // Whoever asked first has not looked at the answer yet.
    let again = hub.add_to_group(client.id, GROUP);
    within("the second join", again).await.unwrap();
    let Poll::Ready(Err(GroupError::Subscribe(_))) = poll!(refused.as_mut()) else {
        panic!("the first join was refused");
    };
    let kitchen = hub.clients().group(GROUP);
    kitchen.send("Heard", &["order"]).await.unwrap();
    client.hears("order").await;
    drop(client);
    watched.server.counts(0).await;
    assert_eq!(hub.group_count(GROUP), 0);
    watched.is_heard_no_more().await;
}
