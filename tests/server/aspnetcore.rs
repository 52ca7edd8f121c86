//! A node on ASP.NET Core's own backplane, beside one of its servers.

use std::time::Duration;

use mesahub::hub::{
    Clients, ClusterError, ConnectionId, GroupError, HubOptions, InvokeError, NodeOptions, Wire,
};
use mesahub_memory::{MemoryConfig, MemoryNetwork};
use rmpv::Value;
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::support::line::Memory;
use crate::support::official::{HUB, Official, pack};
use crate::support::{Client, Plan, Server};

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

/// A node of ours and a server of theirs.
async fn both() -> (Server, Official) {
    let network = MemoryNetwork::new(MemoryConfig::default());
    let official = Official::start(Memory::join(&network)).await;
    (node(&network).await, official)
}

async fn node(network: &MemoryNetwork) -> Server {
    let plan = Plan {
        network: Some(network.clone()),
        node: NodeOptions {
            lease: Some(LONG),
            ..NodeOptions::default()
        },
        options: HubOptions {
            wire: Wire::AspNetCore {
                hub_type_name: HUB.to_owned(),
            },
            ..HubOptions::default()
        },
        ..Plan::default()
    };
    plan.start().await
}

fn clients(server: &Server) -> Clients {
    server.hub.clients()
}

/// The items of an array.
fn items(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

#[tokio::test]
async fn a_broadcast_is_byte_for_byte_the_official_one() {
    let (server, mut official) = both().await;
    clients(&server).all().send("note", &["hi"]).await.unwrap();
    let mut expected = b"\x92\x90\x82\xa4json\xc4\x2e".to_vec();
    expected.extend(b"{\"type\":1,\"target\":\"note\",\"arguments\":[\"hi\"]}\x1e");
    expected.extend(b"\xabmessagepack\xc4\x0f\x0e\x96\x01\x80\xc0\xa4note\x91\xa2hi\x90");
    let (channel, payload) = official.next().await;
    assert_eq!(channel, "all");
    assert_eq!(payload, expected, "{payload:x?}");
}

#[tokio::test]
async fn exceptions_travel_by_id_on_the_channels_of_groups_and_all() {
    let (server, mut official) = both().await;
    let (one, two) = (ConnectionId::random(), ConnectionId::random());
    official.listen("group:room").await;
    let to = clients(&server).all_except([one, two]);
    to.send("note", &["hi"]).await.unwrap();
    let to = clients(&server).group_except("room", [two]);
    to.send("note", &["hi"]).await.unwrap();
    let all = official.next_on("all").await;
    let excluded =
        |ids: &[ConnectionId]| Value::Array(ids.iter().map(|id| id.as_str().into()).collect());
    assert_eq!(items(&all)[0], excluded(&[one, two]));
    let room = official.next_on("group:room").await;
    assert_eq!(items(&room)[0], excluded(&[two]));
    assert_eq!(items(&room).len(), 2);
}

#[tokio::test]
async fn the_first_connection_brings_the_start_up_channels_and_its_own() {
    let (server, mut official) = both().await;
    assert_eq!(official.listeners("internal:groups").await, 1);
    let client = Client::connect(&server).await;
    let own = format!("connection:{}", client.id);
    assert_eq!(official.listeners("internal:groups").await, 2);
    assert_eq!(official.listeners("all").await, 2);
    assert_eq!(official.listeners(&own).await, 1);
    drop(client);
    server.counts(0).await;
    let mut left = official.listeners(&own).await;
    while left > 0 {
        tokio::task::yield_now().await;
        left = official.listeners(&own).await;
    }
}

#[tokio::test]
async fn what_the_official_server_sends_reaches_our_clients() {
    let (server, mut official) = both().await;
    let mut client = Client::connect(&server).await;
    let mut spared = Client::connect(&server).await;
    client.join(&["room"]).await;
    spared.join(&["room"]).await;
    official.send("all", &[spared.id], "all").await;
    client.hears("all").await;
    official.send("group:room", &[spared.id], "room").await;
    client.hears("room").await;
    // Exceptions do not hold for single connections.
    let own = format!("connection:{}", spared.id);
    official.send(&own, &[spared.id], "you").await;
    spared.hears("you").await;
}

#[tokio::test]
async fn a_message_to_a_connection_of_theirs_goes_to_its_channel() {
    let (server, mut official) = both().await;
    let id = official.connection().await;
    let to = clients(&server).connections([id]);
    to.send("note", &["hi"]).await.unwrap();
    let message = official.next_on(&format!("connection:{id}")).await;
    assert_eq!(items(&message).len(), 2);
    let json = &items(&message)[1].as_map().unwrap()[0].1;
    let text = "{\"type\":1,\"target\":\"note\",\"arguments\":[\"hi\"]}\u{1e}";
    assert_eq!(json.as_slice(), Some(text.as_bytes()));
}

#[tokio::test]
async fn a_group_command_of_theirs_is_acknowledged_when_it_is_in_force() {
    let (server, mut official) = both().await;
    let mut client = Client::connect(&server).await;
    // Nobody answers for a connection that is nowhere; ours comes next.
    official.command(6, 1, "room", ConnectionId::random()).await;
    official.command(7, 1, "room", client.id).await;
    let ack = official.ack_channel();
    assert_eq!(official.next_on(&ack).await, Value::Array(vec![7.into()]));
    official.send("group:room", &[], "in").await;
    client.hears("in").await;
    // Adding twice is no error.
    official.command(70_000, 1, "room", client.id).await;
    let (_, bytes) = loop {
        let next = official.next().await;
        if next.0 == ack {
            break next;
        }
    };
    assert_eq!(&bytes[..], [0x91, 0xce, 0x00, 0x01, 0x11, 0x70]);
    official.command(8, 2, "room", client.id).await;
    assert_eq!(official.next_on(&ack).await, Value::Array(vec![8.into()]));
    official.send("group:room", &[], "out").await;
    official.send("all", &[], "marker").await;
    client.hears("marker").await;
}

#[tokio::test]
async fn our_group_command_waits_for_the_ack_of_whoever_has_the_connection() {
    let (server, mut official) = both().await;
    let id = official.connection().await;
    let cluster = server.hub.cluster();
    let tasks = TaskTracker::new();
    let change = tasks.spawn(async move { cluster.add_to_group(id, "room").await });
    let command = official.next_on("internal:groups").await;
    let [number, name, action, group, connection] = items(&command) else {
        panic!("five elements, not {command}");
    };
    assert_eq!((number.as_i64(), action.as_i64()), (Some(1), Some(1)));
    assert_eq!(group.as_str(), Some("room"));
    assert_eq!(connection.as_str(), Some(id.as_str()));
    assert!(!change.is_finished());
    let ack = format!("internal:ack:{}", name.as_str().unwrap());
    official.publish(&ack, vec![0x91, 0x01]).await;
    change.await.unwrap().unwrap();

    let cluster = server.hub.cluster();
    let change = tasks.spawn(async move { cluster.remove_from_group(id, "room").await });
    let command = official.next_on("internal:groups").await;
    assert_eq!(items(&command)[0].as_i64(), Some(2));
    assert_eq!(items(&command)[2].as_i64(), Some(2));
    official.publish(&ack, vec![0x91, 0x02]).await;
    change.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_group_command_for_nobody_is_refused_at_once() {
    let (server, _official) = both().await;
    let nobody = ConnectionId::random();
    let change = server.hub.cluster().add_to_group(nobody, "room").await;
    assert!(matches!(change, Err(GroupError::UnknownConnection(id)) if id == nobody));
}

#[tokio::test(start_paused = true)]
async fn a_group_command_that_nobody_acknowledges_fails_after_thirty_seconds() {
    let (server, mut official) = both().await;
    let id = official.connection().await;
    let before = tokio::time::Instant::now();
    let change = server.hub.cluster().add_to_group(id, "room").await;
    let silent = matches!(change, Err(GroupError::Cluster(ClusterError::Silent)));
    assert!(silent, "{change:?}");
    assert_eq!(before.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn a_client_of_theirs_gives_us_a_value() {
    let (server, mut official) = both().await;
    let id = official.connection().await;
    for (protocol, framed, expected) in [
        (
            "json",
            "{\"type\":3,\"invocationId\":\"ID\",\"result\":7}\u{1e}",
            Ok(7),
        ),
        (
            "json",
            "{\"type\":3,\"invocationId\":\"ID\",\"error\":\"no\"}\u{1e}",
            Err("no"),
        ),
        ("messagepack", "", Ok(8)),
    ] {
        let asking = clients(&server);
        let tasks = TaskTracker::new();
        let asked =
            tasks.spawn(async move { asking.invoke::<i64, _>(id, "Value", &(), LONG).await });
        let question = official.next_on(&format!("connection:{id}")).await;
        let [_, messages, invocation, channel] = items(&question) else {
            panic!("four elements, not {question}");
        };
        let invocation = invocation.as_str().unwrap();
        assert_eq!(invocation.len(), 22);
        let json = messages.as_map().unwrap()[0].1.as_slice().unwrap();
        let json = std::str::from_utf8(json).unwrap();
        assert!(
            json.contains(&format!("\"invocationId\":\"{invocation}\"")),
            "{json}"
        );
        let completion = match protocol {
            "json" => framed.replace("ID", invocation).into_bytes(),
            _ => {
                let fields = [
                    3.into(),
                    Value::Map(vec![]),
                    invocation.into(),
                    3.into(),
                    8.into(),
                ];
                let body = pack(&Value::Array(fields.to_vec()));
                [vec![u8::try_from(body.len()).unwrap()], body].concat()
            }
        };
        let answer = Value::Array(vec![protocol.into(), Value::Binary(completion)]);
        let channel = channel.as_str().unwrap().strip_prefix(HUB).unwrap();
        official.publish(&channel[1..], pack(&answer)).await;
        match (asked.await.unwrap(), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected),
            (Err(InvokeError::Client(text)), Err(expected)) => assert_eq!(text, expected),
            (other, expected) => panic!("{other:?} is not {expected:?}"),
        }
    }
    let nobody = ConnectionId::random();
    let clients = clients(&server);
    let asked = clients.invoke::<i64, _>(nobody, "Value", &(), LONG);
    let text = asked.await.unwrap_err().to_string();
    assert_eq!(text, format!("Connection '{nobody}' does not exist."));
}

#[tokio::test]
async fn a_client_of_ours_gives_them_a_value() {
    let (server, mut official) = both().await;
    let mut client = Client::connect(&server).await;
    client.call("Echo", json!(["welcomed"])).await;
    official.ask(client.id, "abc").await;
    let own = format!("connection:{}", client.id);
    official.send(&own, &[], "after").await;
    assert_eq!(
        client.message().await,
        "{\"type\":1,\"invocationId\":\"abc\",\"target\":\"Heard\",\"arguments\":[\"?\"]}"
    );
    client.hears("after").await;
    client
        .send("{\"type\":3,\"invocationId\":\"abc\",\"result\":7}")
        .await;
    let answer = official.next_on(&official.return_channel()).await;
    let mut expected = b"\x92\xa4json\xc4\x2b".to_vec();
    expected.extend(b"{\"type\":3,\"invocationId\":\"abc\",\"result\":7}\x1e");
    assert_eq!(pack(&answer), expected);
}

#[tokio::test]
async fn a_client_of_ours_that_leaves_answers_them_with_an_error() {
    let (server, mut official) = both().await;
    let mut client = Client::connect(&server).await;
    client.call("Echo", json!(["welcomed"])).await;
    official.ask(client.id, "abc").await;
    client.message().await;
    drop(client);
    let answer = official.next_on(&official.return_channel()).await;
    let completion = items(&answer)[1].as_slice().unwrap();
    let error =
        "{\"type\":3,\"invocationId\":\"abc\",\"error\":\"Connection disconnected.\"}\u{1e}";
    assert_eq!(std::str::from_utf8(completion).unwrap(), error);
}

#[tokio::test]
async fn a_message_without_the_clients_protocol_sends_it_away() {
    let (server, mut official) = both().await;
    let mut client = Client::connect(&server).await;
    let blazor = Value::Map(vec![("blazorpack".into(), Value::Binary(vec![1, 0xc0]))]);
    let payload = pack(&Value::Array(vec![Value::Array(vec![]), blazor]));
    official.publish("all", payload).await;
    client
        .is_sent_away_with(
            "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}",
        )
        .await;
}

#[tokio::test]
async fn what_is_no_message_of_the_wire_costs_nobody_anything() {
    let (server, mut official) = both().await;
    let mut client = Client::connect(&server).await;
    let own = format!("connection:{}", client.id);
    for junk in [
        &b""[..],
        b"\xc1",
        b"\x91\x90",
        b"\x92\x90",
        b"\xdd\xff\xff\xff\xff",
    ] {
        for channel in ["all", "internal:groups", &own] {
            official.publish(channel, junk.to_vec()).await;
        }
    }
    official.send("all", &[], "fine").await;
    official.send(&own, &[], "fine too").await;
    let mut heard = [client.message().await, client.message().await];
    heard.sort();
    assert!(heard[0].contains("fine too\"") && heard[1].contains("fine\""));
    official.command(1, 1, "room", client.id).await;
    let ack = official.ack_channel();
    assert_eq!(official.next_on(&ack).await, Value::Array(vec![1.into()]));
}

#[tokio::test]
async fn two_of_our_nodes_speak_it_to_each_other() {
    let network = MemoryNetwork::new(MemoryConfig::default());
    let (one, other) = (node(&network).await, node(&network).await);
    let mut client = Client::connect(&other).await;
    client.call("Echo", json!(["welcomed"])).await;
    let cluster = one.hub.cluster();
    cluster.add_to_group(client.id, "room").await.unwrap();
    clients(&one)
        .group("room")
        .send("Heard", &["in"])
        .await
        .unwrap();
    client.hears("in").await;
    clients(&one)
        .connection(client.id)
        .send("Heard", &["you"])
        .await
        .unwrap();
    client.hears("you").await;
    let (asking, id) = (clients(&one), client.id);
    let asked = TaskTracker::new()
        .spawn(async move { asking.invoke::<i64, _>(id, "Value", &(), LONG).await });
    let question: serde_json::Value = serde_json::from_str(&client.message().await).unwrap();
    let id = question["invocationId"].clone();
    client
        .send(&json!({"type": 3, "invocationId": id, "result": 5}).to_string())
        .await;
    assert_eq!(asked.await.unwrap().unwrap(), 5);
}
