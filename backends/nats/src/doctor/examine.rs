//! The order of the examination.

use mesahub_broker::{Broker, Finding, Inbox};
use tokio::time::timeout;

use crate::broker::NatsBroker;
use crate::config::NatsConfig;
use crate::doctor::told::told;
use crate::doctor::{account, entrance, rights};
use crate::error::LinkError;
use crate::socket::Socket;

/// Looks at NATS as an operator would: whether it lets us in, which version it is, what the user
/// may do, and whether JetStream keeps the logs as they are configured.
///
/// Ends within [`NatsConfig::connect_timeout`] for each server and
/// [`NatsConfig::response_timeout`] for the rest, and twice that for the logs. Makes the stream of
/// the logs if it is not there, as the first node does; changes nothing else.
pub async fn examine(config: &NatsConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(mut socket) = entrance::enter(config, &mut findings).await else {
        return findings;
    };
    let looking = look(config, &mut socket, &mut findings);
    let unanswered = match timeout(config.response_timeout, looking).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no answer within {:?}", config.response_timeout)),
    };
    if let Some(why) = unanswered {
        findings.push(Finding::failed(
            "answers",
            format!("the server let us in and then fell silent: {why}"),
            "look at its log and its load; in a cluster, whether JetStream has a leader",
        ));
    }
    if config.log.is_some() && !findings.iter().any(Finding::is_failure) {
        findings.push(logs(config).await);
    }
    findings
}

async fn look(
    config: &NatsConfig,
    socket: &mut Socket,
    findings: &mut Vec<Finding>,
) -> Result<(), LinkError> {
    let tried = rights::attempt(config, socket).await?;
    findings.push(tried.finding(config));
    let Some(log) = &config.log else {
        let mend = "set JetStream to true, so that clients can resume";
        findings.push(Finding::warning("logs", "none are configured", mend));
        return Ok(());
    };
    if tried.may_ask() {
        findings.push(account::jetstream(tried.account.as_deref(), log));
    }
    findings.push(account::copies(log, socket.is_clustered()));
    Ok(())
}

async fn logs(config: &NatsConfig) -> Finding {
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
