//! The client process: opens the sockets it is told to and reads them, counting messages.

use std::cell::{Cell, RefCell};
use std::env;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};

use crate::support::dial::{Kind, dial, masked};
use crate::support::process;
use crate::support::server::TokenMint;

/// The first argument of a process that is to be the clients.
pub(crate) const FLAG: &str = "--clients";

/// What each message that a bench sends has one of, and no header of a frame of them has: frames
/// differ in number with how many messages the hub joins, so bytes cannot be counted.
pub(crate) const MARK: u8 = b'{';

/// The largest read.
const READ_BUFFER: usize = 64 * 1024;

/// What the client process does once its sockets are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Reads whatever comes. A request says how many messages to wait for.
    Drain,
    /// Sends invocations, this many at a time, and waits for as many answers. A request says how
    /// many times.
    Call(usize),
}

/// What the client process is told on its command line.
pub(crate) struct Orders {
    pub(crate) control: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) kind: Kind,
    pub(crate) sockets: usize,
    pub(crate) role: Role,
}

impl Orders {
    pub(crate) fn to_arguments(&self) -> Vec<String> {
        let batch = match self.role {
            Role::Drain => 0,
            Role::Call(batch) => batch,
        };
        vec![
            FLAG.to_owned(),
            self.control.to_string(),
            self.server.to_string(),
            self.kind.name().to_owned(),
            self.sockets.to_string(),
            batch.to_string(),
        ]
    }

    fn parse(arguments: &[String]) -> Self {
        let [control, server, kind, sockets, batch] = arguments else {
            panic!("the client process takes five arguments, not {arguments:?}");
        };
        let batch = batch.parse().expect("a number of invocations");
        Self {
            control: control.parse().expect("an address"),
            server: server.parse().expect("an address"),
            kind: Kind::named(kind),
            sockets: sockets.parse().expect("a number of sockets"),
            role: if batch == 0 {
                Role::Drain
            } else {
                Role::Call(batch)
            },
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
    let mint = TokenMint::new();
    let mut sockets = Vec::with_capacity(orders.sockets);
    for number in 0..orders.sockets {
        sockets.push(dial(orders.server, orders.kind, &mint, number).await?);
    }
    control.write_u64(orders.sockets as u64).await?;
    match orders.role {
        Role::Drain => drain(control, sockets).await,
        Role::Call(batch) => {
            let socket = sockets.pop().expect("a caller has one socket");
            call(control, socket, batch).await
        }
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
                        (!read.is_empty()).then(|| marks(read))
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

fn marks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == MARK).count() as u64
}

/// Answers each request once it has sent that many batches and read their answers.
async fn call(mut control: TcpStream, mut socket: TcpStream, batch: usize) -> io::Result<()> {
    let calls: Vec<u8> = (0..batch)
        .flat_map(|number| masked(&invocation(number)))
        .collect();
    let mut answers = vec![0; answer_frame(0).len() * batch];
    loop {
        let rounds = control.read_u64().await?;
        for _ in 0..rounds {
            socket.write_all(&calls).await?;
            socket.read_exact(&mut answers).await?;
        }
        control.write_u64(rounds).await?;
    }
}

/// A call of the method `Add`. Every number below 900 gives the same length.
pub(crate) fn invocation(number: usize) -> Vec<u8> {
    let id = number + 100;
    format!("{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"Add\",\"arguments\":[20,22]}}\x1e")
        .into_bytes()
}

/// What the server answers to it, as one frame.
pub(crate) fn answer_frame(number: usize) -> Vec<u8> {
    let id = number + 100;
    let answer = format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":42}}\x1e");
    let length = u8::try_from(answer.len()).expect("the answer is short");
    [&[0x81, length], answer.as_bytes()].concat()
}
