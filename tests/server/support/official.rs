//! An ASP.NET Core server on the same backplane, written from the description of its wire.

use bytes::Bytes;
use mesahub::hub::ConnectionId;
use rmpv::Value;

use super::deadline::within;
use super::line::Line;

/// The full .NET type name of the hub.
pub(crate) const HUB: &str = "Contoso.Live.RoomHub";

/// The server. It knows no hub, only the channels and what is on them.
pub(crate) struct Official {
    line: Box<dyn Line>,
    name: String,
}

impl Official {
    /// A server with its start-up channels subscribed.
    pub(crate) async fn start(line: impl Line + 'static) -> Self {
        let mut official = Self {
            line: Box::new(line),
            name: "web1_0f0e0d0c0b0a09080706050403020100".to_owned(),
        };
        official.listen("all").await;
        official.listen("internal:groups").await;
        official.listen(&official.ack_channel()).await;
        official.listen(&official.return_channel()).await;
        official
    }

    /// Takes in a connection, as far as others can see.
    pub(crate) async fn connection(&mut self) -> ConnectionId {
        let id = ConnectionId::random();
        self.listen(&format!("connection:{id}")).await;
        id
    }

    /// Subscribes a channel.
    pub(crate) async fn listen(&mut self, channel: &str) {
        within("a subscription", self.line.subscribe(&full(channel))).await;
    }

    /// How many servers listen to a channel.
    pub(crate) async fn listeners(&mut self, channel: &str) -> u64 {
        within("a count", self.line.subscribers(&full(channel))).await
    }

    /// Publishes a payload as it is.
    pub(crate) async fn publish(&mut self, channel: &str, payload: impl Into<Bytes>) {
        within(
            "a publish",
            self.line.publish(&full(channel), payload.into()),
        )
        .await;
    }

    /// Publishes a call of `Heard` in both hub protocols.
    pub(crate) async fn send(&mut self, channel: &str, excluded: &[ConnectionId], text: &str) {
        let payload = pack(&Value::Array(vec![ids(excluded), heard(None, text)]));
        self.publish(channel, payload).await;
    }

    /// Puts a question that expects a result.
    pub(crate) async fn ask(&mut self, id: ConnectionId, invocation: &str) {
        let payload = pack(&Value::Array(vec![
            ids(&[]),
            heard(Some(invocation), "?"),
            invocation.into(),
            format!("{HUB}:internal:return:{}", self.name).into(),
        ]));
        self.publish(&format!("connection:{id}"), payload).await;
    }

    /// Commands a change of groups: 1 adds, 2 removes.
    pub(crate) async fn command(&mut self, number: i32, action: u8, group: &str, id: ConnectionId) {
        let command = Value::Array(vec![
            number.into(),
            self.name.as_str().into(),
            action.into(),
            group.into(),
            id.as_str().into(),
        ]);
        self.publish("internal:groups", pack(&command)).await;
    }

    /// What comes next, with the channel's name without the hub's.
    pub(crate) async fn next(&mut self) -> (String, Bytes) {
        let (channel, payload) = within("the backplane", self.line.next()).await;
        let rest = channel.strip_prefix(HUB);
        let rest = rest.and_then(|rest| rest.strip_prefix(':'));
        (rest.expect("a channel of this hub").to_owned(), payload)
    }

    /// The payload that comes next on a channel, as a value; others are passed over.
    pub(crate) async fn next_on(&mut self, channel: &str) -> Value {
        loop {
            let (on, payload) = self.next().await;
            if on == channel {
                return rmpv::decode::read_value(&mut &payload[..]).unwrap();
            }
        }
    }

    /// Its name, of which there is no other.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The channel on which the end of its commands is told.
    pub(crate) fn ack_channel(&self) -> String {
        format!("internal:ack:{}", self.name)
    }

    /// The channel on which results come.
    pub(crate) fn return_channel(&self) -> String {
        format!("internal:return:{}", self.name)
    }
}

/// A value's bytes.
pub(crate) fn pack(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, value).unwrap();
    out
}

/// The hub's full name of a channel is the channel's name in the table behind `:`.
fn full(channel: &str) -> String {
    format!("{HUB}:{channel}")
}

fn ids(ids: &[ConnectionId]) -> Value {
    Value::Array(ids.iter().map(|id| id.as_str().into()).collect())
}

/// The messages of an invocation, by hub protocol.
fn heard(invocation: Option<&str>, text: &str) -> Value {
    let id = invocation.map_or(String::new(), |id| format!("\"invocationId\":\"{id}\","));
    let json = format!("{{\"type\":1,{id}\"target\":\"Heard\",\"arguments\":[\"{text}\"]}}\u{1e}");
    let body = pack(&Value::Array(vec![
        1.into(),
        Value::Map(Vec::new()),
        invocation.map_or(Value::Nil, Value::from),
        "Heard".into(),
        Value::Array(vec![text.into()]),
        Value::Array(Vec::new()),
    ]));
    let mut framed = vec![u8::try_from(body.len()).expect("a short message")];
    framed.extend(body);
    Value::Map(vec![
        ("json".into(), Value::Binary(json.into_bytes())),
        ("messagepack".into(), Value::Binary(framed)),
    ])
}
