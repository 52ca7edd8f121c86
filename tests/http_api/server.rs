//! A server with the whole API, the notification hub and the in-memory backplane.

use std::net::SocketAddr;
use std::sync::Arc;

use mesahub::auth::{
    JwtAuthenticator, JwtOptions, Role, SecretKey, ServiceScope, SigningAlgorithm, TokenSpec,
};
use mesahub::channel::RecentOrders;
use mesahub::http::{Api, ApiLimits, ServeLimits, not_found, routes, serve};
use mesahub::hub::{Hub, HubOptions, Node};
use mesahub::notification::notification_hub;
use mesahub::notification::{
    Backlog, HubNotificationService, NotificationOptions, NotificationService,
};
use mesahub::session::{DiningSessions, MemorySessions, SessionNotifier, SessionTimes};
use mesahub::transport::{self, Endpoint};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use warp::Filter;

use crate::document::Document;

const KEY: [u8; 32] = [7; 32];

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) document: Document,
}

impl Server {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        Self::start_as(NotificationOptions::default()).await
    }

    /// Starts one that sends notifications in a way of the test's own.
    pub(crate) async fn start_as(options: NotificationOptions) -> Self {
        Self::begin(|hub| {
            let service = Arc::new(HubNotificationService::new(hub, Arc::default(), options));
            (Arc::clone(&service) as _, Some(service as _))
        })
        .await
    }

    /// Starts one that hands notifications to a service of the test's own.
    pub(crate) async fn start_with<F>(service: F) -> Self
    where
        F: FnOnce(Hub) -> Arc<dyn NotificationService>,
    {
        Self::begin(|hub| (service(hub), None)).await
    }

    async fn begin<F>(services: F) -> Self
    where
        F: FnOnce(Hub) -> (Arc<dyn NotificationService>, Option<Arc<dyn Backlog>>),
    {
        let (inbox, shards) = Node::inbox();
        let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
        let node = Node::start(Arc::new(broker), shards);
        let orders = Arc::new(RecentOrders::default());
        let hub = notification_hub(&node, orders, HubOptions::default()).unwrap();
        let key = JwtOptions::new(SecretKey::new(KEY));
        let authenticator = Arc::new(JwtAuthenticator::new(key).unwrap());
        let (ready, readiness) = watch::channel(false);
        let (service, backlog) = services(hub.clone());
        let sessions = DiningSessions::new(
            Arc::new(MemorySessions::default()),
            SessionNotifier::new(Arc::clone(&service)),
            SessionTimes::default(),
        );
        let api = routes(Api {
            hub: hub.clone(),
            service,
            backlog,
            sessions: Some(Arc::new(sessions)),
            authenticator: Arc::clone(&authenticator) as _,
            limits: ApiLimits::default(),
            ready: readiness,
            backplane: "memory".to_owned(),
            counters: Arc::default(),
        });
        let endpoint = transport::routes(Endpoint::new(hub.clone(), authenticator), "/hub");
        let routes = endpoint.or(api).unify().or(not_found()).unify();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, tasks) = (CancellationToken::new(), node.tasks().clone());
        let limits = ServeLimits::default();
        node.tasks()
            .spawn(serve(listener, routes, stop, tasks, limits));
        Self {
            address,
            hub,
            ready,
            document: Document::load(address).await,
        }
    }
}

/// The token of a service for these tenants; `*` is all.
pub(crate) fn service_token(tenants: &[&str]) -> String {
    let scope = match tenants {
        ["*"] => ServiceScope::Every,
        tenants => ServiceScope::Tenants(
            tenants
                .iter()
                .map(|tenant| tenant.parse().unwrap())
                .collect(),
        ),
    };
    signed(&TokenSpec {
        service: Some(scope),
        ..TokenSpec::default()
    })
}

/// The token of a person of a tenant.
pub(crate) fn person_token(tenant: &str, user: &str, role: Role) -> String {
    signed(&TokenSpec {
        tenant: Some(tenant.parse().unwrap()),
        user: Some(user.parse().unwrap()),
        roles: vec![role],
        ..TokenSpec::default()
    })
}

/// A token signed with the server's key.
pub(crate) fn signed(spec: &TokenSpec) -> String {
    spec.mint(&SecretKey::new(KEY), SigningAlgorithm::Hs256)
        .unwrap()
}
