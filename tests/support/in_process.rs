//! A whole server in the test's own process, on the in-memory backplane.

use std::net::SocketAddr;
use std::sync::Arc;

use mesahub::app::{App, AppError};
use mesahub::config::{Loaded, Sources, load};
use mesahub::hub::{Node, NodeOptions};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A server that listens on a free port.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// Stops it.
    pub(crate) stop: CancellationToken,
    /// Whether everything ended in time, once it has.
    pub(crate) ended: JoinHandle<bool>,
}

/// The defaults with these settings over them.
pub(crate) fn loaded<K: Into<String>, V: Into<String>>(
    settings: impl IntoIterator<Item = (K, V)>,
) -> Loaded {
    let settings = settings.into_iter();
    let sources = Sources {
        overrides: settings
            .map(|(key, value)| (key.into(), value.into()))
            .collect(),
        ..Sources::default()
    };
    load(&sources).unwrap()
}

/// The server of these settings, or why there is none.
pub(crate) fn app(loaded: &Loaded) -> Result<App, AppError> {
    let (inbox, shards) = Node::inbox();
    let broker = Arc::new(MemoryBroker::new(MemoryConfig::default(), inbox));
    App::with_broker(loaded, broker, shards, &NodeOptions::default())
}

/// Lets it serve.
pub(crate) async fn run(app: App) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let ended = TaskTracker::new().spawn(app.run(listener, stop.clone().cancelled_owned()));
    Running {
        address,
        stop,
        ended,
    }
}
