//! 1,000 clients that were away ask at once for the 1,000 notifications that each of them missed,
//! against sockets that answer the same questions with the same bytes, ready made.
//!
//! Run it with `cargo bench --bench resume`, and with `-- nothing` for the table alone.

mod support;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use mesahub::channel::RecentOrders;
use mesahub::http::{ServeLimits, serve};
use mesahub::hub::{HubOptions, Node};
use mesahub::notification::{
    Event, HubNotificationService, NotificationOptions, NotificationService, notification_hub,
};
use mesahub::transport::{Endpoint, routes};
use mesahub_broker::LogBounds;
use mesahub_memory::{MemoryBroker, MemoryConfig};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::support::client::{Role, ran_as_clients};
use crate::support::contest::Contest;
use crate::support::dial::{Kind, dial};
use crate::support::process::allow_sockets;
use crate::support::remote::Remote;
use crate::support::resuming::resume;
use crate::support::server::{PATH, TokenMint, accept_bare};
use crate::support::table::print_load;

/// Turns of the comparison.
const TURNS: usize = 5;

fn main() -> io::Result<()> {
    if ran_as_clients() {
        return Ok(());
    }
    let is_trial = std::env::args().any(|argument| argument == "--test");
    let (clients, missed, turns) = if is_trial {
        (5, 20, 1)
    } else {
        (1_000, 1_000, TURNS)
    };
    allow_sockets(3 * clients);
    let runtime = Runtime::new()?;
    let mut contest = runtime.block_on(contest(clients, missed))?;
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    contest.bench(&mut criterion, &runtime);
    criterion.final_summary();
    runtime.block_on(contest.compare(turns, 1)).print();
    print_load();
    Ok(())
}

async fn contest(clients: usize, missed: u32) -> io::Result<Contest> {
    let (inbox, shards) = Node::inbox();
    let config = MemoryConfig {
        log: LogBounds {
            max_count: missed as usize + 1,
            ..LogBounds::default()
        },
    };
    let broker = MemoryBroker::new(config, inbox);
    let node = Node::start(Arc::new(broker), shards);
    let orders = Arc::<RecentOrders>::default();
    let options = HubOptions {
        keep_alive_interval: Duration::from_secs(3_600),
        ..HubOptions::default()
    };
    let hub =
        notification_hub(&node, Arc::clone(&orders) as _, options).map_err(io::Error::other)?;
    let direct = NotificationOptions {
        enable_background_processing: false,
        ..NotificationOptions::default()
    };
    let service = HubNotificationService::new(hub.clone(), orders, direct);
    let mint = TokenMint::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let endpoint = Endpoint::new(hub, Arc::new(mint.authenticator()));
    let accepting = serve(
        listener,
        routes(endpoint, PATH),
        CancellationToken::new(),
        node.tasks().clone(),
        ServeLimits::default(),
    );
    node.tasks().spawn(accepting);

    let mut place = None;
    for _ in 0..=missed {
        let id = service.notify(order()).await.map_err(io::Error::other)?;
        place.get_or_insert(id);
    }
    let place = place.expect("one was published").to_string();
    let mut first = dial(address, Kind::Staff, &mint, 0).await?;
    let (count, answers) = resume(&mut first, &place).await?;
    assert_eq!(count, u64::from(missed), "the log has everything");

    let role = Role::Resume(place, missed);
    let hub = Remote::open(address, Kind::Staff, clients, role.clone()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let opening = Remote::open(listener.local_addr()?, Kind::Bare, clients, role);
    let (floor, sockets) = tokio::try_join!(opening, accept_bare(&listener, clients))?;
    let answers: Arc<[Vec<u8>]> = answers.into();
    for socket in sockets {
        node.tasks().spawn(answer(socket, Arc::clone(&answers)));
    }
    Ok(Contest {
        title: format!("{clients} clients resume {missed} notifications each"),
        messages: clients * missed as usize,
        floor,
        hub,
    })
}

/// Answers question after question with what the hub has answered once.
async fn answer(mut socket: TcpStream, answers: Arc<[Vec<u8>]>) {
    let mut question = Vec::with_capacity(512);
    loop {
        for answer in answers.iter() {
            question.clear();
            while !is_whole(&question) {
                match socket.read_buf(&mut question).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
            if socket.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

/// Whether a frame of less than 64 KiB is there whole.
fn is_whole(frame: &[u8]) -> bool {
    let length = match frame {
        [_, head, high, low, ..] if head & 0x7f == 126 => {
            8 + usize::from(u16::from_be_bytes([*high, *low]))
        }
        [_, head, ..] if head & 0x7f < 126 => 6 + usize::from(head & 0x7f),
        _ => return false,
    };
    frame.len() >= length
}

fn order() -> Event {
    let event = json!({
        "type": "NewOrder", "tenantKey": "mesa-centro", "tableNumber": "12",
        "orderId": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "order": { "items": ["margherita", "quattro stagioni"], "totalAmount": 27.5 },
    });
    serde_json::from_value(event).expect("a good event")
}
