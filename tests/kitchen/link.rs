//! The network between a kitchen and the nodes, which fails when it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mesahub_test_servers::let_pass;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It carries everything.
    Carries,
    /// It carries everything, late.
    Delays,
    /// It swallows everything, and nobody is told: both sides keep half of a connection.
    Swallows,
    /// It refuses everything.
    Refuses,
}

/// Something that every connection has to be told.
#[derive(Debug, Clone, Copy)]
struct Weather {
    mood: Mood,
    /// Connections from before this are cut.
    cut: u64,
}

/// How late a delayed byte is.
const LATE: Duration = Duration::from_millis(20);

/// The network; it ends with this.
pub(crate) struct Link {
    pub(crate) address: SocketAddr,
    weather: watch::Sender<Weather>,
    _tasks: JoinSet<()>,
}

impl Link {
    /// A network that leads to any of the nodes, each in turn.
    pub(crate) async fn to(nodes: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, watched) = watch::channel(Weather {
            mood: Mood::Carries,
            cut: 0,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, nodes, watched));
        Self {
            address,
            weather,
            _tasks: tasks,
        }
    }

    /// Does this from now on.
    pub(crate) fn turns(&self, mood: Mood) {
        self.weather.send_modify(|weather| weather.mood = mood);
    }

    /// Cuts every connection that there is.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| weather.cut += 1);
    }
}

async fn accept(listener: TcpListener, nodes: Vec<SocketAddr>, weather: watch::Receiver<Weather>) {
    let (turn, mut connections) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                let (nodes, turn) = (nodes.clone(), Arc::clone(&turn));
                connections.spawn(carry(client, nodes, turn, weather.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Carries one connection to the first node that lets it in, beginning with the next in turn.
async fn carry(
    client: TcpStream,
    nodes: Vec<SocketAddr>,
    turn: Arc<AtomicUsize>,
    mut weather: watch::Receiver<Weather>,
) {
    let cut = weather.borrow().cut;
    if weather.borrow().mood == Mood::Refuses {
        return;
    }
    let first = turn.fetch_add(1, Ordering::Relaxed);
    for place in 0..nodes.len() {
        let node = nodes[(first + place) % nodes.len()];
        let Ok(server) = TcpStream::connect(node).await else {
            continue;
        };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let (up, down) = (weather.clone(), weather.clone());
        tokio::select! {
            () = pump(from_client, to_server, up) => {}
            () = pump(from_server, to_client, down) => {}
            _ = weather.wait_for(|now| now.cut > cut || now.mood == Mood::Refuses) => {}
        }
        return;
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let carries = weather.wait_for(|now| now.mood != Mood::Swallows).await;
        match carries.map(|now| now.mood) {
            Ok(Mood::Delays) => let_pass(LATE).await,
            Ok(_) => {}
            Err(_) => return,
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
