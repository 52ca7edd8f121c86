//! The accept loop under warp.
//!
//! ```text
//!   listener ──accept──► task on the tracker: hyper connection ──► addresses, RequestId
//!      ▲                        │                                        │
//!     stop ─────────────► graceful shutdown             warp routes ◄────┘ ──► access log
//! ```
//!
//! An upgraded connection leaves the task with its socket: whoever took the upgrade answers for
//! it from then on.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::rt::Executor;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, field};
use warp::Filter;
use warp::reply::Reply;

use super::access_log::AccessEntry;
use super::activity::{Activity, Look};
use super::limits::ServeLimits;
use super::peer::PeerAddress;
use super::problem::Problem;
use super::request_id::{self, RequestId};
use crate::telemetry::TraceParent;

const FIRST_BACK_OFF: Duration = Duration::from_millis(20);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);

/// Accepts connections and answers their requests with the routes, until `stop` is cancelled.
/// It speaks HTTP/1.1 and, to clients that begin with it, HTTP/2, both without TLS.
///
/// Every connection is a task on `tasks`. When `stop` is cancelled this returns, the listener is
/// closed, requests under way are answered, and each connection ends after its last answer;
/// waiting for `tasks` waits for them. Upgraded sockets are not waited for.
///
/// When the process is out of file descriptors or memory, accepting pauses for 20 ms, and for
/// twice as long each further time up to a second, instead of spinning. Dropping the future stops
/// accepting and leaves the accepted connections running.
pub async fn serve<F, R>(
    listener: TcpListener,
    routes: F,
    stop: CancellationToken,
    tasks: TaskTracker,
    limits: ServeLimits,
) where
    F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    R: Reply + 'static,
{
    let builder = Arc::new(builder(&limits, tasks.clone()));
    let limits = Arc::new(limits);
    let mut back_off = FIRST_BACK_OFF;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                back_off = FIRST_BACK_OFF;
                let connection = Accepted {
                    stream,
                    peer: PeerAddress(peer),
                    limits: Arc::clone(&limits),
                    stop: stop.clone(),
                };
                tasks.spawn(connection.serve(Arc::clone(&builder), routes.clone()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, pause = ?back_off, "cannot accept connections");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(back_off) => {}
                }
                back_off = (back_off * 2).min(LONGEST_BACK_OFF);
            }
        }
    }
}

/// Runs what an HTTP/2 connection spawns where shutdown waits for it.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// A connection that has not been served yet.
struct Accepted {
    stream: TcpStream,
    peer: PeerAddress,
    limits: Arc<ServeLimits>,
    stop: CancellationToken,
}

impl Accepted {
    async fn serve<F, R>(self, builder: Arc<Builder<Tracked>>, routes: F)
    where
        F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
        R: Reply + 'static,
    {
        let Self {
            stream,
            peer,
            limits,
            stop,
        } = self;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, peer = %peer.0, "cannot set TCP_NODELAY");
        }
        let (patience, idle) = (limits.header_read_timeout, limits.idle_timeout);
        let activity = Arc::<Activity>::default();
        let service = answering(routes, peer, Arc::clone(&activity), limits);
        let mut connection =
            pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
        let mut next_look = pin!(sleep_until(Instant::now() + patience));
        let (mut is_ending, mut is_stopping) = (false, false);
        let result = loop {
            tokio::select! {
                result = connection.as_mut() => break result,
                () = next_look.as_mut() => {
                    let now = Instant::now();
                    let next = match activity.look(now, idle) {
                        Look::Again(next) => next,
                        Look::Idle if !is_ending => {
                            connection.as_mut().graceful_shutdown();
                            is_ending = true;
                            now + patience
                        }
                        Look::Idle | Look::Unused => {
                            tracing::debug!(peer = %peer.0, "dropped a connection that nobody used");
                            return;
                        }
                    };
                    next_look.as_mut().reset(next);
                }
                () = stop.cancelled(), if !is_stopping => {
                    connection.as_mut().graceful_shutdown();
                    is_stopping = true;
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(error = %error, peer = %peer.0, "the connection failed");
        }
    }
}

/// The routes as a service that names and logs each request.
fn answering<F, R>(
    routes: F,
    peer: PeerAddress,
    activity: Arc<Activity>,
    limits: Arc<ServeLimits>,
) -> impl Service<
    Request<Incoming>,
    Response = Response<impl Body<Data = Bytes, Error = warp::Error> + Send + 'static>,
    Error = Infallible,
    Future: Send + 'static,
> + Send
+ 'static
where
    F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    R: Reply + 'static,
{
    let routes = TowerToHyperService::new(warp::service(routes));
    service_fn(move |mut request: Request<Incoming>| {
        let busy = activity.begin();
        let id = RequestId::of(request.headers());
        let client = limits
            .trusted_proxies
            .client(peer.0.ip(), request.headers());
        let entry = AccessEntry::begin(&request, peer, client, id.clone());
        let trace = TraceParent::of(request.headers());
        let trace_id = trace.map(|parent| field::display(parent.trace_id()));
        let span = tracing::info_span!("request", request_id = %id, trace_id);
        let extensions = request.extensions_mut();
        extensions.insert(peer);
        extensions.insert(client);
        extensions.insert(id.clone());
        let target = request.uri().path_and_query();
        let length = target.map_or(0, |target| target.as_str().len());
        let answer = match length <= limits.max_target_bytes {
            true => Ok(routes.call(request)),
            false => Err(too_long(limits.max_target_bytes)),
        };
        let named = async move {
            let mut response = match answer {
                Ok(answer) => answer.await?,
                Err(problem) => problem.into_response(),
            };
            response
                .headers_mut()
                .insert(request_id::HEADER, id.header_value());
            entry.end(&response);
            Ok(response.map(|body| busy.with(body)))
        };
        named.instrument(span)
    })
}

fn too_long(most: usize) -> Problem {
    let detail = format!("the path and the query have more than {most} bytes");
    Problem::new(StatusCode::URI_TOO_LONG, "uri_too_long", detail)
}

fn builder(limits: &ServeLimits, tasks: TaskTracker) -> Builder<Tracked> {
    let mut builder = Builder::new(Tracked(tasks));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_buf_size(limits.max_header_bytes.max(8 * 1024));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX));
    builder
}

/// Errors that say something of the connection that was to be accepted, not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
