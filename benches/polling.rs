//! Calls over long polling, one and 100 in each request, against plain requests to the same server
//! with the same bodies and answers.
//!
//! Run it with `cargo bench --bench polling`, and with `-- nothing` for the tables alone.

mod support;

use std::io;

use criterion::Criterion;
use tokio::runtime::Runtime;

use crate::support::client::{Role, ran_as_clients};
use crate::support::contest::Contest;
use crate::support::dial::Kind;
use crate::support::remote::Remote;
use crate::support::server::Server;
use crate::support::table::{Comparison, print_load};

/// Turns of the comparison.
const TURNS: usize = 9;

fn main() -> io::Result<()> {
    if ran_as_clients() {
        return Ok(());
    }
    let is_trial = std::env::args().any(|argument| argument == "--test");
    let runtime = Runtime::new()?;
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut comparisons = Vec::new();
    for (title, batch, rounds) in [
        ("one call in a request", 1, 2_000),
        ("100 calls in a request", 100, 500),
    ] {
        let server = runtime.block_on(Server::start_beside_plain(batch))?;
        let mut contest = runtime.block_on(contest(&server, title, batch))?;
        contest.bench(&mut criterion, &runtime);
        let (turns, rounds) = if is_trial { (1, 10) } else { (TURNS, rounds) };
        comparisons.push(runtime.block_on(contest.compare(turns, rounds)));
    }
    criterion.final_summary();
    comparisons.iter().for_each(Comparison::print);
    print_load();
    Ok(())
}

async fn contest(server: &Server, title: &str, batch: usize) -> io::Result<Contest> {
    let role = Role::Poll(batch);
    Ok(Contest {
        title: title.to_owned(),
        messages: batch,
        floor: Remote::open(server.address, Kind::Bare, 1, role.clone()).await?,
        hub: Remote::open(server.address, Kind::Poll, 1, role).await?,
    })
}
