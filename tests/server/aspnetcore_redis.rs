//! A node on ASP.NET Core's own backplane on a Redis, as the configuration opens it, beside one of
//! its servers with connections of its own.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use mesahub::app::options;
use mesahub::broker::open;
use mesahub::config::{Sources, load};
use mesahub::hub::{Clients, ConnectionId, GroupError, InvokeError, Node, NodeOptions};
use mesahub_broker::LogBounds;
use mesahub_test_servers::{RedisOptions, RedisServer};
use rmpv::Value;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::task::TaskTracker;

use crate::negotiate::{guard, token};
use crate::support::official::{HUB, Official, pack};
use crate::support::plain_redis::PlainRedis;
use crate::support::{Client, Plan, Request, Server, within};

/// What the names of all channels begin with, with nothing between it and the hub's name.
const PREFIX: &str = "prod";

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

/// A Redis, with a node of ours and a server of theirs on it.
struct Shared {
    redis: RedisServer,
    ours: Server,
    theirs: Official,
}

async fn shared() -> Shared {
    let redis = RedisServer::start(RedisOptions::default()).await.unwrap();
    let ours = node(&redis).await;
    let theirs = Official::start(PlainRedis::connect(redis.port(), PREFIX).await).await;
    Shared {
        redis,
        ours,
        theirs,
    }
}

async fn node(redis: &RedisServer) -> Server {
    let address = format!("127.0.0.1:{},channelPrefix={PREFIX}", redis.port());
    let set = |key: &str, value: &str| (format!("RealTimeConfiguration:{key}"), value.to_owned());
    let sources = Sources {
        overrides: vec![
            set("Provider", "Redis"),
            set("ConnectionString", &address),
            set("Redis:Wire", "AspNetCore"),
            set("Redis:HubTypeName", HUB),
        ],
        environment_name: Some("Development".to_owned()),
        ..Sources::default()
    };
    let settings = load(&sources).unwrap().settings;
    let backplane = settings.backplane().unwrap();
    let (inbox, shards) = Node::inbox();
    let broker = open(&backplane, LogBounds::default(), inbox).await.unwrap();
    let plan = Plan {
        opened: Some((broker, shards)),
        options: options::hub(&settings, &backplane),
        node: NodeOptions {
            lease: Some(LONG),
            ..NodeOptions::default()
        },
        authenticator: guard(),
        ..Plan::default()
    };
    plan.start().await
}

async fn ann(server: &Server) -> Client {
    let mut client = Client::connect_as(server, Some(&token("ann"))).await;
    client.call("Echo", json!(["welcomed"])).await;
    client
}

fn clients(server: &Server) -> Clients {
    server.hub.clients()
}

/// The items of an array.
fn items(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

/// The messages of an envelope, by hub protocol.
fn message<'v>(envelope: &'v Value, protocol: &str) -> &'v [u8] {
    let messages = items(envelope)[1].as_map().expect("a map").iter();
    let mut named = messages.filter(|(name, _)| name.as_str() == Some(protocol));
    let (_, bytes) = named.next().expect("the protocol");
    bytes.as_slice().expect("bytes")
}

#[tokio::test]
async fn on_redis_the_channels_carry_the_prefix_and_the_type_name_of_the_hub() {
    let mut shared = shared().await;
    let client = ann(&shared.ours).await;
    let channels = shared.redis.command(&["PUBSUB", "CHANNELS"]).await.unwrap();
    let hub = format!("{PREFIX}{HUB}");
    for channel in [
        format!("{hub}:all"),
        format!("{hub}:internal:groups"),
        format!("{hub}:connection:{}", client.id),
        format!("{hub}:user:pizza:ann"),
    ] {
        assert!(channels.lines().any(|line| line == channel), "{channels}");
    }
    for own in ["ack", "return"] {
        let begins = format!("{hub}:internal:{own}:");
        let ours = channels.lines().filter(|line| line.starts_with(&begins));
        assert_eq!(ours.count(), 2, "{channels}");
    }
    assert_eq!(shared.theirs.listeners("internal:groups").await, 2);
}

#[tokio::test]
async fn on_redis_a_broadcast_of_ours_is_byte_for_byte_theirs() {
    let mut shared = shared().await;
    clients(&shared.ours)
        .all()
        .send("note", &["hi"])
        .await
        .unwrap();
    let mut expected = b"\x92\x90\x82\xa4json\xc4\x2e".to_vec();
    expected.extend(b"{\"type\":1,\"target\":\"note\",\"arguments\":[\"hi\"]}\x1e");
    expected.extend(b"\xabmessagepack\xc4\x0f\x0e\x96\x01\x80\xc0\xa4note\x91\xa2hi\x90");
    let (channel, payload) = shared.theirs.next().await;
    assert_eq!((channel.as_str(), &payload[..]), ("all", &expected[..]));
}

#[tokio::test]
async fn on_redis_groups_users_connections_and_exceptions_reach_them() {
    let Shared {
        redis: _redis,
        ours,
        mut theirs,
    } = shared().await;
    let (id, spared) = (theirs.connection().await, ConnectionId::random());
    for channel in ["group:room", "group:hall", "user:pizza:bob"] {
        theirs.listen(channel).await;
    }
    let to = clients(&ours);
    to.groups(["room", "hall"])
        .send("note", &["hi"])
        .await
        .unwrap();
    to.group_except("room", [spared])
        .send("note", &["hi"])
        .await
        .unwrap();
    to.user("pizza:bob").send("note", &["hi"]).await.unwrap();
    to.connections([id]).send("note", &["hi"]).await.unwrap();
    to.all_except([spared]).send("note", &["hi"]).await.unwrap();
    let nobody = Value::Array(vec![]);
    let one = Value::Array(vec![spared.as_str().into()]);
    for (channel, excluded) in [
        ("group:room", &nobody),
        ("group:hall", &nobody),
        ("group:room", &one),
        ("user:pizza:bob", &nobody),
        (&*format!("connection:{id}"), &nobody),
        ("all", &one),
    ] {
        let (on, payload) = theirs.next().await;
        let envelope = rmpv::decode::read_value(&mut &payload[..]).unwrap();
        assert_eq!((on.as_str(), &items(&envelope)[0]), (channel, excluded));
        assert_eq!(items(&envelope).len(), 2);
        let text = b"{\"type\":1,\"target\":\"note\",\"arguments\":[\"hi\"]}\x1e";
        assert_eq!(message(&envelope, "json"), text);
    }
}

#[tokio::test]
async fn on_redis_what_they_send_reaches_clients_of_both_hub_protocols() {
    let mut shared = shared().await;
    let mut json = ann(&shared.ours).await;
    let mut spared = ann(&shared.ours).await;
    let mut packed = Packed::connect(&shared.ours).await;
    json.join(&["room"]).await;
    spared.join(&["room"]).await;
    let theirs = &mut shared.theirs;
    theirs.send("all", &[spared.id], "all").await;
    json.hears("all").await;
    packed.hears("all").await;
    theirs.send("group:room", &[spared.id], "room").await;
    json.hears("room").await;
    theirs.send("user:pizza:ann", &[], "ann").await;
    json.hears("ann").await;
    spared.hears("ann").await;
    packed.hears("ann").await;
    // Exceptions do not hold for single connections.
    let own = format!("connection:{}", spared.id);
    theirs.send(&own, &[spared.id], "you").await;
    spared.hears("you").await;
}

#[tokio::test]
async fn on_redis_unknown_protocols_and_longer_arrays_are_tolerated() {
    let mut shared = shared().await;
    let mut client = ann(&shared.ours).await;
    let heard = "{\"type\":1,\"target\":\"Heard\",\"arguments\":[\"hi\"]}";
    let messages = Value::Map(vec![
        ("blazorpack".into(), Value::Binary(vec![1, 0xc0])),
        (
            "json".into(),
            Value::Binary(format!("{heard}\u{1e}").into_bytes()),
        ),
    ]);
    let nobody = Value::Array(vec![]);
    let later = [Value::Nil, Value::Nil, json_like(), 7.into()];
    let longer = [&[nobody, messages][..], &later].concat();
    shared
        .theirs
        .publish("all", pack(&Value::Array(longer)))
        .await;
    client.hears("hi").await;
    let command = Value::Array(vec![
        1.into(),
        shared.theirs.name().into(),
        1.into(),
        "room".into(),
        client.id.as_str().into(),
        "of a later version".into(),
    ]);
    shared
        .theirs
        .publish("internal:groups", pack(&command))
        .await;
    let ack = shared.theirs.ack_channel();
    let acknowledged = shared.theirs.next_on(&ack).await;
    assert_eq!(acknowledged, Value::Array(vec![1.into()]));
}

#[tokio::test]
async fn on_redis_group_commands_are_acknowledged_in_both_directions() {
    let Shared {
        redis: _redis,
        ours,
        mut theirs,
    } = shared().await;
    let mut client = ann(&ours).await;
    // Nobody answers for a connection that is nowhere; ours comes next.
    theirs.command(6, 1, "room", ConnectionId::random()).await;
    theirs.command(7, 1, "room", client.id).await;
    let ack = theirs.ack_channel();
    assert_eq!(theirs.next_on(&ack).await, Value::Array(vec![7.into()]));
    theirs.send("group:room", &[], "in").await;
    client.hears("in").await;
    theirs.command(384, 2, "room", client.id).await;
    assert_eq!(theirs.next_on(&ack).await, Value::Array(vec![384.into()]));
    theirs.send("group:room", &[], "out").await;
    theirs.send("all", &[], "marker").await;
    client.hears("marker").await;

    let id = theirs.connection().await;
    let (cluster, tasks) = (ours.hub.cluster(), TaskTracker::new());
    let change = tasks.spawn(async move { cluster.add_to_group(id, "hall").await });
    let expected = [Some(1), None, Some(1), None, None];
    let command = loop {
        let command = theirs.next_on("internal:groups").await;
        // They hear their own commands too.
        if items(&command)[1].as_str() != Some(theirs.name()) {
            break command;
        }
    };
    let numbers: Vec<_> = items(&command).iter().map(Value::as_i64).collect();
    assert_eq!(numbers, expected);
    assert_eq!(items(&command)[3].as_str(), Some("hall"));
    assert_eq!(items(&command)[4].as_str(), Some(id.as_str()));
    let server = items(&command)[1].as_str().unwrap();
    theirs
        .publish(&format!("internal:ack:{server}"), vec![0x91, 0x01])
        .await;
    change.await.unwrap().unwrap();

    let nobody = ConnectionId::random();
    let change = ours.hub.cluster().add_to_group(nobody, "hall").await;
    assert!(matches!(change, Err(GroupError::UnknownConnection(id)) if id == nobody));
}

#[tokio::test]
async fn on_redis_clients_of_theirs_give_us_values() {
    let Shared {
        redis: _redis,
        ours,
        mut theirs,
    } = shared().await;
    let id = theirs.connection().await;
    let (asking, tasks) = (clients(&ours), TaskTracker::new());
    let asked = tasks.spawn(async move { asking.invoke::<i64, _>(id, "Value", &(), LONG).await });
    let question = theirs.next_on(&format!("connection:{id}")).await;
    let [_, _, invocation, channel] = items(&question) else {
        panic!("four elements, not {question}");
    };
    let (invocation, channel) = (invocation.as_str().unwrap(), channel.as_str().unwrap());
    let channel = channel.strip_prefix(HUB).expect("without the prefix");
    let completion = format!("{{\"type\":3,\"invocationId\":\"{invocation}\",\"result\":7}}\u{1e}");
    let answer = Value::Array(vec!["json".into(), Value::Binary(completion.into_bytes())]);
    theirs.publish(&channel[1..], pack(&answer)).await;
    assert_eq!(asked.await.unwrap().unwrap(), 7);

    let nobody = ConnectionId::random();
    let asked = clients(&ours)
        .invoke::<i64, _>(nobody, "Value", &(), LONG)
        .await;
    assert!(matches!(asked, Err(InvokeError::UnknownConnection(id)) if id == nobody));
}

#[tokio::test]
async fn on_redis_clients_of_ours_give_them_values_or_say_that_they_left() {
    let mut shared = shared().await;
    let mut client = ann(&shared.ours).await;
    shared.theirs.ask(client.id, "abc").await;
    assert!(client.message().await.contains("\"invocationId\":\"abc\""));
    client
        .send("{\"type\":3,\"invocationId\":\"abc\",\"result\":7}")
        .await;
    let returns = shared.theirs.return_channel();
    let answer = shared.theirs.next_on(&returns).await;
    let mut expected = b"\x92\xa4json\xc4\x2b".to_vec();
    expected.extend(b"{\"type\":3,\"invocationId\":\"abc\",\"result\":7}\x1e");
    assert_eq!(pack(&answer), expected);

    shared.theirs.ask(client.id, "left").await;
    client.message().await;
    let own = format!("connection:{}", client.id);
    drop(client);
    let answer = shared.theirs.next_on(&returns).await;
    let error =
        b"{\"type\":3,\"invocationId\":\"left\",\"error\":\"Connection disconnected.\"}\x1e";
    assert_eq!(items(&answer)[1].as_slice(), Some(&error[..]));
    // A caller of theirs takes nobody listening for a connection that does not exist.
    within("the end of the subscription", async {
        while shared.theirs.listeners(&own).await > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn on_redis_a_packed_client_answers_them_in_its_own_protocol() {
    let mut shared = shared().await;
    let mut client = Packed::connect(&shared.ours).await;
    shared.theirs.ask(client.id, "abc").await;
    let question = client.message().await;
    assert_eq!(items(&question)[2].as_str(), Some("abc"));
    let result = [
        3.into(),
        Value::Map(vec![]),
        "abc".into(),
        3.into(),
        7.into(),
    ];
    client.send(&Value::Array(result.to_vec())).await;
    let returns = shared.theirs.return_channel();
    let answer = pack(&shared.theirs.next_on(&returns).await);
    let expected = b"\x92\xabmessagepack\xc4\x0a\x09\x95\x03\x80\xa3abc\x03\x07";
    assert_eq!(&answer[..], expected, "{answer:x?}");
}

fn json_like() -> Value {
    Value::Map(vec![("x".into(), Value::Array(vec![1.into()]))])
}

/// A client of the MessagePack protocol.
struct Packed {
    id: ConnectionId,
    socket: WebSocketStream<TcpStream>,
}

impl Packed {
    async fn connect(server: &Server) -> Self {
        let token = token("ann");
        let negotiate = Request::negotiate("?negotiateVersion=1").bearer(&token);
        let negotiated = negotiate.send(server).await.json();
        let text = |key: &str| negotiated[key].as_str().unwrap().to_owned();
        let address = format!(
            "ws://{}/hub?id={}&access_token={token}",
            server.address,
            text("connectionToken")
        );
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (socket, _) = client_async(address, stream).await.unwrap();
        let mut client = Self {
            id: text("connectionId").parse().unwrap(),
            socket,
        };
        let hello = Message::text("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}");
        client.socket.send(hello).await.unwrap();
        let answer = within("the handshake", client.socket.next()).await;
        assert_eq!(&answer.unwrap().unwrap().into_data()[..], b"{}\x1e");
        let echo = Value::Array(vec![
            1.into(),
            Value::Map(vec![]),
            "1".into(),
            "Echo".into(),
            Value::Array(vec!["welcomed".into()]),
        ]);
        client.send(&echo).await;
        assert_eq!(items(&client.message().await)[0].as_i64(), Some(3));
        client
    }

    async fn send(&mut self, message: &Value) {
        let body = pack(message);
        let length = u8::try_from(body.len()).expect("a short message");
        let framed = [vec![length], body].concat();
        self.socket.send(Message::binary(framed)).await.unwrap();
    }

    /// The next hub message that is no ping.
    async fn message(&mut self) -> Value {
        let reading = async {
            loop {
                let frame = self.socket.next().await.unwrap().unwrap();
                let bytes = frame.into_data();
                let message = rmpv::decode::read_value(&mut &bytes[1..]).unwrap();
                if items(&message)[0].as_i64() != Some(6) {
                    return message;
                }
            }
        };
        within("a message", reading).await
    }

    async fn hears(&mut self, text: &str) {
        let message = self.message().await;
        assert_eq!(items(&message)[3].as_str(), Some("Heard"), "{message}");
        assert_eq!(items(&message)[4], Value::Array(vec![text.into()]));
    }
}
