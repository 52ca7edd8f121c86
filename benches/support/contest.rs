//! A hub and its floor, each with clients that do the same.

use std::io;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::support::client::Role;
use crate::support::dial::Kind;
use crate::support::remote::Remote;
use crate::support::server::{Server, accept_bare};
use crate::support::table::{Begin, Comparison, Cost};

/// Two client processes that play the same rounds, one against a hub and one against its floor.
pub(crate) struct Contest {
    pub(crate) title: String,
    /// Messages of one round.
    pub(crate) messages: usize,
    pub(crate) floor: Remote,
    pub(crate) hub: Remote,
}

impl Contest {
    /// One socket to the hub and a bare one, which `floor` serves.
    pub(crate) async fn over_sockets<F>(
        title: String,
        server: &Server,
        kind: Kind,
        role: Role,
        floor: impl FnOnce(TcpStream) -> F,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let messages = role.messages();
        let hub = Remote::open(server.address, kind, 1, role.clone()).await?;
        server.has_connected(1).await;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let opening = Remote::open(listener.local_addr()?, Kind::Bare, 1, role);
        let (bare, mut sockets) = tokio::try_join!(opening, accept_bare(&listener, 1))?;
        let socket = sockets.pop().expect("one was accepted");
        server.hub.node().tasks().spawn(floor(socket));
        Ok(Self {
            title,
            messages,
            floor: bare,
            hub,
        })
    }

    /// Has criterion measure the clock on the wall.
    pub(crate) fn bench(&mut self, criterion: &mut Criterion, runtime: &Runtime) {
        let mut group = criterion.benchmark_group(&self.title);
        group.sampling_mode(SamplingMode::Flat);
        group.warm_up_time(Duration::from_secs(1));
        group.measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Elements(self.messages as u64));
        for (name, clients) in [("floor", &mut self.floor), ("hub", &mut self.hub)] {
            let messages = self.messages;
            group.bench_function(name, |bencher| {
                bencher
                    .iter_custom(|rounds| runtime.block_on(cost(clients, rounds, messages)).wall);
            });
        }
        group.finish();
    }

    /// Compares the server's processor time, in turns.
    pub(crate) async fn compare(mut self, turns: usize, rounds: u64) -> Comparison {
        let mut costs = Vec::with_capacity(turns);
        for _ in 0..turns {
            let floor = cost(&mut self.floor, rounds, self.messages).await;
            costs.push((floor, cost(&mut self.hub, rounds, self.messages).await));
        }
        Comparison {
            title: self.title,
            turns: costs,
        }
    }
}

async fn cost(clients: &mut Remote, rounds: u64, messages: usize) -> Cost {
    let begin = Begin::now();
    let done = clients.ask(rounds).await;
    assert_eq!(done, rounds, "every round was answered");
    begin.cost(usize::try_from(rounds).expect("fewer rounds than memory") * messages)
}
