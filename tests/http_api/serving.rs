//! The accept loop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mesahub::http::{PeerAddress, RequestId, ServeLimits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::Filter;
use warp::filters::BoxedFilter;

/// A server of routes of the test's own.
struct Serving {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Serving {
    async fn start(routes: BoxedFilter<(String,)>, limits: ServeLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(serve(listener, routes, stop.clone(), tasks.clone(), limits));
        Self {
            address,
            stop,
            tasks,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("in time")
}

fn greeting() -> BoxedFilter<(String,)> {
    warp::any().map(|| "hello".to_owned()).boxed()
}

#[tokio::test]
async fn a_request_carries_its_peer_and_its_id() {
    let routes = warp::ext::get::<PeerAddress>()
        .and(warp::ext::get::<RequestId>())
        .map(|PeerAddress(peer), id| format!("{peer} {id}"))
        .boxed();
    let serving = Serving::start(routes, ServeLimits::default()).await;
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: a\r\nx-request-id: order-7\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    in_time(stream.read_to_string(&mut response)).await.unwrap();
    let expected = format!("{} order-7", stream.local_addr().unwrap());
    assert!(response.ends_with(&expected), "{response}");
    assert!(
        response.contains("\r\nx-request-id: order-7\r\n"),
        "{response}"
    );

    let response = reqwest::get(serving.url("/")).await.unwrap();
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(response.text().await.unwrap().ends_with(&id));
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_finish_and_takes_no_more() {
    let (begun, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let gates = (Arc::clone(&begun), Arc::clone(&may_end));
    let routes = warp::any()
        .then(move || {
            let (begun, may_end) = gates.clone();
            async move {
                begun.add_permits(1);
                may_end.acquire().await.unwrap().forget();
                "done".to_owned()
            }
        })
        .boxed();
    let serving = Serving::start(routes, ServeLimits::default()).await;
    let asking = serving.tasks.spawn(reqwest::get(serving.url("/")));
    in_time(begun.acquire()).await.unwrap().forget();
    let mut idle = TcpStream::connect(serving.address).await.unwrap();

    serving.stop.cancel();
    serving.tasks.close();
    let refused = async {
        while TcpStream::connect(serving.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    in_time(refused).await;
    may_end.add_permits(1);
    let response = in_time(asking).await.unwrap().unwrap();
    assert_eq!(response.text().await.unwrap(), "done");
    let ended = in_time(idle.read(&mut [0; 1])).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    in_time(serving.tasks.wait()).await;
}

#[tokio::test]
async fn a_connection_that_never_asks_is_dropped() {
    let limits = ServeLimits {
        header_read_timeout: Duration::from_millis(50),
        ..ServeLimits::default()
    };
    let serving = Serving::start(greeting(), limits).await;
    for beginning in ["", "PRI * HTTP", "GET / HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(serving.address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let ended = in_time(stream.read_to_end(&mut Vec::new())).await;
        assert!(
            ended
                .as_ref()
                .map_or_else(|e| e.kind() == io::ErrorKind::ConnectionReset, |_| true),
            "{beginning:?}: {ended:?}"
        );
    }
}

#[tokio::test]
async fn an_overlong_head_is_refused() {
    let limits = ServeLimits {
        max_header_bytes: 8 * 1024,
        ..ServeLimits::default()
    };
    let serving = Serving::start(greeting(), limits).await;
    let asked = reqwest::Client::new()
        .get(serving.url("/"))
        .header("x-long", "x".repeat(16_384));
    assert_eq!(asked.send().await.unwrap().status(), 431);
    let asked = reqwest::Client::new()
        .get(serving.url("/"))
        .header("x-long", "x".repeat(4_096));
    assert_eq!(asked.send().await.unwrap().status(), 200);
}
