//! A whole server on a free port, with one hub at `/hub`.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use mesahub::auth::{AllowAnonymous, AuthError, Authenticator, Principal};
use mesahub::http::{ServeLimits, serve};
use mesahub::hub::{Caller, ConnectionId, Ended, Ending, Hub, HubError, HubOptions, Node, State};
use mesahub::transport::{Endpoint, TransportOptions, routes};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::deadline::within;
use super::request::Request;

/// How a server is to be.
pub(crate) struct Plan {
    pub(crate) hub: HubOptions,
    pub(crate) transport: TransportOptions,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    /// Changes the endpoint further.
    pub(crate) endpoint: fn(Endpoint) -> Endpoint,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) node: Arc<Node>,
    pub(crate) stage: Arc<Stage>,
}

/// What the handlers of the hub tell and wait for.
#[derive(Default)]
pub(crate) struct Stage {
    connected: watch::Sender<Vec<ConnectionId>>,
    ended: watch::Sender<Vec<(ConnectionId, Ending)>>,
    marked: watch::Sender<bool>,
    /// A permit lets one waiting call go on.
    pub(crate) gate: Gate,
}

pub(crate) struct Gate(pub(crate) Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

/// Takes `ann` as the token of the user ann; `ann@5000` ends in 5,000 ms.
pub(crate) struct People;

impl Authenticator for People {
    fn authenticate(&self, token: &str) -> Result<Principal, AuthError> {
        let (user, lifetime) = token.split_once('@').unwrap_or((token, "3600000"));
        let lifetime: i64 = lifetime.parse().unwrap();
        if lifetime <= 0 {
            return Err(AuthError::Expired);
        }
        Ok(Principal {
            user: Some(user.parse().unwrap()),
            expires_at: Some(Timestamp::now() + lifetime.milliseconds()),
            ..Principal::anonymous()
        })
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            hub: HubOptions::default(),
            transport: TransportOptions::default(),
            authenticator: Arc::new(AllowAnonymous),
            endpoint: |endpoint| endpoint,
        }
    }
}

impl Plan {
    pub(crate) async fn start(self) -> Server {
        let node = node();
        let stage = Arc::<Stage>::default();
        let hub = Hub::builder("test")
            .with_state(Arc::clone(&stage))
            .options(self.hub)
            .on_connected(async |caller: Caller, State(stage): State<Arc<Stage>>| {
                stage.connected.send_modify(|all| all.push(caller.id()));
            })
            .on_disconnected(record)
            .method("Add", async |a: i64, b: i64| a + b)
            .method("Echo", async |text: String| text)
            .method("Large", async |size: usize| "x".repeat(size))
            .method("Mark", async |State(stage): State<Arc<Stage>>| {
                stage.marked.send_replace(true);
            })
            .method("Wait", wait)
            .method("Abort", async |caller: Caller| caller.abort())
            .method("SendAll", send_all)
            .build(&node)
            .unwrap();
        let endpoint = Endpoint::new(hub.clone(), self.authenticator).options(self.transport);
        let address = listen((self.endpoint)(endpoint)).await;
        Server {
            address,
            hub,
            node,
            stage,
        }
    }

    /// Serves a raw endpoint instead of a hub.
    pub(crate) async fn start_raw(make: impl FnOnce(&Arc<Node>) -> Endpoint) -> SocketAddr {
        listen(make(&node())).await
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Plan::default().start().await
    }

    /// A server with other limits.
    pub(crate) async fn with(change: impl FnOnce(&mut TransportOptions)) -> Self {
        let mut plan = Plan::default();
        change(&mut plan.transport);
        plan.start().await
    }

    /// A server that knows people by name.
    pub(crate) async fn with_people() -> Self {
        let plan = Plan {
            authenticator: Arc::new(People),
            ..Plan::default()
        };
        plan.start().await
    }

    /// Maps the same hub once more, at another address.
    pub(crate) async fn again(&self, change: impl FnOnce(Endpoint) -> Endpoint) -> SocketAddr {
        let endpoint = Endpoint::new(self.hub.clone(), Arc::new(AllowAnonymous));
        listen(change(endpoint)).await
    }

    /// Negotiates and gives the token.
    pub(crate) async fn token(&self) -> String {
        token_of(Request::negotiate(), self.address).await
    }

    /// Negotiates as somebody and gives the token.
    pub(crate) async fn token_for(&self, bearer: &str) -> String {
        token_of(Request::negotiate().bearer(bearer), self.address).await
    }

    /// Waits until so many connections have ended, and says why each did.
    pub(crate) async fn endings(&self, count: usize) -> Vec<Ending> {
        let mut ended = self.stage.ended.subscribe();
        let all = within("endings", ended.wait_for(|all| all.len() >= count)).await;
        let all = all.unwrap();
        all.iter().map(|(_, ending)| ending.clone()).collect()
    }

    /// Waits until the method `Mark` has been called.
    pub(crate) async fn marked(&self) {
        let mut marked = self.stage.marked.subscribe();
        let called = marked.wait_for(|marked| *marked);
        within("the mark", called).await.unwrap();
    }

    /// Waits until so many connections have been there.
    pub(crate) async fn connected(&self, count: usize) -> Vec<ConnectionId> {
        let mut connected = self.stage.connected.subscribe();
        let all = connected.wait_for(|all| all.len() >= count);
        within("connections", all).await.unwrap().clone()
    }
}

/// The token that a negotiate answer holds.
pub(crate) async fn token_of(request: Request, address: SocketAddr) -> String {
    let answer = request.send(address).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["connectionToken"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn node() -> Arc<Node> {
    let (inbox, shards) = Node::inbox();
    let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
    Node::start(Arc::new(broker), shards)
}

async fn listen(endpoint: Endpoint) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = TaskTracker::new();
    tasks.spawn(serve(
        listener,
        routes(endpoint, "/hub"),
        CancellationToken::new(),
        tasks.clone(),
        ServeLimits::default(),
    ));
    address
}

async fn record(caller: Caller, Ended(ending): Ended, State(stage): State<Arc<Stage>>) {
    stage
        .ended
        .send_modify(|all| all.push((caller.id(), ending)));
}

async fn wait(State(stage): State<Arc<Stage>>) {
    stage.gate.0.acquire().await.unwrap().forget();
}

async fn send_all(caller: Caller, text: String) -> Result<(), HubError> {
    Ok(caller.clients().all().send("said", &(text,)).await?)
}
