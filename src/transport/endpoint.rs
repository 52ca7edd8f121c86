//! A hub or a handler of raw connections, mapped at a path: its routes as a warp filter.

use std::future::Future;
use std::sync::Arc;

use mesahub_protocol::TransportKind;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::auth::{Authenticator, Principal};
use crate::connection::{RawApplication, RawConnection};
use crate::hub::{Hub, Node};
use crate::transport::application::Application;
use crate::transport::gate::Gate;
use crate::transport::limits::EndpointLimits;
use crate::transport::negotiate::{Redirect, Redirection};
use crate::transport::options::TransportOptions;
use crate::transport::origin::Origins;
use crate::transport::post;
use crate::transport::request::request;

/// What is reached at a path: who may come, from which pages and over which transports.
#[derive(Clone)]
pub struct Endpoint {
    application: Application,
    authenticator: Arc<dyn Authenticator>,
    origins: Origins,
    transports: Vec<TransportKind>,
    options: TransportOptions,
    redirection: Option<Arc<Redirection>>,
    limits: EndpointLimits,
}

/// Every transport, in the order in which clients are to try them.
const EVERY: [TransportKind; 3] = [
    TransportKind::WebSockets,
    TransportKind::ServerSentEvents,
    TransportKind::LongPolling,
];

impl Endpoint {
    /// An endpoint for a hub. Every request is authenticated by `authenticator`; give it
    /// [`crate::auth::AllowAnonymous`] for an open hub.
    pub fn new(hub: Hub, authenticator: Arc<dyn Authenticator>) -> Self {
        Self::serving(Application::Hub(hub), authenticator)
    }

    /// An endpoint without a hub protocol: `handler` runs once for each connection, with the
    /// bytes that its client sends and the way back. The connection is closed when it returns.
    /// `name` stands in the log.
    ///
    /// A handler that panics ends its own connection only. When the client leaves, the credential
    /// expires or the node stops, the handler gets no more bytes and should return; it is not
    /// dropped.
    pub fn raw<F, R>(
        node: &Arc<Node>,
        name: impl Into<String>,
        authenticator: Arc<dyn Authenticator>,
        handler: F,
    ) -> Self
    where
        F: Fn(RawConnection) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let raw = RawApplication::new(Arc::clone(node), name.into(), handler);
        Self::serving(Application::Raw(Arc::new(raw)), authenticator)
    }

    fn serving(application: Application, authenticator: Arc<dyn Authenticator>) -> Self {
        Self {
            application,
            authenticator,
            origins: Origins::default(),
            transports: EVERY.to_vec(),
            options: TransportOptions::default(),
            redirection: None,
            limits: EndpointLimits::default(),
        }
    }

    /// Lets pages of these origins in, beside those of the host itself.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Serves only these transports, all three by default. Clients are offered WebSockets first,
    /// then Server-Sent Events, then long polling, whatever the order here.
    #[must_use]
    pub fn transports(mut self, transports: &[TransportKind]) -> Self {
        self.transports = EVERY.to_vec();
        self.transports.retain(|kind| transports.contains(kind));
        self
    }

    /// Sets the limits and deadlines of the transports.
    #[must_use]
    pub fn options(mut self, options: TransportOptions) -> Self {
        self.options = options;
        self
    }

    /// Limits who may connect. Clients are told apart by address only where the server puts a
    /// [`ClientAddress`](crate::limits::ClientAddress) into the extensions of each request, as
    /// [`crate::http::serve`] does.
    #[must_use]
    pub fn limits(mut self, limits: EndpointLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Asks `decide` at each negotiation whether the client is to go elsewhere, telling it who
    /// asks and the raw query string of the request. It must not block.
    #[must_use]
    pub fn redirect(
        mut self,
        decide: impl Fn(&Principal, &str) -> Option<Redirect> + Send + Sync + 'static,
    ) -> Self {
        self.redirection = Some(Arc::new(decide));
        self
    }
}

/// The routes of an endpoint at a path such as `/hubs/chat`, to be mounted beside a host's own.
/// Requests to other paths are rejected as not found, so that other filters can have them.
#[must_use]
pub fn routes(endpoint: Endpoint, path: &str) -> BoxedFilter<(Response,)> {
    let mut at = warp::any().boxed();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        at = at.and(warp::path(segment.to_owned())).boxed();
    }
    let gate = Arc::new(Gate::new(
        endpoint.application,
        endpoint.authenticator,
        endpoint.origins,
        endpoint.transports,
        endpoint.options,
        endpoint.redirection,
        endpoint.limits,
    ));
    let negotiating = Arc::clone(&gate);
    let negotiate = at
        .clone()
        .and(warp::path("negotiate"))
        .and(warp::path::end())
        .and(request())
        .then(move |request| {
            let gate = Arc::clone(&negotiating);
            async move { gate.negotiate(&request).await }
        });
    let connect = at
        .and(warp::path::end())
        .and(request())
        .and(warp::body::stream().map(post::body))
        .then(move |request, body| {
            let gate = Arc::clone(&gate);
            async move { gate.connect(request, body).await }
        });
    negotiate.or(connect).unify().boxed()
}
