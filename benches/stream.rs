//! A stream of a million items to one client, in both hub protocols, against the same bytes poured
//! into the same kind of socket as fast as it takes them.
//!
//! Run it with `cargo bench --bench stream`, and with `-- nothing` for the tables alone.

mod support;

use std::io;

use criterion::Criterion;
use mesahub_protocol::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::support::client::{Role, ran_as_clients};
use crate::support::contest::Contest;
use crate::support::dial::Kind;
use crate::support::server::{Audience, Server};
use crate::support::speech::{end, framed, item, masked, stream_invocation};
use crate::support::table::{Comparison, print_load};

/// Turns of the comparison.
const TURNS: usize = 5;

/// The most that the hub hands to a socket at once, and so the floor.
const AT_ONCE: usize = 64 * 1024;

fn main() -> io::Result<()> {
    if ran_as_clients() {
        return Ok(());
    }
    let is_trial = std::env::args().any(|argument| argument == "--test");
    let (items, turns) = if is_trial {
        (1_000, 1)
    } else {
        (1_000_000, TURNS)
    };
    let runtime = Runtime::new()?;
    let server = runtime.block_on(Server::start(Audience::Anyone))?;
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut comparisons = Vec::new();
    for protocol in [Protocol::Json, Protocol::MessagePack] {
        let mut contest = runtime.block_on(Contest::over_sockets(
            format!("{}, a stream of {items} items", protocol.name()),
            &server,
            Kind::speaking(protocol),
            Role::Stream(protocol, items),
            |socket| pour(socket, protocol, items),
        ))?;
        contest.bench(&mut criterion, &runtime);
        comparisons.push(runtime.block_on(contest.compare(turns, 1)));
    }
    criterion.final_summary();
    comparisons.iter().for_each(Comparison::print);
    print_load();
    Ok(())
}

/// Answers every call with the frames of a whole stream, made beforehand.
async fn pour(mut socket: TcpStream, protocol: Protocol, items: u32) {
    let mut call = masked(protocol, &stream_invocation(protocol, items));
    let item = framed(protocol, &item(protocol));
    let last = framed(protocol, &end(protocol));
    let many = item.repeat(AT_ONCE / item.len());
    while socket.read_exact(&mut call).await.is_ok() {
        let mut left = item.len() * items as usize;
        while left > 0 {
            let part = left.min(many.len());
            if socket.write_all(&many[..part]).await.is_err() {
                return;
            }
            left -= part;
        }
        if socket.write_all(&last).await.is_err() {
            return;
        }
    }
}
