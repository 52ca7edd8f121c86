//! The client process: opens the sockets it is told to and reads them, counting messages.

use std::cell::{Cell, RefCell};
use std::env;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use futures_util::future::try_join_all;
use mesahub_protocol::Protocol;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};

use crate::support::dial::{Kind, dial};
use crate::support::polled::Polled;
use crate::support::process;
use crate::support::resuming::resume;
use crate::support::server::TokenMint;
use crate::support::speech::{
    answer, framed, invocation, mark, masked, protocol, stream_invocation,
};

/// The first argument of a process that is to be the clients.
const FLAG: &str = "--clients";

/// The largest read.
const READ_BUFFER: usize = 64 * 1024;

/// What the client process does once its sockets are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Reads whatever comes. A request says how many messages to wait for, since the beginning.
    Drain,
    /// Sends invocations, this many at a time, and waits for as many answers. A request says how
    /// many times, as for those that follow.
    Call(Protocol, usize),
    /// Asks for a stream of so many items and reads it to its end.
    Stream(Protocol, u32),
    /// Posts this many invocations in one request, and polls until all are answered.
    Poll(usize),
    /// Asks on every socket at once for what was missed behind this place, so many notifications.
    Resume(String, u32),
}

/// What the client process is told on its command line.
pub(crate) struct Orders {
    pub(crate) control: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) kind: Kind,
    pub(crate) sockets: usize,
    pub(crate) role: Role,
}

impl Role {
    /// Messages that are answered in one round.
    pub(crate) fn messages(&self) -> usize {
        match self {
            Self::Drain => 1,
            Self::Call(_, calls) | Self::Poll(calls) => *calls,
            Self::Stream(_, items) | Self::Resume(_, items) => *items as usize,
        }
    }

    fn to_argument(&self) -> String {
        match self {
            Self::Drain => "drain".to_owned(),
            Self::Call(protocol, calls) => format!("call {} {calls}", protocol.name()),
            Self::Stream(protocol, items) => format!("stream {} {items}", protocol.name()),
            Self::Poll(calls) => format!("poll {calls}"),
            Self::Resume(place, count) => format!("resume {place} {count}"),
        }
    }

    fn parse(argument: &str) -> Self {
        let words: Vec<_> = argument.split(' ').collect();
        let number = |word: &str| word.parse().expect("a number");
        match words[..] {
            ["drain"] => Self::Drain,
            ["call", name, calls] => Self::Call(protocol(name), number(calls)),
            ["stream", name, items] => {
                let items = items.parse().expect("a number of items");
                Self::Stream(protocol(name), items)
            }
            ["poll", calls] => Self::Poll(number(calls)),
            ["resume", place, count] => {
                let count = count.parse().expect("a number of notifications");
                Self::Resume(place.to_owned(), count)
            }
            _ => panic!("{argument:?} is no role"),
        }
    }
}

impl Orders {
    pub(crate) fn to_arguments(&self) -> Vec<String> {
        vec![
            FLAG.to_owned(),
            self.control.to_string(),
            self.server.to_string(),
            self.kind.name().to_owned(),
            self.sockets.to_string(),
            self.role.to_argument(),
        ]
    }

    fn parse(arguments: &[String]) -> Self {
        let [control, server, kind, sockets, role] = arguments else {
            panic!("the client process takes five arguments, not {arguments:?}");
        };
        Self {
            control: control.parse().expect("an address"),
            server: server.parse().expect("an address"),
            kind: Kind::named(kind),
            sockets: sockets.parse().expect("a number of sockets"),
            role: Role::parse(role),
        }
    }
}

/// Runs as the client process if the command line says so; whether it did.
pub(crate) fn ran_as_clients() -> bool {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((FLAG, orders)) = arguments
        .split_first()
        .map(|(flag, rest)| (flag.as_str(), rest))
    else {
        return false;
    };
    let orders = Orders::parse(orders);
    process::allow_sockets(orders.sockets);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime can be built");
    let tasks = LocalSet::new();
    let work = tasks.run_until(serve_orders(&orders));
    // The parent closes the control socket when it is done with us.
    match runtime.block_on(work) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            panic!("the clients failed: {error}")
        }
        _ => true,
    }
}

async fn serve_orders(orders: &Orders) -> io::Result<()> {
    let mut control = TcpStream::connect(orders.control).await?;
    control.set_nodelay(true)?;
    if let Role::Poll(calls) = orders.role {
        let client = Polled::open(orders.server, orders.kind).await?;
        control.write_u64(orders.sockets as u64).await?;
        return poll(control, client, calls).await;
    }
    let mint = TokenMint::new();
    let mut sockets = Vec::with_capacity(orders.sockets);
    for number in 0..orders.sockets {
        sockets.push(dial(orders.server, orders.kind, &mint, number).await?);
    }
    control.write_u64(orders.sockets as u64).await?;
    let mut one = || sockets.pop().expect("a caller has one socket");
    match &orders.role {
        Role::Drain => drain(control, sockets).await,
        Role::Resume(place, count) => resume_all(control, sockets, place, *count).await,
        Role::Call(protocol, calls) => call(control, one(), *protocol, *calls).await,
        Role::Stream(protocol, items) => stream(control, one(), *protocol, *items).await,
        Role::Poll(_) => unreachable!("it has been served above"),
    }
}

/// Answers each request once every socket has resumed that many times.
async fn resume_all(
    mut control: TcpStream,
    mut sockets: Vec<TcpStream>,
    place: &str,
    count: u32,
) -> io::Result<()> {
    loop {
        let rounds = control.read_u64().await?;
        for _ in 0..rounds {
            let all = sockets.iter_mut().map(|socket| resume(socket, place));
            for (read, _) in try_join_all(all).await? {
                assert_eq!(read, u64::from(count), "everything that was missed");
            }
        }
        control.write_u64(rounds).await?;
    }
}

/// Answers each request once that many messages have been read since the beginning.
async fn drain(mut control: TcpStream, sockets: Vec<TcpStream>) -> io::Result<()> {
    let read = Rc::new(Read::default());
    let mut readers = JoinSet::new();
    for socket in sockets {
        let read = Rc::clone(&read);
        readers.spawn_local(async move { read.all_of(socket).await });
    }
    loop {
        let target = control.read_u64().await?;
        read.target.set(target);
        while read.total.get() < target {
            read.reached.notified().await;
        }
        control.write_u64(read.total.get()).await?;
    }
}

#[derive(Default)]
struct Read {
    total: Cell<u64>,
    target: Cell<u64>,
    reached: Notify,
    buffer: RefCell<Vec<u8>>,
}

impl Read {
    async fn all_of(&self, mut socket: TcpStream) {
        self.buffer.borrow_mut().resize(READ_BUFFER, 0);
        loop {
            let read = poll_fn(|context| {
                let mut buffer = self.buffer.borrow_mut();
                let mut buffer = ReadBuf::new(&mut buffer);
                match Pin::new(&mut socket).poll_read(context, &mut buffer) {
                    Poll::Ready(result) => Poll::Ready(result.map(|()| {
                        let read = buffer.filled();
                        (!read.is_empty()).then(|| marks(Protocol::Json, read))
                    })),
                    Poll::Pending => Poll::Pending,
                }
            });
            match read.await {
                Ok(None) | Err(_) => return,
                Ok(Some(messages)) => self.total.set(self.total.get() + messages),
            }
            if self.total.get() >= self.target.get() {
                self.reached.notify_one();
            }
        }
    }
}

fn marks(protocol: Protocol, bytes: &[u8]) -> u64 {
    let mark = mark(protocol);
    bytes.iter().filter(|byte| **byte == mark).count() as u64
}

/// Answers each request once it has sent that many batches and read their answers.
async fn call(
    mut control: TcpStream,
    mut socket: TcpStream,
    protocol: Protocol,
    batch: usize,
) -> io::Result<()> {
    let calls: Vec<u8> = (0..batch)
        .flat_map(|number| masked(protocol, &invocation(protocol, number)))
        .collect();
    let mut answers = vec![0; framed(protocol, &answer(protocol, 0)).len() * batch];
    loop {
        let rounds = control.read_u64().await?;
        for _ in 0..rounds {
            socket.write_all(&calls).await?;
            socket.read_exact(&mut answers).await?;
        }
        control.write_u64(rounds).await?;
    }
}

/// Answers each request once it has asked for that many streams and read them to their ends.
async fn stream(
    mut control: TcpStream,
    mut socket: TcpStream,
    protocol: Protocol,
    items: u32,
) -> io::Result<()> {
    let call = masked(protocol, &stream_invocation(protocol, items));
    let messages = u64::from(items) + 1;
    let mut buffer = vec![0; READ_BUFFER];
    loop {
        let rounds = control.read_u64().await?;
        for _ in 0..rounds {
            socket.write_all(&call).await?;
            let mut read = 0;
            while read < messages {
                let count = socket.read(&mut buffer).await?;
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                read += marks(protocol, &buffer[..count]);
            }
            assert_eq!(read, messages, "a stream has its items and one end");
        }
        control.write_u64(rounds).await?;
    }
}

/// Answers each request once it has posted that many batches and polled their answers.
async fn poll(mut control: TcpStream, mut client: Polled, batch: usize) -> io::Result<()> {
    let calls: Vec<u8> = (0..batch)
        .flat_map(|number| invocation(Protocol::Json, number))
        .collect();
    loop {
        let rounds = control.read_u64().await?;
        for _ in 0..rounds {
            client.begin_poll().await?;
            client.post(&calls).await?;
            let mut read = marks(Protocol::Json, &client.end_poll().await?);
            while read < batch as u64 {
                client.begin_poll().await?;
                read += marks(Protocol::Json, &client.end_poll().await?);
            }
            assert_eq!(read, batch as u64, "every call is answered once");
        }
        control.write_u64(rounds).await?;
    }
}
