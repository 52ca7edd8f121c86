//! A whole server on a free port.

use std::net::SocketAddr;
use std::sync::Arc;

use mesahub::auth::{AllowAnonymous, Authenticator};
use mesahub::http::{ServeLimits, serve};
use mesahub::hub::{Hub, HubBuilder, HubOptions, Node, NodeOptions};
use mesahub::transport::{Endpoint, Origins, TransportOptions, routes};
use mesahub_broker::{Broker, Inbox, InboxShard};
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};
use mesahub_protocol::TransportKind;
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::deadline::becomes;
use super::methods;
use super::stage::Stage;

/// How a server is to be.
pub(crate) struct Plan {
    pub(crate) options: HubOptions,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) origins: Origins,
    /// The limits of the transport; none for those that the hub implies.
    pub(crate) transport: Option<TransportOptions>,
    /// The size of the kernel's send buffer for each connection, in bytes.
    pub(crate) send_buffer: Option<u32>,
    /// What the hub gets beside its methods.
    pub(crate) also: fn(HubBuilder, &Arc<Stage>) -> HubBuilder,
    /// Whether warp's own accept loop serves the routes instead of ours.
    pub(crate) served_by_warp: bool,
    /// What the server shares with other nodes; none when it is alone.
    pub(crate) network: Option<MemoryNetwork>,
    /// A backplane that is already open, in place of a network.
    pub(crate) opened: Option<(Arc<dyn Broker>, Vec<InboxShard>)>,
    pub(crate) node: NodeOptions,
}

/// A server with one hub at `/hub`.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) node: Arc<Node>,
    pub(crate) stage: Arc<Stage>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            options: HubOptions::default(),
            authenticator: Arc::new(AllowAnonymous),
            origins: Origins::default(),
            transport: None,
            send_buffer: None,
            also: |hub, _| hub,
            served_by_warp: false,
            network: None,
            opened: None,
            node: NodeOptions::default(),
        }
    }
}

impl Plan {
    /// Starts a server that is like this around a broker that `open` makes.
    pub(crate) async fn start_on(mut self, open: impl FnOnce(Inbox) -> Arc<dyn Broker>) -> Server {
        let (inbox, shards) = Node::inbox();
        self.opened = Some((open(inbox), shards));
        self.start().await
    }

    /// Starts a server that is like this.
    pub(crate) async fn start(self) -> Server {
        let network = self.network;
        let (broker, shards) = self.opened.unwrap_or_else(|| {
            let network = network.unwrap_or_else(|| MemoryNetwork::new(MemoryConfig::default()));
            let (inbox, shards) = Node::inbox();
            (Arc::new(MemoryBroker::join(&network, inbox)), shards)
        });
        let node = Node::start_with(broker, shards, &self.node);
        let stage = Arc::new(Stage::new());
        let hub = (self.also)(methods::hub(Arc::clone(&stage)), &stage)
            .options(self.options)
            .build(&node)
            .unwrap();
        let mut endpoint = Endpoint::new(hub.clone(), self.authenticator)
            .origins(self.origins)
            .transports(&[TransportKind::WebSockets]);
        if let Some(options) = self.transport {
            endpoint = endpoint.options(options);
        }
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(size) = self.send_buffer {
            socket.set_send_buffer_size(size).unwrap();
        }
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = TaskTracker::new();
        let routes = routes(endpoint, "/hub");
        if self.served_by_warp {
            tasks.spawn(warp::serve(routes).incoming(listener).run());
        } else {
            let (stop, limits) = (CancellationToken::new(), ServeLimits::default());
            tasks.spawn(serve(listener, routes, stop, tasks.clone(), limits));
        }
        Server {
            address,
            hub,
            node,
            stage,
        }
    }
}

impl Server {
    /// A server that lets everybody in, with the default options.
    pub(crate) async fn start() -> Self {
        Plan::default().start().await
    }

    /// A server that lets everybody in.
    pub(crate) async fn with(options: HubOptions) -> Self {
        let plan = Plan {
            options,
            ..Plan::default()
        };
        plan.start().await
    }

    /// Waits until the registry holds this many connections.
    pub(crate) async fn counts(&self, connections: usize) {
        becomes("connections to leave the registry", || {
            self.hub.connection_count() == connections
        })
        .await;
    }
}
