//! One method for every feature of a hub. The tests with the official clients call them all.
//!
//! Run it with `cargo run --example everything` and point a SignalR client at the address that it
//! prints, at `/everything`.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use mesahub::auth::AllowAnonymous;
use mesahub::hub::{
    Caller, Ending, Hub, HubBuilder, HubError, InvokeError, Node, SendError, State, Upload,
    UploadError,
};
use mesahub::transport::{Endpoint, routes};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::interval;

/// How long a client has to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest text that `Repeat` makes, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// How many endless streams run.
type Running = Arc<watch::Sender<usize>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (inbox, shards) = Node::inbox();
    let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
    let node = Node::start(Arc::new(broker), shards);
    let hub = Hub::builder("everything").with_state(Running::default());
    let hub = streams(calls(hub)).build(&node)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(
        std::io::stdout(),
        "listening on http://{}",
        listener.local_addr()?
    )?;
    let endpoint = Endpoint::new(hub, Arc::new(AllowAnonymous));
    warp::serve(routes(endpoint, "/everything"))
        .incoming(listener)
        .run()
        .await;
    Ok(())
}

fn calls(hub: HubBuilder) -> HubBuilder {
    hub.method("Add", async |a: i64, b: i64| a + b)
        .method("Nothing", async || ())
        .method("Echo", async |value: Value| value)
        .method("EchoBytes", async |bytes: Octets| bytes)
        .method("Repeat", repeat)
        .method("Fail", fail)
        .method("Crash", crash)
        .method("Panic", break_down)
        .method("AskName", ask_name)
        .method("Tell", tell)
        .method("Broadcast", broadcast)
        .method("Join", join)
        .method("TellGroup", tell_group)
        .method("Leave", async |caller: Caller| caller.abort())
        .method("SendAway", send_away)
}

fn streams(hub: HubBuilder) -> HubBuilder {
    hub.method("Count", async |count: u32| stream::iter(0..count))
        .method("CountForever", count_forever)
        .method("NobodyCounts", nobody_counts)
        .method("CountAndFail", count_and_fail)
        .method("CountAndCrash", count_and_crash)
        .method("Sum", sum)
        .method("SumBoth", sum_both)
        .method("Scale", scale)
}

/// Bytes: binary in MessagePack, an array of numbers in JSON.
struct Octets(Vec<u8>);

/// Stands for any error that is not meant for callers.
#[derive(Debug)]
struct InvalidOperation;

/// Counts an endless stream for as long as it is there.
struct Counted(Running);

async fn repeat(text: String, times: usize) -> Result<String, HubError> {
    match text.len().checked_mul(times) {
        Some(0..=LONGEST) => Ok(text.repeat(times)),
        _ => Err(HubError::new("That is too long.")),
    }
}

async fn fail() -> Result<(), HubError> {
    Err(HubError::new("The table is taken."))
}

async fn crash() -> Result<(), InvalidOperation> {
    Err(InvalidOperation)
}

async fn break_down() {
    panic!("the handler broke");
}

/// Asks the caller's client for a name.
async fn ask_name(caller: Caller) -> Result<String, InvokeError> {
    let clients = caller.clients();
    clients.invoke(caller.id(), "name", &(), PATIENCE).await
}

/// Calls a method of the caller's client.
async fn tell(caller: Caller, method: String, arguments: Vec<Value>) -> Result<(), SendError> {
    let clients = caller.clients();
    clients.caller().send(&method, &arguments).await
}

async fn broadcast(caller: Caller, text: String) -> Result<(), SendError> {
    caller.clients().all().send("heard", &[text]).await
}

async fn join(caller: Caller, group: String) -> Result<(), HubError> {
    Ok(caller.join(&group).await?)
}

async fn tell_group(caller: Caller, group: String, text: String) -> Result<(), SendError> {
    caller.clients().group(group).send("heard", &[text]).await
}

/// Ends the caller's connection; its client may come back.
async fn send_away(caller: Caller) {
    caller.hub().disconnect(caller.id(), Ending::SentAway);
}

/// Counts every millisecond until the client has enough.
async fn count_forever(State(running): State<Running>) -> impl Stream<Item = u64> {
    let counted = Counted::new(running);
    let ticks = interval(Duration::from_millis(1));
    stream::unfold(
        (0, ticks, counted),
        |(number, mut ticks, counted)| async move {
            ticks.tick().await;
            Some((number, (number + 1, ticks, counted)))
        },
    )
}

/// Answers when no endless stream runs.
async fn nobody_counts(State(running): State<Running>) -> bool {
    let mut running = running.subscribe();
    running.wait_for(|count| *count == 0).await.is_ok()
}

async fn count_and_fail(count: u32) -> impl Stream<Item = Result<u32, HubError>> {
    let failure = Err(HubError::new("The kitchen is closed."));
    stream::iter((0..count).map(Ok).chain([failure]))
}

async fn count_and_crash(count: u32) -> impl Stream<Item = Result<u32, InvalidOperation>> {
    stream::iter((0..count).map(Ok).chain([Err(InvalidOperation)]))
}

async fn sum(mut numbers: Upload<i64>) -> Result<i64, UploadError> {
    total(&mut numbers).await
}

/// Adds each of two streams to what stands between them.
async fn sum_both(
    mut a: Upload<i64>,
    start: i64,
    mut b: Upload<i64>,
) -> Result<[i64; 2], UploadError> {
    let (a, b) = tokio::join!(total(&mut a), total(&mut b));
    Ok([start + a?, start + b?])
}

async fn total(numbers: &mut Upload<i64>) -> Result<i64, UploadError> {
    let mut sum = 0;
    while let Some(number) = numbers.next().await {
        sum += number?;
    }
    Ok(sum)
}

async fn scale(numbers: Upload<i64>, by: i64) -> impl Stream<Item = Result<i64, UploadError>> {
    numbers.map(move |number| number.map(|number| number * by))
}

impl Counted {
    fn new(running: Running) -> Self {
        running.send_modify(|count| *count += 1);
        Self(running)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl fmt::Display for InvalidOperation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the kitchen is on fire")
    }
}

impl Error for InvalidOperation {}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Octets;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Octets, E> {
                Ok(Octets(bytes.to_vec()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Octets, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = sequence.next_element()? {
                    bytes.push(byte);
                }
                Ok(Octets(bytes))
            }
        }

        deserializer.deserialize_bytes(Read)
    }
}
