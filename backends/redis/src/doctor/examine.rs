//! The order of the examination.

use mesahub_broker::Finding;
use tokio::time::timeout;

use crate::config::RedisConfig;
use crate::doctor::entrance;
use crate::doctor::server;

/// Looks at Redis as an operator would: whether it lets us in, which version it is, whether it
/// takes writes, what it does when its memory is full, and what time it is there.
///
/// Ends within [`RedisConfig::connect_timeout`] for each Sentinel, for connecting and for logging
/// in, and [`RedisConfig::response_timeout`] for the rest. Changes nothing.
pub async fn examine(config: &RedisConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(mut socket) = entrance::enter(config, &mut findings).await else {
        return findings;
    };
    let looking = server::look(config, &mut socket, &mut findings);
    let unanswered = match timeout(config.response_timeout, looking).await {
        Ok(Ok(())) => return findings,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {:?}", config.response_timeout),
    };
    findings.push(Finding::failed(
        "answers",
        format!("the server let us in and then fell silent: {unanswered}"),
        "look at its log and its load",
    ));
    findings
}
