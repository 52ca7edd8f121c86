//! An invocation from the socket to its handler and its completion back to the socket, in both hub
//! protocols, one at a time and 100 at a time on one connection, against an echo over the same kind
//! of socket that reads as many bytes and answers as many, without a hub protocol. The echo writes
//! each answer alone, and in a second contest all those to one read together.
//!
//! Run it with `cargo bench --bench dispatch`, and with `-- nothing` for the tables alone.

mod support;

use std::io;

use criterion::Criterion;
use mesahub_protocol::Protocol;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::support::client::{Role, ran_as_clients};
use crate::support::contest::Contest;
use crate::support::dial::Kind;
use crate::support::server::{Audience, Server};
use crate::support::speech::{answer, framed, invocation, masked};
use crate::support::table::{Comparison, print_load};

/// Turns of the comparison.
const TURNS: usize = 9;

/// What the hub's transport reads at a time, and so the floor.
const READ_BUFFER: usize = 512;

fn main() -> io::Result<()> {
    if ran_as_clients() {
        return Ok(());
    }
    let is_trial = std::env::args().any(|argument| argument == "--test");
    let runtime = Runtime::new()?;
    let server = runtime.block_on(Server::start(Audience::Anyone))?;
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut comparisons = Vec::new();
    for protocol in [Protocol::Json, Protocol::MessagePack] {
        for (what, batch, rounds, is_joined) in [
            ("one call at a time", 1, 10_000, false),
            ("100 calls at a time", 100, 1_000, false),
            ("100 calls at a time, answered together", 100, 1_000, true),
        ] {
            let title = format!("{}, {what}", protocol.name());
            let mut contest = runtime.block_on(Contest::over_sockets(
                title,
                &server,
                Kind::speaking(protocol),
                Role::Call(protocol, batch),
                |socket| echo(socket, protocol, is_joined),
            ))?;
            contest.bench(&mut criterion, &runtime);
            let (turns, rounds) = if is_trial { (1, 10) } else { (TURNS, rounds) };
            comparisons.push(runtime.block_on(contest.compare(turns, rounds)));
        }
    }
    criterion.final_summary();
    comparisons.iter().for_each(Comparison::print);
    print_load();
    Ok(())
}

/// Answers every call with a ready frame, knowing only how long a call is.
async fn echo(socket: TcpStream, protocol: Protocol, is_joined: bool) {
    let call = masked(protocol, &invocation(protocol, 0)).len();
    let answer = framed(protocol, &answer(protocol, 0));
    let many = answer.repeat(READ_BUFFER / call + 1);
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
            let answers = if is_joined { unanswered / call } else { 1 };
            unanswered -= call * answers;
            let length = answer.len() * answers;
            let written = socket.try_write(&many[..length]);
            assert_eq!(
                written.ok(),
                Some(length),
                "the client reads what it asked for"
            );
        }
    }
}
