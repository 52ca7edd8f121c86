//! Plans for a house.

use std::time::Duration;

use mesahub::load::{Call, Channels, Plan, Publishing, Report, run};
use mesahub_protocol::Protocol;
use serde_json::json;

use crate::house::House;

pub(crate) const CLIENTS: u64 = 12;

/// Twelve clients in two of three channels each, of which every one gets some forty messages.
pub(crate) fn plan(house: &House, protocol: Protocol) -> Plan {
    Plan {
        hub: format!("http://{}/house", house.address).parse().unwrap(),
        protocol,
        negotiate: true,
        connections: CLIENTS as usize,
        ramp: 1_000,
        tokens: Vec::new(),
        channels: Channels {
            count: 3,
            name: "room {index}".to_owned(),
            per_connection: 2,
        },
        join: Some(Call {
            method: "Enter".to_owned(),
            arguments: vec![json!("{channel}")],
        }),
        publishing: Publishing::Hub {
            call: Call {
                method: "Say".to_owned(),
                arguments: vec![json!("{channel}"), json!("{message}")],
            },
            token: None,
            // One, so that a message that was delayed comes behind the next of its own channel.
            publishers: 1,
        },
        rate: 200.0,
        duration: Duration::from_millis(600),
        size: 150,
        storm: false,
        patience: Duration::from_secs(20),
    }
}

/// Runs a plan with one channel that everybody is in.
pub(crate) async fn in_one_channel(house: &House, patience: Duration) -> Report {
    let mut plan = plan(house, Protocol::Json);
    plan.channels.count = 1;
    plan.channels.per_connection = 1;
    plan.patience = patience;
    run(plan, &mut |_| {}).await.unwrap()
}
