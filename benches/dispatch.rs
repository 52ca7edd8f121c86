//! An invocation from the socket to its handler and its completion back to the socket, one at a
//! time and 100 at a time on one connection, against an echo over the same kind of socket that
//! reads as many bytes and writes as many answers, without a hub protocol.
//!
//! Run it with `cargo bench --bench dispatch`.

mod support;

use std::io;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, measurement::WallTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::support::client::{Role, answer_frame, invocation, ran_as_clients};
use crate::support::dial::{Kind, masked};
use crate::support::remote::Remote;
use crate::support::server::{Audience, Server, accept_bare};
use crate::support::table::{Begin, Comparison, Cost, print_load};

/// Turns of the comparison.
const TURNS: usize = 9;

/// What the hub's transport reads at a time, and so the floor.
const READ_BUFFER: usize = 512;

/// The two connections of one batch size, and what calls over them.
struct Stage {
    batch: usize,
    hub: Remote,
    floor: Remote,
}

fn main() -> io::Result<()> {
    if ran_as_clients() {
        return Ok(());
    }
    let is_trial = std::env::args().any(|argument| argument == "--test");
    let runtime = Runtime::new()?;
    let server = runtime.block_on(Server::start(Audience::Anyone))?;
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut comparisons = Vec::new();
    for (title, batch, rounds) in [
        ("one call at a time", 1, 10_000),
        ("100 calls at a time", 100, 1_000),
    ] {
        let mut stage = runtime.block_on(Stage::set(&server, batch))?;
        let mut group = criterion.benchmark_group(title);
        bench(&mut group, &runtime, &mut stage);
        group.finish();
        let (turns, rounds) = if is_trial { (1, 10) } else { (TURNS, rounds) };
        comparisons.push(runtime.block_on(stage.compare(title, turns, rounds)));
    }
    criterion.final_summary();
    comparisons.iter().for_each(Comparison::print);
    print_load();
    Ok(())
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, stage: &mut Stage) {
    let batch = stage.batch;
    group.sampling_mode(SamplingMode::Flat);
    group.measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(batch as u64));
    group.bench_function("floor", |bencher| {
        bencher.iter_custom(|rounds| runtime.block_on(cost(&mut stage.floor, rounds, batch)).wall);
    });
    group.bench_function("hub", |bencher| {
        bencher.iter_custom(|rounds| runtime.block_on(cost(&mut stage.hub, rounds, batch)).wall);
    });
}

impl Stage {
    async fn set(server: &Server, batch: usize) -> io::Result<Self> {
        let role = Role::Call(batch);
        let hub = Remote::open(server.address, Kind::Anonymous, 1, role).await?;
        server.has_connected(1).await;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let opening = Remote::open(listener.local_addr()?, Kind::Bare, 1, role);
        let (floor, mut sockets) = tokio::try_join!(opening, accept_bare(&listener, 1))?;
        let socket = sockets.pop().expect("one was accepted");
        server.hub.node().tasks().spawn(echo(socket));
        Ok(Self { batch, hub, floor })
    }

    async fn compare(&mut self, title: &'static str, turns: usize, rounds: u64) -> Comparison {
        let mut costs = Vec::with_capacity(turns);
        for _ in 0..turns {
            let floor = cost(&mut self.floor, rounds, self.batch).await;
            costs.push((floor, cost(&mut self.hub, rounds, self.batch).await));
        }
        Comparison {
            title,
            turns: costs,
        }
    }
}

async fn cost(clients: &mut Remote, rounds: u64, batch: usize) -> Cost {
    let begin = Begin::now();
    let done = clients.ask(rounds).await;
    assert_eq!(done, rounds, "every call was answered");
    begin.cost(usize::try_from(rounds).expect("fewer rounds than memory") * batch)
}

/// Answers every call with a ready frame, knowing only how long a call is.
async fn echo(socket: TcpStream) {
    let call = masked(&invocation(0)).len();
    let answer = answer_frame(0);
    let mut buffer = [0; READ_BUFFER];
    let mut unanswered = 0;
    while socket.readable().await.is_ok() {
        match socket.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => unanswered += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        }
        while unanswered >= call {
            unanswered -= call;
            let written = socket.try_write(&answer);
            assert_eq!(
                written.ok(),
                Some(answer.len()),
                "the client reads what it asked for"
            );
        }
    }
}
