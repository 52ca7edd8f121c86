//! Addressing: who hears what, once and in order.

use std::sync::Arc;

use mesahub::hub::{ConnectionId, GroupError, SendError, SendOptions};
use mesahub_broker::{OnceKey, Publication, Topic};
use mesahub_protocol::envelope::Envelope;
use mesahub_protocol::{Extension, Protocol, encode_invocation};
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::negotiate::{guarded, token};
use crate::support::{Client, Server, becomes, within};

#[tokio::test]
async fn all_others_and_the_caller_are_who_they_say() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (
        Client::connect(&server).await,
        Client::connect(&server).await,
    );
    for (target, to_ann, to_bob) in [
        ("SendAll", true, true),
        ("SendOthers", false, true),
        ("SendCaller", true, false),
    ] {
        ann.call(target, json!([target])).await;
        server
            .hub
            .clients()
            .all()
            .send("Heard", &["marker"])
            .await
            .unwrap();
        for (client, hears) in [(&mut ann, to_ann), (&mut bob, to_bob)] {
            if hears {
                client.hears(target).await;
            }
            client.hears("marker").await;
        }
    }
}

#[tokio::test]
async fn a_group_is_heard_by_its_members_alone_until_they_leave() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (
        Client::connect(&server).await,
        Client::connect(&server).await,
    );
    ann.join(&["kitchen"]).await;
    ann.join(&["kitchen"]).await;
    bob.join(&["kitchen", "bar"]).await;
    assert_eq!(
        bob.call("Groups", json!([])).await,
        json!(["bar", "kitchen"])
    );
    assert_eq!(server.hub.group_count("kitchen"), 2);

    ann.call("SendGroup", json!(["kitchen", "to both"])).await;
    ann.call("SendOthersInGroup", json!(["kitchen", "to bob"]))
        .await;
    ann.call("SendGroup", json!(["bar", "from outside"])).await;
    ann.call("SendGroup", json!(["", "to nobody"])).await;
    ann.hears("to both").await;
    for text in ["to both", "to bob", "from outside"] {
        bob.hears(text).await;
    }

    assert_eq!(bob.call("Leave", json!(["kitchen"])).await, json!(null));
    assert_eq!(server.hub.group_count("kitchen"), 1);
    ann.call("SendGroup", json!(["kitchen", "to ann"])).await;
    ann.call("SendAll", json!(["marker"])).await;
    ann.hears("to ann").await;
    ann.hears("marker").await;
    bob.hears("marker").await;
}

#[tokio::test]
async fn connections_and_exceptions_are_addressed_by_id() {
    let server = Server::start().await;
    let mut three = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(&server).await;
        client.join(&["g"]).await;
        three.push(client);
    }
    let ids: Vec<ConnectionId> = three.iter().map(|client| client.id).collect();
    let clients = server.hub.clients();
    let send = async |recipients: mesahub::hub::Recipients, text: &str| {
        recipients.send("Heard", &[text]).await.unwrap();
    };
    send(clients.connection(ids[0]), "0").await;
    send(clients.connections([ids[1], ids[2]]), "12").await;
    send(clients.all_except([ids[0]]), "not 0").await;
    send(clients.group_except("g", [ids[1], ids[2]]), "only 0").await;
    send(clients.groups(["g", "h"]).except([ids[2]]), "not 2").await;
    send(clients.all(), "marker").await;
    let heard: [&[&str]; 3] = [
        &["0", "only 0", "not 2"],
        &["12", "not 0", "not 2"],
        &["12", "not 0"],
    ];
    for (client, expected) in three.iter_mut().zip(heard) {
        // Topics are apart, so only the marker's own topic comes in order with it.
        let mut texts = Vec::new();
        for _ in 0..=expected.len() {
            texts.push(client.message().await);
        }
        let mut expected: Vec<String> = expected
            .iter()
            .chain(&["marker"])
            .map(|text| format!("{{\"type\":1,\"target\":\"Heard\",\"arguments\":[\"{text}\"]}}"))
            .collect();
        texts.sort_unstable();
        expected.sort_unstable();
        assert_eq!(texts, expected);
    }
}

#[tokio::test]
async fn a_connection_that_is_not_there_is_named() {
    let server = Server::start().await;
    let nobody = ConnectionId::random();
    let sent = server
        .hub
        .clients()
        .connection(nobody)
        .send("Heard", &["x"])
        .await;
    assert!(matches!(sent, Err(SendError::UnknownConnection(id)) if id == nobody));
    let added = server.hub.add_to_group(nobody, "g").await;
    assert!(matches!(added, Err(GroupError::UnknownConnection(id)) if id == nobody));
    assert_eq!(
        added.unwrap_err().to_string(),
        format!("Connection '{nobody}' does not exist.")
    );
}

#[tokio::test]
async fn a_user_is_heard_on_all_its_connections_and_nowhere_else() {
    let server = guarded().await;
    let mut anns = Vec::new();
    for _ in 0..2 {
        anns.push(Client::connect_as(&server, Some(&token("ann"))).await);
    }
    let mut bob = Client::connect_as(&server, Some(&token("bob"))).await;
    assert_eq!(server.hub.user_count("pizza:ann"), 2);
    assert_eq!(bob.call("Members", json!([])).await, json!(true));
    let clients = server.hub.clients();
    clients
        .user("pizza:ann")
        .send("Heard", &["to ann"])
        .await
        .unwrap();
    for ann in &mut anns {
        ann.hears("to ann").await;
    }
    clients
        .users(["pizza:bob", "pizza:eve"])
        .send("Heard", &["to bob"])
        .await
        .unwrap();
    bob.hears("to bob").await;
    let ending = mesahub::hub::Ending::SentAway;
    assert_eq!(server.hub.disconnect_user("pizza:ann", &ending), 2);
    for ann in &mut anns {
        ann.is_sent_away_with("{\"type\":7,\"allowReconnect\":true}")
            .await;
    }
    server.counts(1).await;
    assert_eq!(server.hub.user_count("pizza:ann"), 0);
}

#[tokio::test]
async fn a_host_adds_removes_and_listens_like_any_member() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let (sender, mut heard) = mpsc::channel(8);
    let listener = server
        .hub
        .listen("kitchen", move |channel, message| {
            sender
                .try_send((channel.to_owned(), message.clone()))
                .unwrap();
        })
        .await
        .unwrap();
    server.hub.add_to_group(client.id, "kitchen").await.unwrap();
    client.call("SendGroup", json!(["kitchen", "order"])).await;
    client.hears("order").await;
    let (channel, message) = within("the listener", heard.recv()).await.unwrap();
    let order: &[u8] = b"{\"type\":1,\"target\":\"Heard\",\"arguments\":[\"order\"]}\x1e";
    assert_eq!((channel.as_str(), message.as_ref()), ("kitchen", order));

    drop(listener);
    client.call("SendGroup", json!(["kitchen", "again"])).await;
    client.hears("again").await;
    assert_eq!(heard.recv().await, None);
    server.hub.remove_from_group(client.id, "kitchen").unwrap();
    client
        .call("SendGroup", json!(["kitchen", "unheard"]))
        .await;
    client.call("SendAll", json!(["marker"])).await;
    client.hears("marker").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_goes_to_several_groups_arrives_once_and_in_order() {
    const BURST: u64 = 500;
    let server = Server::start().await;
    let mut clients = Vec::new();
    let groups = ["north", "east", "south", "west"];
    for joined in [
        &groups[..1],
        &groups[1..2],
        &groups[..2],
        &groups[1..],
        &groups[..],
    ] {
        let mut client = Client::connect(&server).await;
        client.join(joined).await;
        clients.push(client);
    }
    let topic = |group| Topic::new(format!("test:group:{group}")).unwrap();
    let topics = groups.map(topic);
    let batch = (0..BURST).flat_map(|number| {
        let payload = once(&number.to_string());
        topics
            .clone()
            .map(|topic| Publication::new(topic, payload.clone()))
    });
    let taken = server.node.broker().publish(batch.collect()).await;
    assert!(taken.iter().all(Result::is_ok));
    let options = SendOptions {
        message_id: Some(Uuid::new_v4()),
        once: true,
        ..SendOptions::default()
    };
    let last = server.hub.clients().groups(groups).with(options);
    last.send("Heard", &["last"]).await.unwrap();
    for client in &mut clients {
        for number in 0..BURST {
            client.hears(&number.to_string()).await;
        }
        client.hears("last").await;
    }
    // And nothing has come twice.
    server
        .hub
        .clients()
        .all()
        .send("Heard", &["marker"])
        .await
        .unwrap();
    for client in &mut clients {
        client.hears("marker").await;
    }
}

#[tokio::test]
async fn without_once_it_arrives_as_often_as_there_are_groups() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.join(&["left", "right"]).await;
    let both = server.hub.clients().groups(["left", "right"]);
    both.send("Heard", &["twice"]).await.unwrap();
    client.hears("twice").await;
    client.hears("twice").await;
}

#[tokio::test]
async fn who_has_gone_is_in_no_group_and_costs_nothing() {
    let server = Server::start().await;
    let mut first = Client::connect(&server).await;
    first.join(&["shared"]).await;
    let before = server.node.topic_count();
    for round in 0..200 {
        let own = format!("own {round}");
        let mut client = Client::connect(&server).await;
        client.join(&["shared", &own]).await;
        assert_eq!(server.hub.group_count("shared"), 2);
        if round % 2 == 0 {
            client.send("{\"type\":7}").await;
            client.is_sent_away_with("{\"type\":7}").await;
        }
        let id = client.id;
        drop(client);
        server.stage.ending_of(id).await;
        server.counts(1).await;
    }
    becomes("topics to be given up", || {
        server.node.topic_count() == before
    })
    .await;
    assert_eq!(server.hub.group_count("shared"), 1);
    let counters = Arc::clone(server.node.counters());
    assert_eq!(
        counters.connected.value() - counters.disconnected.value(),
        1
    );
    first.call("SendGroup", json!(["shared", "alone"])).await;
    first.hears("alone").await;
}

#[tokio::test]
async fn what_is_for_a_log_is_heard_once_however_often_it_is_sent() {
    let server = Server::start().await;
    let mut ann = Client::connect(&server).await;
    ann.join(&["kitchen", "bar"]).await;
    let send = async |group: &str, text: &str, options: &SendOptions| {
        let group = server.hub.clients().group(group).with(options.clone());
        group.send("Heard", &[text]).await.unwrap();
    };
    let by_id = SendOptions {
        message_id: Some(Uuid::new_v4()),
        log: true,
        ..SendOptions::default()
    };
    send("kitchen", "first", &by_id).await;
    send("kitchen", "again", &by_id).await;
    ann.hears("first").await;
    send("bar", "elsewhere", &by_id).await;
    ann.hears("elsewhere").await;

    let by_key = SendOptions {
        once_key: Some(OnceKey::new([1; 16])),
        ..by_id
    };
    send("kitchen", "by key", &by_key).await;
    let by_same_key = SendOptions {
        message_id: Some(Uuid::new_v4()),
        ..by_key.clone()
    };
    send("kitchen", "by key again", &by_same_key).await;
    ann.hears("by key").await;

    let live = SendOptions {
        log: false,
        ..by_key
    };
    for text in ["live", "live again"] {
        send("kitchen", text, &live).await;
        ann.hears(text).await;
    }
}

/// A message to several groups, as the hub itself puts it on the backplane.
fn once(text: &str) -> Vec<u8> {
    let mut raw = Vec::new();
    encode_invocation(Protocol::Json, &mut raw, None, "Heard", &[text]).unwrap();
    let envelope = Envelope {
        messages: vec![(Protocol::Json.name().into(), raw.into())],
        extension: Extension {
            message_id: Some(Uuid::new_v4().into_bytes()),
            dedupe: true,
            ..Extension::default()
        },
        ..Envelope::default()
    };
    envelope.encode()
}
