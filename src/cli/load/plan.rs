//! From arguments to a plan.

use std::error::Error;
use std::fs;
use std::time::Duration;

use mesahub::config::Loaded;
use mesahub::load::{Address, Call, Channels, Plan, Publishing};
use mesahub_protocol::Protocol;
use serde_json::{Value, json};

use super::arguments::LoadArguments;
use crate::cli::{health, token};

/// What the arguments ask for. The configuration is only read where they leave something open.
pub(super) fn plan(
    loaded: impl FnOnce() -> Result<Loaded, Box<dyn Error>>,
    wanted: LoadArguments,
) -> Result<Plan, Box<dyn Error>> {
    let is_told = wanted.anonymous || !wanted.token.is_empty() || wanted.token_file.is_some();
    let publishes_itself =
        wanted.publish.is_some() || wanted.publish_url.is_some() && wanted.publish_token.is_some();
    let loaded = match wanted.hub.is_some() && is_told && publishes_itself {
        true => None,
        false => Some(loaded()?),
    };
    let hub = match (&wanted.hub, &loaded) {
        (Some(hub), _) => hub.clone(),
        (None, Some(loaded)) => own_hub(loaded)?,
        (None, None) => unreachable!("the configuration was read for it"),
    };
    let channels = Channels {
        count: wanted.channels,
        name: wanted.channel_name.clone(),
        per_connection: wanted.channels_per_connection,
    };
    let tokens = match (&wanted.token_file, &loaded) {
        (Some(file), _) => lines(&fs::read_to_string(file)?),
        (None, Some(loaded)) if !is_told => admins(loaded, &channels)?,
        _ => wanted.token.clone(),
    };
    let join_arguments = list(wanted.join_arguments.clone(), "--join-arguments")?;
    let join = wanted.join.clone().map(|method| Call {
        method,
        arguments: join_arguments,
    });
    let protocol = Protocol::parse_name(&wanted.protocol).ok_or_else(|| {
        let known: Vec<&str> = Protocol::ALL
            .iter()
            .map(|protocol| protocol.name())
            .collect();
        let known = known.join(" or ");
        format!("--protocol is {:?}; expected {known}", wanted.protocol)
    })?;
    let duration = Duration::try_from_secs_f64(wanted.duration)
        .map_err(|error| format!("--duration: {error}"))?;
    Ok(Plan {
        protocol,
        negotiate: !wanted.skip_negotiation,
        connections: wanted.connections,
        ramp: wanted.ramp,
        tokens,
        channels,
        join,
        rate: wanted.rate,
        duration,
        size: wanted.size,
        storm: wanted.storm,
        patience: Duration::from_secs(wanted.patience.into()),
        publishing: publishing(wanted, loaded.as_ref(), &hub)?,
        hub,
    })
}

/// The hub that a configuration describes, on this machine.
fn own_hub(loaded: &Loaded) -> Result<Address, Box<dyn Error>> {
    let mesahub = &loaded.settings.mesahub;
    let address = health::near(mesahub.server.address);
    Ok(format!("http://{address}{}", mesahub.hub.path.as_str()).parse()?)
}

/// For each channel an admin of the tenant with its name.
fn admins(loaded: &Loaded, channels: &Channels) -> Result<Vec<String>, Box<dyn Error>> {
    if channels.per_connection > 1 {
        return Err(
            "a client is in one tenant: give tokens of your own, or one channel each".into(),
        );
    }
    let admin = |index: usize| {
        let tenant = channels.name.replace("{index}", &index.to_string());
        token::of_an_admin(loaded, tenant.parse()?)
    };
    (0..channels.count).map(admin).collect()
}

fn publishing(
    wanted: LoadArguments,
    loaded: Option<&Loaded>,
    hub: &Address,
) -> Result<Publishing, Box<dyn Error>> {
    let publishers = wanted.publishers;
    if let Some(method) = wanted.publish {
        let arguments = list(wanted.publish_arguments, "--publish-arguments")?;
        return Ok(Publishing::Hub {
            call: Call { method, arguments },
            token: wanted.publish_token.or(wanted.token.into_iter().next()),
            publishers,
        });
    }
    let token = match (wanted.publish_token, loaded) {
        (Some(token), _) => Some(token),
        (None, Some(loaded)) => Some(token::of_every_tenant(loaded)?),
        (None, None) => None,
    };
    let url = || format!("{}/api/v1/notifications", hub.origin());
    Ok(Publishing::Http {
        url: wanted.publish_url.unwrap_or_else(url),
        token,
        body: wanted.publish_body.unwrap_or_else(new_order),
        publishers,
    })
}

fn new_order() -> Value {
    json!({
        "type": "NewOrder",
        "tenantKey": "{channel}",
        "orderId": "{uuid}",
        "tableNumber": "1",
        "order": { "note": "{message}" },
    })
}

fn list(value: Value, flag: &str) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(format!("{flag} is {other}; expected a list")),
    }
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}
