//! Three processes, of which one is killed or hangs: its people are gone within its lease, and the
//! others notice nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mesahub::auth::{Role, SessionId, TokenSpec};
use mesahub::hub::Node;
use mesahub_broker::{Broker, Topic};
use serde_json::{Value, json};
use tokio::task::yield_now;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use uuid::Uuid;

use crate::client::Client;
use crate::fleet::{opened, signed, within};
use crate::process::Mesahub;

const TENANT: &str = "pizza";

/// The lease of every node, in seconds.
const LEASE: u64 = 3;

/// How much longer than the lease anything may take on a busy machine.
const SLACK: Duration = Duration::from_secs(10);

/// People of each node.
const STAFF: usize = 3;
const CUSTOMERS: usize = 3;

/// A node and its people.
struct Place {
    node: Arc<Mesahub>,
    staff: Vec<Client>,
    customers: Vec<(String, SessionId, Client)>,
}

/// Publishes without a pause until it is told to stop.
struct Publisher {
    stop: Arc<AtomicBool>,
    publishing: AbortOnDropHandle<usize>,
}

pub(crate) async fn a_killed_node_takes_its_people_with_it(provider: &str, backplane: &str) {
    let [mut doomed, one, other] = three(provider, backplane).await;
    let publisher = Publisher::start([&one, &other]);
    let (inbox, _shards) = Node::inbox();
    let broker = opened(provider, backplane, inbox).await;
    let topics: Vec<Topic> = doomed.customers.iter().flat_map(topics_of).collect();
    for topic in &topics {
        assert_eq!(broker.subscriber_count(topic).await.unwrap(), 1, "{topic}");
    }
    let killed = Instant::now();
    let node = Arc::get_mut(&mut doomed.node).expect("nobody else has it");
    node.process.kill().unwrap();
    within("the subscriptions to vanish", async {
        for topic in &topics {
            while broker.subscriber_count(topic).await.unwrap() > 0 {
                yield_now().await;
            }
        }
    })
    .await;
    println!("its subscriptions were gone after {:?}", killed.elapsed());
    are_gone(&doomed, [&one, &other], killed).await;
    publisher.end([&one, &other]).await;
    broker.close().await;
}

/// A node that hangs keeps its connection to the backplane, and with it every subscription.
pub(crate) async fn a_frozen_node_is_gone_until_it_thaws(provider: &str, backplane: &str) {
    let [doomed, one, other] = three(provider, backplane).await;
    let publisher = Publisher::start([&one, &other]);
    let frozen = Instant::now();
    doomed.node.process.freeze();
    are_gone(&doomed, [&one, &other], frozen).await;
    publisher.end([&one, &other]).await;
    doomed.node.process.thaw();
    for node in [&one.node, &other.node] {
        everybody_is_counted(node, 3 * (STAFF + CUSTOMERS)).await;
    }
}

async fn three(provider: &str, backplane: &str) -> [Place; 3] {
    let mut places = Vec::new();
    for number in 0..3 {
        let node = Arc::new(Mesahub::start(provider, backplane, LEASE).await);
        let (mut staff, mut customers) = (Vec::new(), Vec::new());
        for place in 0..STAFF {
            let token = token(&format!("staff-{number}-{place}"), Role::Staff, None);
            staff.push(Client::connect(node.address, &token).await);
        }
        for place in 0..CUSTOMERS {
            let name = format!("customer-{number}-{place}");
            let session = SessionId::from(Uuid::now_v7());
            let token = token(&name, Role::Customer, Some(session));
            let client = Client::connect(node.address, &token).await;
            customers.push((name, session, client));
        }
        places.push(Place {
            node,
            staff,
            customers,
        });
    }
    for place in &places {
        everybody_is_counted(&place.node, 3 * (STAFF + CUSTOMERS)).await;
    }
    let places = <[Place; 3]>::try_from(places);
    places.unwrap_or_else(|_| unreachable!("there are three"))
}

fn token(user: &str, role: Role, session: Option<SessionId>) -> String {
    signed(&TokenSpec {
        tenant: Some(TENANT.parse().unwrap()),
        user: Some(user.parse().unwrap()),
        roles: vec![role],
        session,
        ..TokenSpec::default()
    })
}

/// What a customer's node alone listens to.
fn topics_of((name, session, _): &(String, SessionId, Client)) -> [Topic; 2] {
    let user = format!("notifications:user:{TENANT}:{name}");
    let session = format!("notifications:group:session:{session}");
    [user, session].map(|topic| Topic::new(topic).unwrap())
}

async fn everybody_is_counted(node: &Mesahub, people: usize) {
    within("everybody to be counted", async {
        while node.count(TENANT).await != people as u64 {
            yield_now().await;
        }
    })
    .await;
}

/// Waits until nobody of a node is there for the others, which must not take longer than its
/// lease.
async fn are_gone(doomed: &Place, others: [&Place; 2], since: Instant) {
    for place in others {
        everybody_is_counted(&place.node, 2 * (STAFF + CUSTOMERS)).await;
        for (name, _, _) in &doomed.customers {
            within("a customer to be gone", async {
                while place.node.is_online(TENANT, name).await {
                    yield_now().await;
                }
            })
            .await;
        }
    }
    let took = since.elapsed();
    println!("its people were gone after {took:?}, with a lease of {LEASE} s");
    assert!(took < Duration::from_secs(LEASE) + SLACK, "{took:?}");
    for place in others {
        for (name, _, _) in &place.customers {
            assert!(place.node.is_online(TENANT, name).await, "{name} is there");
        }
    }
}

impl Publisher {
    fn start(places: [&Place; 2]) -> Self {
        let nodes = places.map(|place| Arc::clone(&place.node));
        let stop = Arc::<AtomicBool>::default();
        let told = Arc::clone(&stop);
        let publishing = TaskTracker::new().spawn(async move {
            let mut number = 0;
            while !told.load(Ordering::SeqCst) {
                nodes[number % 2].publish(&event(number)).await;
                number += 1;
            }
            number
        });
        Self {
            stop,
            publishing: AbortOnDropHandle::new(publishing),
        }
    }

    /// Stops, and waits until everybody of these nodes has everything, once, and in the order of
    /// each publishing node.
    async fn end(self, places: [&Place; 2]) {
        self.stop.store(true, Ordering::SeqCst);
        let count = within("the publisher to stop", self.publishing)
            .await
            .unwrap();
        assert!(count > 10, "only {count} were published");
        for client in places.iter().flat_map(|place| &place.staff) {
            let all = client.until_heard(|heard| (heard.len() >= count).then(|| heard.to_vec()));
            let heard = within("what was published", all).await;
            let numbers: Vec<usize> = heard.iter().map(number_of).collect();
            for publisher in 0..2 {
                let of_it = numbers.iter().filter(|number| *number % 2 == publisher);
                let expected = (0..count).filter(|number| number % 2 == publisher);
                assert!(of_it.copied().eq(expected), "{numbers:?}");
            }
        }
        println!("{count} notifications reached everybody else, once and in order");
    }
}

fn event(number: usize) -> Value {
    json!({
        "type": "TableStatusChanged", "tenantKey": TENANT,
        "tableId": Uuid::nil(), "isOccupied": true,
        "metadata": {"number": number.to_string()},
    })
}

fn number_of(notification: &Value) -> usize {
    let number = notification["metadata"]["number"].as_str().unwrap();
    number.parse().unwrap()
}
