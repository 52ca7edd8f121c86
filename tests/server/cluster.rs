//! Several nodes: what concerns one connection, a user or a group works from any of them.

use std::sync::Arc;
use std::time::Duration;

use mesahub::broker::Metered;
use mesahub::hub::{ConnectionId, Ending, GroupError, InvokeError, NodeOptions, SendError};
use mesahub_broker::{Gap, GapScope};
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::negotiate::{guard, token};
use crate::support::messages::{error, result};
use crate::support::{Client, Plan, Server, becomes, within};

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

/// So long that no node is lost in a test that does not mean it.
const LEASE: Duration = Duration::from_secs(600);

fn network() -> MemoryNetwork {
    MemoryNetwork::new(MemoryConfig::default())
}

/// Two nodes that know of each other.
async fn two() -> (Server, Server) {
    let network = network();
    let (one, other) = (node(&network, LEASE).await, node(&network, LEASE).await);
    for server in [&one, &other] {
        becomes("the nodes to know each other", || {
            server.hub.cluster().nodes() == 2
        })
        .await;
    }
    (one, other)
}

async fn node(network: &MemoryNetwork, lease: Duration) -> Server {
    let plan = Plan {
        network: Some(network.clone()),
        node: NodeOptions {
            lease: Some(lease),
            ..NodeOptions::default()
        },
        ..Plan::default()
    };
    plan.start().await
}

#[tokio::test]
async fn an_id_tells_which_node_has_the_connection() {
    let (one, other) = two().await;
    let (here, there) = (Client::connect(&one).await, Client::connect(&other).await);
    assert_eq!(here.id.node(), one.node.id());
    assert_eq!(there.id.node(), other.node.id());
    assert_ne!(one.node.id(), other.node.id());
}

#[tokio::test]
async fn a_message_to_a_connection_elsewhere_arrives_in_order() {
    let (one, other) = two().await;
    let mut client = Client::connect(&other).await;
    let mut bystander = Client::connect(&other).await;
    for number in 0..100 {
        let to = one.hub.clients().connection(client.id);
        to.send("Heard", &[number.to_string()]).await.unwrap();
    }
    for number in 0..100 {
        client.hears(&number.to_string()).await;
    }
    let everybody = one.hub.clients().all();
    everybody.send("Heard", &["marker"]).await.unwrap();
    bystander.hears("marker").await;
}

#[tokio::test]
async fn several_connections_on_several_nodes_are_addressed_at_once() {
    let (one, other) = two().await;
    let mut here = Client::connect(&one).await;
    let mut there = Client::connect(&other).await;
    let both = one.hub.clients().connections([here.id, there.id]);
    both.send("Heard", &["both"]).await.unwrap();
    here.hears("both").await;
    there.hears("both").await;
}

#[tokio::test]
async fn a_user_is_told_counted_and_ended_on_every_node() {
    let network = network();
    let (mut servers, mut anns) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let plan = Plan {
            authenticator: guard(),
            network: Some(network.clone()),
            node: NodeOptions {
                lease: Some(LEASE),
                ..NodeOptions::default()
            },
            ..Plan::default()
        };
        servers.push(plan.start().await);
    }
    let [one, two, three] = &servers[..] else {
        unreachable!("there are three");
    };
    for server in &servers {
        anns.push(Client::connect_as(server, Some(&token("ann"))).await);
        becomes("the nodes to know each other", || {
            server.hub.cluster().nodes() == 3
        })
        .await;
    }
    let mut bob = Client::connect_as(two, Some(&token("bob"))).await;
    for server in &servers {
        let cluster = server.hub.cluster();
        assert_eq!(cluster.user_count("pizza:ann").await.unwrap(), 3);
        assert_eq!(cluster.connection_count().await.unwrap(), 4);
        assert!(cluster.is_online("pizza:bob").await.unwrap());
        assert!(!cluster.is_online("pizza:eve").await.unwrap());
    }
    let clients = three.hub.clients();
    let user = clients.user("pizza:ann").except([anns[0].id]);
    user.send("Heard", &["but the first"]).await.unwrap();
    let all = clients.users(["pizza:ann", "pizza:bob"]);
    all.send("Heard", &["all"]).await.unwrap();
    for (number, ann) in anns.iter_mut().enumerate() {
        if number > 0 {
            ann.hears("but the first").await;
        }
        ann.hears("all").await;
    }
    bob.hears("all").await;
    let cluster = one.hub.cluster();
    let ended = cluster.disconnect_user("pizza:ann", &Ending::SentAway);
    assert_eq!(ended.await.unwrap(), 3);
    for ann in &mut anns {
        ann.is_sent_away_with("{\"type\":7,\"allowReconnect\":true}")
            .await;
    }
    for server in &servers {
        let gone = async {
            while server.hub.cluster().is_online("pizza:ann").await.unwrap() {
                tokio::task::yield_now().await;
            }
        };
        within("a user to be gone", gone).await;
    }
    assert_eq!(cluster.connection_count().await.unwrap(), 1);
}

#[tokio::test]
async fn one_connection_that_is_gone_keeps_no_other_from_its_message() {
    let (one, other) = two().await;
    let nobodies = nobodies(&one, &other).await;
    let mut here = Client::connect(&one).await;
    let (mut there, mut too) = (Client::connect(&other).await, Client::connect(&other).await);
    let all = nobodies.into_iter().chain([here.id, there.id, too.id]);
    let sent = one.hub.clients().connections(all);
    let sent = sent.send("Heard", &["all"]).await;
    assert!(matches!(sent, Err(SendError::UnknownConnection(_))));
    for client in [&mut here, &mut there, &mut too] {
        client.hears("all").await;
    }
}

#[tokio::test]
async fn a_connection_elsewhere_is_added_removed_and_excepted() {
    let (one, other) = two().await;
    let mut client = Client::connect(&other).await;
    let cluster = one.hub.cluster();
    cluster.add_to_group(client.id, "kitchen").await.unwrap();
    // Acknowledged: what is sent now reaches it.
    let kitchen = one.hub.clients().group("kitchen");
    kitchen.clone().send("Heard", &["first"]).await.unwrap();
    client.hears("first").await;
    assert_eq!(cluster.group_count("kitchen").await.unwrap(), 1);
    let others = kitchen.clone().except([client.id]);
    others.send("Heard", &["not you"]).await.unwrap();
    kitchen.clone().send("Heard", &["second"]).await.unwrap();
    client.hears("second").await;
    cluster
        .remove_from_group(client.id, "kitchen")
        .await
        .unwrap();
    assert_eq!(cluster.group_count("kitchen").await.unwrap(), 0);
    kitchen.send("Heard", &["gone"]).await.unwrap();
    let to = one.hub.clients().connection(client.id);
    to.send("Heard", &["marker"]).await.unwrap();
    client.hears("marker").await;
}

#[tokio::test]
async fn who_a_connection_is_can_be_asked_from_anywhere() {
    let (one, other) = two().await;
    let client = Client::connect(&other).await;
    let whois = one.hub.cluster().whois(client.id).await.unwrap().unwrap();
    assert_eq!(
        (whois.tenant, whois.session, whois.user),
        (None, None, None)
    );
    for nobody in nobodies(&one, &other).await {
        assert_eq!(one.hub.cluster().whois(nobody).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_connection_that_is_nowhere_is_named_whoever_asks() {
    let (one, other) = two().await;
    for nobody in nobodies(&one, &other).await {
        let cluster = one.hub.cluster();
        let added = cluster.add_to_group(nobody, "g").await;
        assert!(matches!(added, Err(GroupError::UnknownConnection(id)) if id == nobody));
        let removed = cluster.remove_from_group(nobody, "g").await;
        assert!(matches!(removed, Err(GroupError::UnknownConnection(id)) if id == nobody));
        assert!(!cluster.disconnect(nobody, Ending::Aborted).await.unwrap());
        let clients = one.hub.clients();
        let asked = clients.invoke::<i64, _>(nobody, "Value", &(), LONG).await;
        assert!(matches!(asked, Err(InvokeError::UnknownConnection(id)) if id == nobody));
    }
    let sent = one.hub.clients().connection(ConnectionId::random());
    let sent = sent.send("Heard", &["x"]).await;
    assert!(matches!(sent, Err(SendError::UnknownConnection(_))));
}

/// Ids that nobody has: of no node, of this node and of the other.
async fn nobodies(one: &Server, other: &Server) -> [ConnectionId; 3] {
    let (here, there) = (Client::connect(one).await, Client::connect(other).await);
    let gone = [here.id, there.id];
    let (rest_here, rest_there) = (one.hub.connection_count(), other.hub.connection_count());
    drop((here, there));
    one.counts(rest_here - 1).await;
    other.counts(rest_there - 1).await;
    [ConnectionId::random(), gone[0], gone[1]]
}

#[tokio::test]
async fn a_connection_elsewhere_is_ended_with_the_reason_given() {
    let (one, other) = two().await;
    let mut client = Client::connect(&other).await;
    let cluster = one.hub.cluster();
    assert_eq!(cluster.connection_count().await.unwrap(), 1);
    assert!(
        cluster
            .disconnect(client.id, Ending::SentAway)
            .await
            .unwrap()
    );
    client
        .is_sent_away_with("{\"type\":7,\"allowReconnect\":true}")
        .await;
    other.counts(0).await;
    assert_eq!(cluster.connection_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_client_elsewhere_is_asked_and_its_value_comes_back() {
    let (one, other) = two().await;
    let mut client = Client::connect(&other).await;
    for (answer, expected) in [
        (result("ID", json!(42)), Ok(42)),
        (error("ID", "no"), Err("no".to_owned())),
    ] {
        let (clients, id) = (one.hub.clients(), client.id);
        let asking = TaskTracker::new().spawn(async move {
            clients
                .invoke::<i64, _>(id, "Value", &(1, "two"), LONG)
                .await
        });
        let question: serde_json::Value = serde_json::from_str(&client.message().await).unwrap();
        assert_eq!(question["arguments"], json!([1, "two"]));
        let invocation = question["invocationId"].as_str().unwrap();
        client.send(&answer.replace("ID", invocation)).await;
        let got = asking.await.unwrap();
        assert_eq!(got.map_err(|error| error.to_string()), expected);
    }
}

#[tokio::test]
async fn a_client_elsewhere_that_does_not_answer_is_waited_for_no_longer_than_asked() {
    let (one, other) = two().await;
    let mut client = Client::connect(&other).await;
    let clients = one.hub.clients();
    let soon = Duration::from_millis(20);
    let asked = clients
        .invoke::<i64, _>(client.id, "Value", &(), soon)
        .await;
    assert!(matches!(asked, Err(InvokeError::TimedOut)), "{asked:?}");
    let late: serde_json::Value = serde_json::from_str(&client.message().await).unwrap();
    let late = result(late["invocationId"].as_str().unwrap(), json!(1));
    client.send(&late).await;
    assert_eq!(client.call("Add", json!([1, 1])).await, json!(2));
}

#[tokio::test]
async fn a_client_elsewhere_that_leaves_is_not_waited_for() {
    let (one, other) = two().await;
    let mut client = Client::connect(&other).await;
    let (clients, id) = (one.hub.clients(), client.id);
    let asking = TaskTracker::new()
        .spawn(async move { clients.invoke::<i64, _>(id, "Value", &(), LONG).await });
    client.message().await;
    drop(client);
    let failure = asking.await.unwrap().unwrap_err();
    assert_eq!(
        failure.to_string(),
        format!("Connection '{id}' disconnected.")
    );
}

#[tokio::test]
async fn a_node_that_leaves_is_not_waited_for() {
    let (one, other) = two().await;
    let client = Client::connect(&other).await;
    let id = client.id;
    assert!(other.node.stop(LONG).await);
    becomes("the node to be forgotten", || {
        one.hub.cluster().nodes() == 1
    })
    .await;
    assert_eq!(one.hub.cluster().connection_count().await.unwrap(), 0);
    assert_eq!(one.hub.cluster().whois(id).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_falls_silent_is_gone_when_its_lease_ends() {
    let network = network();
    let one = node(&network, Duration::from_secs(15)).await;
    let other = node(&network, Duration::from_secs(15)).await;
    becomes("the nodes to know each other", || {
        one.hub.cluster().nodes() == 2
    })
    .await;
    // Its broker goes, and with it every way to say goodbye.
    other.node.broker().close().await;
    tokio::time::advance(Duration::from_secs(14)).await;
    assert_eq!(one.hub.cluster().nodes(), 2);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(one.hub.cluster().nodes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_is_waited_for_no_longer_than_its_lease() {
    let network = network();
    let one = node(&network, Duration::from_secs(15)).await;
    let other = node(&network, Duration::from_secs(15)).await;
    becomes("the nodes to know each other", || {
        one.hub.cluster().nodes() == 2
    })
    .await;
    other.node.broker().close().await;
    tokio::time::advance(Duration::from_secs(14)).await;
    let before = tokio::time::Instant::now();
    assert_eq!(one.hub.cluster().connection_count().await.unwrap(), 0);
    let waited = before.elapsed();
    assert!(waited <= Duration::from_millis(1_100), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hears_nobody_does_not_count_for_all() {
    let network = network();
    let one = node(&network, Duration::from_secs(15)).await;
    assert_eq!(one.hub.cluster().connection_count().await.unwrap(), 0);
    one.node.broker().close().await;
    tokio::time::advance(Duration::from_secs(16)).await;
    let counted = one.hub.cluster().connection_count().await;
    let Err(error) = counted else {
        panic!("it counted {counted:?}");
    };
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn after_an_interruption_a_node_greets_the_others_at_once() {
    let network = network();
    let mut parts = None;
    let plan = Plan {
        node: NodeOptions {
            lease: Some(LEASE),
            ..NodeOptions::default()
        },
        ..Plan::default()
    };
    let server = plan.start_on(|inbox| {
        let metered = Metered::new(MemoryBroker::join(&network, inbox.clone()));
        parts = Some((inbox, Arc::clone(metered.meters())));
        Arc::new(metered)
    });
    let server = server.await;
    let (inbox, meters) = parts.unwrap();
    becomes("the first greeting", || meters.published.value() == 1).await;
    let before = tokio::time::Instant::now();
    let topics = GapScope::All;
    inbox.gap(Gap { topics }).await.unwrap();
    becomes("the next greeting", || meters.published.value() >= 2).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    drop(server);
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_quiet_for_long_still_know_each_other() {
    let network = network();
    let one = node(&network, Duration::from_secs(15)).await;
    let other = node(&network, Duration::from_secs(15)).await;
    for _ in 0..20 {
        for _ in 0..7 {
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(one.hub.cluster().nodes(), 2);
        assert_eq!(other.hub.cluster().nodes(), 2);
    }
}
