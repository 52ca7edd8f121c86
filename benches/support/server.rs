//! A hub on a loopback port, put together as a host application would.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use mesahub::auth::{
    AllowAnonymous, Authenticator, JwtAuthenticator, JwtOptions, Role, SecretKey, SigningAlgorithm,
    TokenSpec,
};
use mesahub::channel::{Channel, channels_on_connect};
use mesahub::http::{ServeLimits, serve};
use mesahub::hub::{Caller, GroupError, Hub, HubOptions, Node, State};
use mesahub::transport::{Endpoint, TransportOptions, routes};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use mesahub_protocol::Protocol;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use crate::support::speech::{ITEM, answer};

/// Where the hub is.
pub(crate) const PATH: &str = "/hubs/bench";

/// Where plain requests are answered with as many bytes as those that carry a connection.
pub(crate) const PLAIN: &str = "/plain";

/// The hub's name, which its topics begin with.
pub(crate) const NAME: &str = "bench";

/// Whom a hub lets in, and what they join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Anybody; they join nothing.
    Anyone,
    /// Customers with a token; they join nothing either.
    Customers,
    /// Customers with a token; they join the channels that it names.
    Members,
}

/// A hub and its listener.
pub(crate) struct Server {
    pub(crate) hub: Hub,
    pub(crate) address: SocketAddr,
    connected: Arc<Semaphore>,
    stop: CancellationToken,
}

/// Makes the tokens of customers, and the key to check them with.
pub(crate) struct TokenMint(SecretKey);

impl Server {
    /// Starts a hub with the methods `Add` and `Pour`. Keep-alives and the ends of polls are so far
    /// apart that none falls into a measurement.
    pub(crate) async fn start(audience: Audience) -> io::Result<Self> {
        Self::start_beside(audience, None).await
    }

    /// Starts the same for anyone, beside plain requests whose answers are as long as those to so
    /// many calls.
    pub(crate) async fn start_beside_plain(calls: usize) -> io::Result<Self> {
        Self::start_beside(Audience::Anyone, Some(plain(calls))).await
    }

    async fn start_beside(
        audience: Audience,
        other: Option<BoxedFilter<(Response,)>>,
    ) -> io::Result<Self> {
        let (inbox, shards) = Node::inbox();
        let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
        let node = Node::start(Arc::new(broker), shards);
        let connected = Arc::new(Semaphore::new(0));
        let options = HubOptions {
            keep_alive_interval: Duration::from_secs(3_600),
            ..HubOptions::default()
        };
        let hub = Hub::builder(NAME)
            .options(options)
            .with_state(Arc::clone(&connected))
            .with_state(audience)
            .method("Add", add)
            .method("Pour", pour)
            .on_connected(welcome)
            .build(&node)
            .map_err(io::Error::other)?;
        let authenticator: Arc<dyn Authenticator> = match audience {
            Audience::Anyone => Arc::new(AllowAnonymous),
            Audience::Customers | Audience::Members => Arc::new(TokenMint::new().authenticator()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let endpoint = Endpoint::new(hub.clone(), authenticator).options(TransportOptions {
            poll_timeout: Duration::from_secs(3_600),
            ..TransportOptions::default()
        });
        let mut routes = routes(endpoint, PATH);
        if let Some(other) = other {
            routes = routes.or(other).unify().boxed();
        }
        let tasks = node.tasks();
        let accepting = serve(
            listener,
            routes,
            stop.clone(),
            tasks.clone(),
            ServeLimits::default(),
        );
        tasks.spawn(accepting);
        Ok(Self {
            hub,
            address,
            connected,
            stop,
        })
    }

    /// Waits until the connect handlers of `count` more connections are done.
    pub(crate) async fn has_connected(&self, count: usize) {
        let count = u32::try_from(count).expect("a bench opens fewer connections");
        let permits = self.connected.acquire_many(count).await;
        permits.expect("the semaphore stays open").forget();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl TokenMint {
    pub(crate) fn new() -> Self {
        Self(SecretKey::new(*b"a key that only ever signs on a loopback"))
    }

    /// A token with tenant, user, role and dining session; user and session are of this number.
    pub(crate) fn customer(&self, number: usize) -> String {
        let session = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number as u128);
        let spec = TokenSpec {
            tenant: Some("mesa-centro".parse().expect("a tenant key")),
            user: Some(format!("customer-{number:06}").parse().expect("a user id")),
            roles: vec![Role::Customer],
            session: Some(session.to_string().parse().expect("a session id")),
            ..TokenSpec::default()
        };
        spec.mint(&self.0, SigningAlgorithm::Hs256)
            .expect("the key is long enough")
    }

    /// A token with tenant, user and role; the user is of this number.
    pub(crate) fn staff(&self, number: usize) -> String {
        let spec = TokenSpec {
            tenant: Some("mesa-centro".parse().expect("a tenant key")),
            user: Some(format!("staff-{number:06}").parse().expect("a user id")),
            roles: vec![Role::Staff],
            ..TokenSpec::default()
        };
        spec.mint(&self.0, SigningAlgorithm::Hs256)
            .expect("the key is long enough")
    }

    pub(crate) fn authenticator(&self) -> JwtAuthenticator {
        JwtAuthenticator::new(JwtOptions::new(self.0.clone())).expect("the key is long enough")
    }
}

async fn add(left: i64, right: i64) -> i64 {
    left + right
}

async fn pour(items: usize) -> impl Stream<Item = &'static str> {
    stream::iter(std::iter::repeat_n(ITEM, items))
}

/// Requests without a hub: what is posted is read and forgotten, and what is got is ready.
fn plain(calls: usize) -> BoxedFilter<(Response,)> {
    let answers: Vec<u8> = (0..calls)
        .flat_map(|number| answer(Protocol::Json, number))
        .collect();
    let post = warp::path(&PLAIN[1..])
        .and(warp::post())
        .and(warp::body::bytes())
        .map(|_: Bytes| Response::default());
    let get = warp::path(&PLAIN[1..])
        .and(warp::get())
        .map(move || answers.clone().into_response());
    post.or(get).unify().boxed()
}

/// Lets members join what their token names: the tenant's broadcast, the customer's channel and
/// the session's.
async fn welcome(
    caller: Caller,
    State(audience): State<Audience>,
    State(connected): State<Arc<Semaphore>>,
) -> Result<(), GroupError> {
    if audience == Audience::Members {
        let channels = channels_on_connect(caller.principal());
        let own = channels
            .iter()
            .filter(|channel| **channel != Channel::GlobalBroadcast);
        caller.join_all(own.map(ToString::to_string)).await?;
    }
    connected.add_permits(1);
    Ok(())
}

/// Accepts the sockets of a floor: nothing but TCP.
pub(crate) async fn accept_bare(
    listener: &TcpListener,
    count: usize,
) -> io::Result<Vec<TcpStream>> {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        sockets.push(socket);
    }
    Ok(sockets)
}
