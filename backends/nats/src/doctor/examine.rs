//! Looking at a server with the eyes of an operator.

use std::error::Error;

use mesahub_broker::{Broker, Finding, Inbox};

use crate::broker::NatsBroker;
use crate::config::NatsConfig;
use crate::error::LinkError;
use crate::servers::Servers;

/// What stands in the way of using NATS as it is configured: the login and the logs.
pub async fn examine(config: &NatsConfig) -> Vec<Finding> {
    let servers = Servers::new(config.clone());
    let at = match servers.open().await {
        Ok(socket) => format!("let in at {}", socket.at()),
        Err(error) => {
            let mend = "start a server that is configured, or correct its address or the login";
            let seen = told(&LinkError::into_broker(error));
            return vec![Finding::failed("login", seen, mend)];
        }
    };
    vec![Finding::good("login", at), logs(config).await]
}

async fn logs(config: &NatsConfig) -> Finding {
    if config.log.is_none() {
        let mend = "set JetStream to true, so that clients can resume";
        return Finding::warning("logs", "none are configured", mend);
    }
    let (inbox, _shards) = Inbox::new(1, 1);
    match NatsBroker::open(config.clone(), inbox).await {
        Ok(broker) => {
            broker.close().await;
            Finding::good("logs", "JetStream keeps them")
        }
        Err(error) => {
            let mend = "give the account JetStream with room for the logs, and the user its rights";
            Finding::failed("logs", told(&error), mend)
        }
    }
}

/// An error with its causes.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
