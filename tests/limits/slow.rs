//! Clients that take their time, and those that send too much.

use std::io::ErrorKind;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Server, in_time, person, service};

/// What the server sends until it ends the connection.
async fn until_the_end(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    match in_time(stream.read_to_end(&mut received)).await {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8_lossy(&received).into_owned()
}

#[tokio::test]
async fn heads_that_do_not_come_and_idle_connections_end() {
    let server = Server::with(&[("Mesahub:Server:HeaderTimeout", "1")]).await;
    let whole = "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";
    let second = format!("{whole}GET /health/live HTTP/1.1\r\nhos");
    for (sent, answers) in [("", 0), ("GET / HT", 0), (whole, 1), (&second, 1)] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let received = until_the_end(&mut stream).await;
        assert_eq!(
            received.matches("HTTP/1.1 200").count(),
            answers,
            "{sent:?}: {received}"
        );
    }
}

#[tokio::test]
async fn bodies_that_do_not_come_are_not_waited_for() {
    let server = Server::with(&[("Mesahub:Server:BodyTimeout", "1")]).await;
    let (anna, service) = (person("a", "anna"), service("a"));
    let (_, secret) = server.negotiate(&anna).await;
    let poll = server.url(&format!("/hubs/notifications?id={secret}"));
    let poll = server.http.get(poll).bearer_auth(&anna).send();
    assert_eq!(in_time(poll).await.unwrap().status(), 200);
    let to_hub = format!("/hubs/notifications?id={secret}");
    for (path, token) in [("/api/v1/notifications", &service), (&*to_hub, &anna)] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        in_time(stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408", "{path}");
    }
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_dropped() {
    let settings = [
        ("Mesahub:Server:IdleTimeout", "1"),
        ("Mesahub:Server:HeaderTimeout", "1"),
    ];
    let server = Server::with(&settings).await;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(&server.address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut stream = TcpStream::from_std(socket.into()).unwrap();
    let request = "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";
    // The server stops reading before all of it is asked for, and then lets go.
    let asking = async {
        loop {
            if let Err(error) = stream.write_all(request.as_bytes()).await {
                return error;
            }
        }
    };
    let kind = in_time(asking).await.kind();
    let expected = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(expected.contains(&kind), "{kind:?}");
}

#[tokio::test]
async fn targets_and_heads_have_their_bounds() {
    let settings = [
        ("Mesahub:Server:MaxTargetBytes", "1024"),
        ("Mesahub:Server:MaxHeaderBytes", "8192"),
    ];
    let server = Server::with(&settings).await;
    let status = async |query: usize, header: usize| {
        let url = server.url(&format!("/health/live?{}", "q".repeat(query)));
        let request = server.http.get(url).header("x-long", "h".repeat(header));
        in_time(request.send()).await.unwrap().status().as_u16()
    };
    assert_eq!(status(1024 - "/health/live?".len(), 4_096).await, 200);
    assert_eq!(status(1025 - "/health/live?".len(), 1).await, 414);
    assert_eq!(status(1, 16_384).await, 431);
}
