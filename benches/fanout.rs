//! One notification to 2,000 WebSocket connections, and bursts of 50, against a bare loop of one
//! `write` of a ready frame per socket, in the same run.
//!
//! Run it with `cargo bench --bench fanout`. The table at the end tells the server's processor
//! time for one delivered message, beside the clock on the wall that criterion measures.

mod support;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, measurement::WallTime};
use mesahub_broker::{Publication, Topic};
use mesahub_protocol::{Envelope, Extension, Protocol, encode_invocation};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::support::client::{Role, ran_as_clients};
use crate::support::dial::Kind;
use crate::support::process::allow_sockets;
use crate::support::remote::Remote;
use crate::support::server::{Audience, NAME, Server, accept_bare};
use crate::support::table::{Begin, Comparison, Cost, print_load};

/// Bytes of the hub message, without the header of its WebSocket frame.
const MESSAGE: u8 = 200;

/// Messages in a burst.
const BURST: usize = 50;

/// Turns of the comparison, each of them once over the floor and once over the hub.
const TURNS: usize = 9;

const TARGET: &str = "OrderStatusChanged";

/// How much is measured.
struct Size {
    sockets: usize,
    /// Single messages, and bursts, in one turn.
    singles: usize,
    bursts: usize,
}

/// A hub and a floor with as many sockets each, and the processes that read them.
struct Stage {
    size: Size,
    server: Server,
    hub_clients: Remote,
    floor: Vec<TcpStream>,
    floor_clients: Remote,
    text: String,
    frame: Bytes,
    burst: Vec<Publication>,
}

fn main() -> io::Result<()> {
    if ran_as_clients() {
        return Ok(());
    }
    let is_trial = std::env::args().any(|argument| argument == "--test");
    let size = if is_trial {
        Size {
            sockets: 50,
            singles: 5,
            bursts: 2,
        }
    } else {
        Size {
            sockets: 2_000,
            singles: 100,
            bursts: 5,
        }
    };
    allow_sockets(2 * size.sockets);
    let runtime = Runtime::new()?;
    let mut stage = runtime.block_on(Stage::set(size))?;
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    for burst in [1, BURST] {
        let mut group = criterion.benchmark_group(format!("fanout of {burst}"));
        bench(&mut group, &runtime, &mut stage, burst);
        group.finish();
    }
    criterion.final_summary();
    let turns = if is_trial { 1 } else { TURNS };
    let (singles, bursts) = (stage.size.singles, stage.size.bursts);
    let single = runtime.block_on(stage.compare("one message", turns, singles, 1));
    let burst = runtime.block_on(stage.compare("bursts of 50", turns, bursts, BURST));
    single.print();
    burst.print();
    print_load();
    Ok(())
}

fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    stage: &mut Stage,
    burst: usize,
) {
    group.sampling_mode(SamplingMode::Flat);
    group.measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements((stage.size.sockets * burst) as u64));
    group.bench_function("floor", |bencher| {
        bencher.iter_custom(|rounds| runtime.block_on(stage.floor(rounds as usize, burst)).wall);
    });
    group.bench_function("hub", |bencher| {
        bencher.iter_custom(|rounds| runtime.block_on(stage.hub(rounds as usize, burst)).wall);
    });
}

impl Stage {
    async fn set(size: Size) -> io::Result<Self> {
        let server = Server::start(Audience::Anyone).await?;
        let hub_clients =
            Remote::open(server.address, Kind::Anonymous, size.sockets, Role::Drain).await?;
        server.has_connected(size.sockets).await;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let opening = Remote::open(
            listener.local_addr()?,
            Kind::Bare,
            size.sockets,
            Role::Drain,
        );
        let (floor_clients, floor) =
            tokio::try_join!(opening, accept_bare(&listener, size.sockets))?;
        let text = filler();
        let message = message(&text);
        let header = [0x81, 126, 0, MESSAGE];
        let topic = Topic::new(format!("{NAME}:all")).map_err(io::Error::other)?;
        let envelope = Envelope {
            excluded: Vec::new(),
            messages: vec![("json".into(), Bytes::from(message.clone()))],
            reply: None,
            extension: Extension::default(),
        };
        let publication = Publication::new(topic, envelope.encode());
        let mut stage = Self {
            size,
            server,
            hub_clients,
            floor,
            floor_clients,
            text,
            frame: [&header[..], &message].concat().into(),
            burst: vec![publication; BURST],
        };
        // The first handshakes' last bytes have been read by now; one round each fills the caches.
        stage.hub(1, 1).await;
        stage.floor(1, 1).await;
        Ok(stage)
    }

    /// The floor and the hub in turns.
    async fn compare(
        &mut self,
        title: &str,
        turns: usize,
        rounds: usize,
        burst: usize,
    ) -> Comparison {
        let mut costs = Vec::with_capacity(turns);
        for _ in 0..turns {
            costs.push((
                self.floor(rounds, burst).await,
                self.hub(rounds, burst).await,
            ));
        }
        Comparison {
            title: title.to_owned(),
            turns: costs,
        }
    }

    /// Writes the frame to every socket, `burst` times over, and waits until all has been read;
    /// that so many rounds.
    async fn floor(&mut self, rounds: usize, burst: usize) -> Cost {
        let begin = Begin::now();
        for _ in 0..rounds {
            for _ in 0..burst {
                for socket in &self.floor {
                    write(socket, &self.frame).await;
                }
            }
            self.floor_clients.has_read(burst * self.size.sockets).await;
        }
        begin.cost(rounds * burst * self.size.sockets)
    }

    /// The same through the hub.
    async fn hub(&mut self, rounds: usize, burst: usize) -> Cost {
        let begin = Begin::now();
        for _ in 0..rounds {
            if burst == 1 {
                let sent = self
                    .server
                    .hub
                    .clients()
                    .all()
                    .send(TARGET, &(&self.text,))
                    .await;
                sent.expect("the memory broker takes every message");
            } else {
                let broker = self.server.hub.node().broker();
                let results = broker.publish(self.burst[..burst].to_vec()).await;
                assert!(
                    results.iter().all(Result::is_ok),
                    "the memory broker takes a batch"
                );
            }
            self.hub_clients.has_read(burst * self.size.sockets).await;
        }
        begin.cost(rounds * burst * self.size.sockets)
    }
}

async fn write(socket: &TcpStream, frame: &[u8]) {
    let mut rest = frame;
    while !rest.is_empty() {
        match socket.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                socket
                    .writable()
                    .await
                    .expect("the client process keeps its sockets open");
            }
            Err(error) => panic!("the client process keeps its sockets open: {error}"),
        }
    }
}

/// A text that makes the whole message as long as it has to be.
fn filler() -> String {
    let missing = usize::from(MESSAGE) - message("").len();
    let text = "x".repeat(missing);
    assert_eq!(
        message(&text).len(),
        usize::from(MESSAGE),
        "a plain text is encoded as it is"
    );
    text
}

fn message(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encode_invocation(Protocol::Json, &mut out, None, TARGET, &(text,)).expect("text is JSON");
    out
}
