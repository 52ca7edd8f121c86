//! The order of the examination.

use std::time::Duration;

use mesahub_broker::Finding;

use crate::config::AmqpConfig;
use crate::dial::Dialled;
use crate::doctor::{alarms, entrance, rights, version};
use crate::names::Names;

/// Looks at RabbitMQ as an operator would: whether it lets us in, which version it is, whether an
/// alarm keeps it from taking messages, and what the user may do.
///
/// Ends within [`AmqpConfig::connect_timeout`] for each address and once more, and within
/// [`AmqpConfig::response_timeout`] for each thing that is tried, of which there are four. Leaves
/// nothing behind.
pub async fn examine(config: &AmqpConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let names = match Names::new(&config.prefix) {
        Ok(names) => names,
        Err(error) => {
            let mend = "choose another Prefix";
            return vec![Finding::failed("prefix", entrance::told(&error), mend)];
        }
    };
    let Some(dialled) = entrance::enter(config, &mut findings).await else {
        return findings;
    };
    findings.push(version::examine(config, &dialled.at).await);
    look(config, &names, &dialled, &mut findings).await;
    dialled.close(Duration::from_secs(1)).await;
    findings
}

async fn look(config: &AmqpConfig, names: &Names, dialled: &Dialled, findings: &mut Vec<Finding>) {
    let alarms = alarms::examine(config, names, &dialled.connection).await;
    let may_publish = alarms.may_publish;
    let is_over = alarms.finding.as_ref().is_some_and(Finding::is_failure);
    findings.extend(alarms.finding);
    if !is_over {
        findings.push(rights::examine(config, names, &dialled.connection, may_publish).await);
    }
}
