//! The bench's hold on a client process.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::process::{Child, Command};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::client::{Orders, Role};
use crate::support::dial::Kind;

/// A client process whose sockets are open. Dropping it ends the process.
pub(crate) struct Remote {
    process: Child,
    control: TcpStream,
    /// Messages that its sockets have been sent so far.
    expected: u64,
}

impl Remote {
    /// Starts this program again as clients and waits until their sockets are open.
    pub(crate) async fn open(
        server: SocketAddr,
        kind: Kind,
        sockets: usize,
        role: Role,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let control = listener.local_addr()?;
        let orders = Orders {
            control,
            server,
            kind,
            sockets,
            role,
        };
        let process = Command::new(env::current_exe()?)
            .args(orders.to_arguments())
            .spawn()?;
        let (mut control, _) = listener.accept().await?;
        control.set_nodelay(true)?;
        let opened = control.read_u64().await.map_err(|_| {
            io::Error::other("the client process ended before its sockets were open")
        })?;
        assert_eq!(opened, sockets as u64, "every socket is open");
        Ok(Self {
            process,
            control,
            expected: 0,
        })
    }

    /// Waits until the clients have read this many messages more than at the last time.
    pub(crate) async fn has_read(&mut self, messages: usize) {
        self.expected += messages as u64;
        let read = self.ask(self.expected).await;
        assert_eq!(
            read, self.expected,
            "the clients read what was sent and no more"
        );
    }

    /// Gives a request and waits for its answer.
    pub(crate) async fn ask(&mut self, request: u64) -> u64 {
        let answer = async {
            self.control.write_u64(request).await?;
            self.control.read_u64().await
        };
        answer
            .await
            .expect("the client process answers for as long as it runs")
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Fails only when the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
