//! Around every backend with a server, as the configuration opens it.

use std::time::Duration;

use async_trait::async_trait;
use mesahub::broker::open;
use mesahub::config::{Backplane, Sources, load};
use mesahub_broker::conformance::{Fault, Harness, Node};
use mesahub_broker::{Inbox, LogBounds};
use mesahub_test_servers::let_pass;

use crate::history::{self, History};

/// Small, so that they are reached, and an age that can be waited for.
pub(crate) const BOUNDS: LogBounds = LogBounds {
    max_count: 100,
    max_bytes: 64 * 1024,
    max_age: HASTY,
};

/// An age that can be waited for, and within which a proof repeats a publication.
const HASTY: Duration = Duration::from_secs(5);

/// A backplane with a server, and the power over it.
pub(crate) struct Served<S> {
    pub(crate) backplane: Backplane,
    pub(crate) server: S,
    pub(crate) bounds: LogBounds,
}

/// The backplane of a provider at an address.
pub(crate) fn backplane(provider: &str, address: &str) -> Backplane {
    let set = |key: &str, value: &str| (format!("RealTimeConfiguration:{key}"), value.to_owned());
    let sources = Sources {
        overrides: vec![set("Provider", provider), set("ConnectionString", address)],
        environment_name: Some("Development".to_owned()),
        ..Sources::default()
    };
    load(&sources).unwrap().settings.backplane().unwrap()
}

impl<S> Served<S> {
    async fn node_with(&self, bounds: LogBounds) -> Node {
        let (inbox, shards) = Inbox::new(3, 64);
        let broker = open(&self.backplane, bounds, inbox).await.unwrap();
        Node::new(broker, shards)
    }
}

/// Two nodes whose logs are compared with lists, in few cases, since each call goes to a server.
pub(crate) async fn history(backplane: &Backplane) -> History {
    let node = async || {
        let (inbox, _shards) = Inbox::new(1, 16);
        open(backplane, history::BOUNDS, inbox).await.unwrap()
    };
    History {
        nodes: [node().await, node().await],
        cases: 48,
    }
}

#[async_trait]
impl<S: Fault> Harness for Served<S> {
    async fn node(&self) -> Node {
        self.node_with(self.bounds()).await
    }

    async fn hasty(&self) -> (Node, Duration) {
        let bounds = LogBounds {
            max_age: HASTY,
            ..self.bounds()
        };
        (self.node_with(bounds).await, HASTY)
    }

    fn bounds(&self) -> LogBounds {
        self.bounds.clone()
    }

    async fn pass(&self, time: Duration) {
        let_pass(time).await;
    }

    fn fault(&self) -> Option<&dyn Fault> {
        Some(&self.server)
    }
}
