//! Building the server from a configuration, and running it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mesahub_broker::{Broker, InboxShard};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::app::drain::{Draining, drain};
use crate::app::error::AppError;
use crate::app::leaving::{Pace, send_away};
use crate::app::{authentication, journal, limits, options, sessions};
use crate::auth::Authenticator;
use crate::broker::{self, Metered, Meters, RetryOptions, Retrying};
use crate::channel::RecentOrders;
use crate::config::{Loaded, Settings};
use crate::http::{self, Api, RequestCounters, ServeLimits};
use crate::hub::{Hub, HubOptions, Node, NodeOptions};
use crate::metrics::{self, Readers, Sources};
use crate::notification::{
    ClusterOrders, HubNotificationService, NotificationService, notification_hub,
};
use crate::session::DiningSessions;
use crate::transport::{self, Endpoint, Origins};

/// A server that is ready to listen.
pub struct App {
    hub: Hub,
    service: Arc<HubNotificationService>,
    sessions: Option<Arc<DiningSessions>>,
    routes: BoxedFilter<(Response,)>,
    ready: watch::Sender<bool>,
    shutdown_timeout: Duration,
    notice: Duration,
    pace: Pace,
    limits: ServeLimits,
    meters: Arc<Meters>,
    metrics: Option<Metrics>,
}

/// Metrics on an address of their own.
struct Metrics {
    address: SocketAddr,
    routes: BoxedFilter<(Response,)>,
    listener: Option<TcpListener>,
}

impl App {
    /// Builds every part and connects to the backplane; listens to nothing yet.
    ///
    /// # Errors
    /// When a part cannot be built from these settings; the error names the key.
    pub async fn build(loaded: &Loaded) -> Result<Self, AppError> {
        let (inbox, shards) = Node::inbox();
        let backplane = loaded.settings.backplane()?;
        let bounds = options::log(&loaded.settings);
        let broker = broker::open(&backplane, bounds, inbox).await?;
        let node = options::node(&loaded.settings, broker.capabilities());
        Self::with_broker(loaded, broker, shards, &node)
    }

    /// Builds every part around a broker that is already open, with the shards of its inbox. Needs
    /// a Tokio runtime; listens to nothing yet.
    ///
    /// # Errors
    /// As [`build`](Self::build), but for what concerns the backplane.
    pub fn with_broker(
        loaded: &Loaded,
        broker: Arc<dyn Broker>,
        shards: Vec<InboxShard>,
        node: &NodeOptions,
    ) -> Result<Self, AppError> {
        let settings = &loaded.settings;
        let (authenticator, remote_keys) = authentication::authentication(loaded)?;
        let authenticator: Arc<dyn Authenticator> = Arc::new(authenticator);
        let origins = &settings.mesahub.cors.allowed_origins;
        let origins = Origins::new(origins.iter().map(|origin| origin.as_str()))?;

        let backplane = settings.backplane()?;
        let broker = Metered::new(Retrying::new(broker, RetryOptions::default()));
        let meters = Arc::clone(broker.meters());
        let node = Node::start_with(Arc::new(broker), shards, node);
        if let Some(keys) = remote_keys {
            node.tasks().spawn(keys.keep_fresh(node.stopping().clone()));
        }
        let orders = Arc::new(RecentOrders::default());
        let known = Arc::new(ClusterOrders::new(&node, Arc::clone(&orders)));
        let hub_options = HubOptions {
            call_limits: limits::calls(settings),
            ..options::hub(settings, &backplane)
        };
        let hub = notification_hub(&node, known, hub_options)?;
        let service = Arc::new(service(settings, hub.clone(), orders)?);

        let told: Arc<dyn NotificationService> = Arc::clone(&service) as _;
        let sessions = sessions::sessions(&settings.mesahub.sessions, Arc::clone(&told))?;
        if let Some(sessions) = &sessions {
            let stop = node.stopping().clone();
            node.tasks().spawn(Arc::clone(sessions).keep_time(stop));
        }
        let (api_limits, endpoint_limits) = limits::callers(settings);
        let (ready, readiness) = watch::channel(false);
        let requests = Arc::<RequestCounters>::default();
        let sources = Sources {
            node: Arc::clone(&node),
            hubs: vec![hub.clone()],
            service: Arc::clone(&service),
            sessions: sessions.clone(),
            meters: Arc::clone(&meters),
            backplane: backplane.feature().to_owned(),
            requests: Arc::clone(&requests),
            ready: readiness.clone(),
        };
        let api = http::routes(Api {
            hub: hub.clone(),
            service: told,
            backlog: Some(Arc::clone(&service) as _),
            sessions: sessions.clone(),
            authenticator: Arc::clone(&authenticator),
            limits: api_limits,
            ready: readiness,
            backplane: backplane.feature().to_owned(),
            counters: requests,
        });
        let endpoint = Endpoint::new(hub.clone(), Arc::clone(&authenticator))
            .origins(origins)
            .transports(&options::transports(settings))
            .options(options::transport(settings))
            .limits(endpoint_limits);
        let hub_routes = transport::routes(endpoint, settings.mesahub.hub.path.as_str());
        let mut routes = hub_routes.or(api).unify().boxed();
        let from = &settings.mesahub.metrics;
        let mut metrics = None;
        match from.address {
            _ if !from.enabled => {}
            None => {
                let readers = Readers::Services(authenticator);
                let beside = metrics::routes(sources, readers, from.path.as_str());
                routes = routes.or(beside).unify().boxed();
            }
            Some(address) => {
                let alone = metrics::routes(sources, Readers::Anyone, from.path.as_str());
                metrics = Some(Metrics {
                    address,
                    routes: alone.or(http::not_found()).unify().boxed(),
                    listener: None,
                });
            }
        }
        let routes = routes.or(http::not_found()).unify().boxed();
        let server = &settings.mesahub.server;
        Ok(Self {
            hub,
            service,
            sessions,
            routes,
            ready,
            shutdown_timeout: server.shutdown_timeout,
            notice: server.drain.notice,
            pace: Pace {
                share: server.drain.share,
                interval: server.drain.interval,
            },
            limits: limits::serve(settings),
            meters,
            metrics,
        })
    }

    /// The notification hub.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The notification service.
    #[must_use]
    pub fn service(&self) -> &Arc<HubNotificationService> {
        &self.service
    }

    /// The dining sessions, if they are kept here.
    #[must_use]
    pub fn sessions(&self) -> Option<&Arc<DiningSessions>> {
        self.sessions.as_ref()
    }

    /// What has been counted of the backplane.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// Where metrics are to be served alone, if they are: whoever runs the app listens there and
    /// hands the listener to [`serve_metrics`](Self::serve_metrics).
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|metrics| metrics.address)
    }

    /// Serves metrics on this listener too, while it [`run`](Self::run)s, until everything else has
    /// ended. Nothing unless metrics have an address of their own.
    pub fn serve_metrics(&mut self, listener: TcpListener) {
        if let Some(metrics) = &mut self.metrics {
            metrics.listener = Some(listener);
        }
    }

    /// Serves until `stop` resolves, then sends its clients away a few at a time and drains:
    /// whether everything ended within the shutdown timeout. Dropping the future stops accepting
    /// and drains nothing.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) -> bool {
        let (accepting, requests) = (CancellationToken::new(), TaskTracker::new());
        let _metrics = self.metrics.and_then(Metrics::serve);
        let serving = http::serve(
            listener,
            self.routes,
            accepting.clone(),
            requests.clone(),
            self.limits,
        );
        self.ready.send_replace(true);
        tracing::info!("ready");
        let mut serving = std::pin::pin!(serving);
        let leaving = async {
            stop.await;
            tracing::info!("stopping");
            self.ready.send_replace(false);
            let end = Instant::now() + self.shutdown_timeout;
            sleep(self.notice).await;
            let left = end.saturating_duration_since(Instant::now());
            send_away(&self.hub, self.pace, left / 2).await;
            end
        };
        let end = tokio::select! {
            () = &mut serving => Instant::now() + self.shutdown_timeout,
            end = leaving => {
                accepting.cancel();
                serving.await;
                end
            }
        };
        let draining = Draining {
            hub: self.hub,
            service: self.service,
            requests,
        };
        drain(draining, end).await
    }
}

impl Metrics {
    /// Serves them until the guard is dropped. Nobody waits for a scrape.
    fn serve(self) -> Option<DropGuard> {
        let stop = CancellationToken::new();
        let scrapes = TaskTracker::new();
        let (limits, routes) = (ServeLimits::default(), self.routes);
        let serving = http::serve(
            self.listener?,
            routes,
            stop.clone(),
            scrapes.clone(),
            limits,
        );
        scrapes.spawn(serving);
        Some(stop.drop_guard())
    }
}

/// The notification service, with a journal if one is configured.
fn service(
    settings: &Settings,
    hub: Hub,
    orders: Arc<RecentOrders>,
) -> Result<HubNotificationService, AppError> {
    let from = &settings.real_time.notifications;
    let options = options::notifications(settings);
    let Some((store, how)) = journal::journal(from)? else {
        return Ok(HubNotificationService::new(hub, orders, options));
    };
    let made = HubNotificationService::with_journal(hub, orders, options, store, how);
    made.map_err(|source| AppError::Journal {
        path: from.journal.path.clone(),
        source,
    })
}
