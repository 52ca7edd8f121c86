//! What an idle connection keeps in memory: 5,000 authenticated customers in three groups each,
//! where the bytes go, and what each transport takes.
//!
//! Run it with `cargo bench --bench memory`. It prints a report and measures no time. Resident
//! memory is the kernel's word; the share of each part is live heap, told by a counting allocator
//! from hubs that lack one part each. The sockets' buffers are the kernel's and in no figure.
#![expect(clippy::print_stdout, reason = "a bench reports to a person")]

mod support;

use std::alloc::System;
use std::io;
use std::time::Duration;

use mesahub::auth::Principal;
use mesahub::hub::Connection;
use mesahub_protocol::websocket::Reader;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use crate::support::client::{Role, ran_as_clients};
use crate::support::dial::Kind;
use crate::support::process::{allow_sockets, resident};
use crate::support::remote::Remote;
use crate::support::server::{Audience, Server, accept_bare};
use crate::support::table::print_load;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The most resident memory that a connection may take, in bytes.
const TARGET: f64 = 6.0 * 1024.0;

/// How much is measured.
struct Size {
    /// Connections whose resident memory is measured.
    sockets: usize,
    /// Connections that come before them, so that all code has run and all tables exist.
    warm_up: usize,
    /// Connections for the share of each part.
    sample: usize,
}

/// Live heap.
#[derive(Clone, Copy)]
struct Heap {
    bytes: usize,
    blocks: usize,
}

fn main() -> io::Result<()> {
    if ran_as_clients() {
        return Ok(());
    }
    let size = if std::env::args().any(|argument| argument == "--test") {
        Size {
            sockets: 50,
            warm_up: 10,
            sample: 20,
        }
    } else {
        Size {
            sockets: 5_000,
            warm_up: 200,
            sample: 1_000,
        }
    };
    // An event stream and a poll are opened with a second socket, which is closed again.
    allow_sockets(size.sockets + size.warm_up + 9 * (size.sample + size.warm_up));
    let runtime = Runtime::new()?;
    runtime.block_on(resident_memory(&size))?;
    runtime.block_on(shares(&size))?;
    runtime.block_on(transports(&size))?;
    print_sizes();
    print_load();
    Ok(())
}

async fn resident_memory(size: &Size) -> io::Result<()> {
    let server = Server::start(Audience::Members).await?;
    let _warm = guests(&server, Kind::Customer, size.warm_up).await?;
    let (before, heap_before) = (resident(), Heap::now());
    let _clients = guests(&server, Kind::Customer, size.sockets).await?;
    let (after, heap_after) = (resident(), Heap::now());
    assert!(
        server.hub.group_count("tenant:mesa-centro:broadcast") >= size.sockets,
        "every connection is in its tenant's group"
    );
    let each = |from: u64, to: u64| (to as f64 - from as f64) / size.sockets as f64;
    let all = each(before.all, after.all);
    let anonymous = each(before.anonymous, after.anonymous);
    let heap = heap_after.since(heap_before).each(size.sockets);
    println!(
        "\n{} idle authenticated connections in three groups each",
        size.sockets
    );
    println!("{:40}{:>12}{:>12}", "", "before", "after");
    row("resident, KiB", before.all / 1024, after.all / 1024);
    row(
        "resident and not of a file, KiB",
        before.anonymous / 1024,
        after.anonymous / 1024,
    );
    let verdict = if all <= TARGET { "within" } else { "over" };
    println!(
        "{:40}{all:>10.0} B   {verdict} {TARGET:.0} B",
        "resident per connection"
    );
    println!("{:40}{anonymous:>10.0} B", "  not of a file");
    println!(
        "{:40}{:>10.0} B   in {:.1} blocks",
        "  live heap", heap.0, heap.1
    );
    println!(
        "{:40}{:>10.0} B",
        "  the allocator's own and gaps",
        anonymous - heap.0
    );
    Ok(())
}

/// Live heap per connection, part by part.
async fn shares(size: &Size) -> io::Result<()> {
    println!(
        "\nlive heap per connection, from {} connections each",
        size.sample
    );
    println!("{:40}{:>12}{:>12}{:>12}", "", "bytes", "blocks", "more");
    let mut kept = Vec::new();
    let tasks = TaskTracker::new();
    let mut last = bare(size, &tasks, &mut kept).await?;
    share("an accepted socket in a task", last, last.0);
    let mut servers = Vec::new();
    for (title, audience, kind) in [
        (
            "a hub connection over a WebSocket",
            Audience::Anyone,
            Kind::Anonymous,
        ),
        (
            "with a principal, found by its user",
            Audience::Customers,
            Kind::Customer,
        ),
        ("in three groups", Audience::Members, Kind::Customer),
    ] {
        let server = Server::start(audience).await?;
        kept.push(guests(&server, kind, size.warm_up).await?);
        let before = Heap::now();
        kept.push(guests(&server, kind, size.sample).await?);
        let each = Heap::now().since(before).each(size.sample);
        share(title, each, each.0 - last.0);
        last = each;
        servers.push(server);
    }
    Ok(())
}

/// Live heap for a connection of each transport that has shaken hands and is in no group.
async fn transports(size: &Size) -> io::Result<()> {
    println!(
        "\nlive heap per idle connection by transport, from {} connections each",
        size.sample
    );
    println!("{:40}{:>12}{:>12}", "", "bytes", "blocks");
    for (title, kind) in [
        ("WebSocket", Kind::Anonymous),
        ("Server-Sent Events", Kind::Events),
        ("long polling, a poll waiting", Kind::Poll),
    ] {
        let server = Server::start(Audience::Anyone).await?;
        let _warm = guests(&server, kind, size.warm_up).await?;
        let before = Heap::settled().await;
        let _clients = guests(&server, kind, size.sample).await?;
        let (bytes, blocks) = Heap::settled().await.since(before).each(size.sample);
        println!("{title:40}{bytes:>12.0}{blocks:>12.1}");
    }
    Ok(())
}

/// The floor: a task for each socket that waits for something to read.
async fn bare(size: &Size, tasks: &TaskTracker, kept: &mut Vec<Remote>) -> io::Result<(f64, f64)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut before = Heap::now();
    for count in [size.warm_up, size.sample] {
        before = Heap::settled().await;
        let opening = Remote::open(address, Kind::Bare, count, Role::Drain);
        let (clients, sockets) = tokio::try_join!(opening, accept_bare(&listener, count))?;
        kept.push(clients);
        sockets
            .into_iter()
            .for_each(|socket| drop(tasks.spawn(wait(socket))));
    }
    Ok(Heap::now().since(before).each(size.sample))
}

async fn wait(socket: TcpStream) {
    // The client process says nothing, so this ends with the socket. Being told that it is
    // readable proves nothing yet.
    while socket.readable().await.is_ok() {
        match socket.try_read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

async fn guests(server: &Server, kind: Kind, count: usize) -> io::Result<Remote> {
    let clients = Remote::open(server.address, kind, count, Role::Drain).await?;
    server.has_connected(count).await;
    Ok(clients)
}

fn print_sizes() {
    println!("\nsizes of parts, in bytes");
    for (name, size) in [
        ("Connection", size_of::<Connection>()),
        ("Principal, without its texts", size_of::<Principal>()),
        ("WebSocket reader, which has no buffer", size_of::<Reader>()),
        ("TcpStream", size_of::<TcpStream>()),
    ] {
        println!("{name:40}{size:>12}");
    }
}

fn row(title: &str, before: u64, after: u64) {
    println!("{title:40}{before:>12}{after:>12}");
}

fn share(title: &str, (bytes, blocks): (f64, f64), more: f64) {
    println!("{title:40}{bytes:>12.0}{blocks:>12.1}{more:>12.0}");
}

impl Heap {
    fn now() -> Self {
        let stats = ALLOCATOR.stats();
        Self {
            bytes: stats.bytes_allocated - stats.bytes_deallocated,
            blocks: stats.allocations - stats.deallocations,
        }
    }

    /// Live heap once nothing that was measured before is still being given back.
    async fn settled() -> Self {
        let mut last = Self::now();
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let now = Self::now();
            if now.bytes == last.bytes {
                return now;
            }
            last = now;
        }
    }

    /// Growth since an earlier moment.
    fn since(self, before: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(before.bytes),
            blocks: self.blocks.saturating_sub(before.blocks),
        }
    }

    /// Bytes and blocks for each of so many connections.
    fn each(self, connections: usize) -> (f64, f64) {
        (
            self.bytes as f64 / connections as f64,
            self.blocks as f64 / connections as f64,
        )
    }
}
