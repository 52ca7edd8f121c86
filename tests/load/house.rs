//! A hub with groups, as any SignalR server has them, which may lie.

use std::net::SocketAddr;
use std::sync::Arc;

use mesahub::auth::AllowAnonymous;
use mesahub::http::{ServeLimits, serve};
use mesahub::hub::{Caller, Hub, HubError, Node, SendError, State};
use mesahub::transport::{Endpoint, routes};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a house does with every tenth message of a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Hands it on like the others.
    Honest,
    /// Keeps it for itself, and says that it was sent.
    Swallows,
    /// Hands it on twice.
    Repeats,
    /// Hands it on behind the next one.
    Delays,
    /// Hands it on to everybody, whatever the channel.
    Leaks,
    /// Does not take it, and says so.
    Refuses,
    /// Ends the connection of a listener, who comes back.
    Hangs,
}

/// A running house.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) state: Arc<Rooms>,
}

/// What it remembers.
pub(crate) struct Rooms {
    habit: Habit,
    /// What was delayed.
    kept: Mutex<Option<String>>,
    /// How many messages it treated as its habit is.
    treated: Mutex<u64>,
    members: Mutex<Vec<Caller>>,
}

impl House {
    /// Opens one on a free port.
    pub(crate) async fn open(habit: Habit) -> Self {
        let (inbox, shards) = Node::inbox();
        let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
        let node = Node::start(Arc::new(broker), shards);
        let state = Arc::new(Rooms {
            habit,
            kept: Mutex::default(),
            treated: Mutex::default(),
            members: Mutex::default(),
        });
        let hub = Hub::builder("house")
            .with_state(Arc::clone(&state))
            .method("Enter", enter)
            .method("Say", say)
            .build(&node)
            .unwrap();
        let endpoint = Endpoint::new(hub.clone(), Arc::new(AllowAnonymous));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = TaskTracker::new();
        tasks.spawn(serve(
            listener,
            routes(endpoint, "/house"),
            CancellationToken::new(),
            tasks.clone(),
            ServeLimits::default(),
        ));
        Self {
            address,
            hub,
            state,
        }
    }

    /// How many messages it treated as its habit is.
    pub(crate) fn treated(&self) -> u64 {
        *self.state.treated.lock()
    }
}

async fn enter(
    caller: Caller,
    room: String,
    State(rooms): State<Arc<Rooms>>,
) -> Result<(), HubError> {
    caller.join(&room).await?;
    rooms.members.lock().push(caller);
    Ok(())
}

async fn say(
    caller: Caller,
    room: String,
    text: String,
    State(rooms): State<Arc<Rooms>>,
) -> Result<(), HubError> {
    let send = async |text: &str| -> Result<(), SendError> {
        let group = caller.clients().group(room.clone());
        group.send("Said", &[text]).await
    };
    // The number of the message, as its mark has it.
    let number: u64 = text.split(':').nth(3).unwrap().parse().unwrap();
    if rooms.habit == Habit::Honest || number % 10 != 5 {
        send(&text).await?;
        let kept = rooms.kept.lock().take();
        if let Some(kept) = kept {
            send(&kept).await?;
        }
        return Ok(());
    }
    *rooms.treated.lock() += 1;
    match rooms.habit {
        Habit::Honest | Habit::Swallows => {}
        Habit::Repeats => {
            send(&text).await?;
            send(&text).await?;
        }
        Habit::Delays => *rooms.kept.lock() = Some(text),
        Habit::Leaks => caller.clients().all().send("Said", &[text]).await?,
        Habit::Refuses => return Err(HubError::new("Not now.")),
        Habit::Hangs => {
            let listener = rooms.members.lock().pop();
            listener.expect("somebody is there").abort();
            send(&text).await?;
        }
    }
    Ok(())
}
