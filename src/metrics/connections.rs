//! The connections of each hub: how many, how they come and end, and what waits for them.

use mesahub_protocol::TransportKind;

use crate::hub::{Census, Hub};
use crate::metrics::metric::Metric;
use crate::metrics::sheet::Sheet;

pub(super) static METRICS: [&Metric; 6] = [
    &CONNECTIONS,
    &HANDSHAKES,
    &ENDINGS,
    &QUEUED,
    &MOST_QUEUED,
    &WAITING,
];

static CONNECTIONS: Metric = Metric::gauge(
    "mesahub_connections",
    &["hub", "transport"],
    "Connections of this node.",
);
static HANDSHAKES: Metric = Metric::counter(
    "mesahub_handshakes",
    &["hub", "outcome"],
    "Handshakes of clients: accepted, refused, or timed_out where none came.",
);
static ENDINGS: Metric = Metric::counter(
    "mesahub_endings",
    &["hub", "ending"],
    "Connections that have ended, by the name in the table of endings.",
);
static QUEUED: Metric = Metric::gauge(
    "mesahub_outbox_bytes",
    &["hub"],
    "Bytes that wait for slow clients in all send queues together.",
);
static MOST_QUEUED: Metric = Metric::gauge(
    "mesahub_outbox_largest_bytes",
    &["hub"],
    "Bytes that wait in the fullest send queue; over Mesahub:Hub:OutboxBytes its client is closed.",
);
static WAITING: Metric = Metric::gauge(
    "mesahub_outbox_waiting_connections",
    &["hub"],
    "Connections for which something waits.",
);

/// What a census says of one of them.
type Reading = fn(&Census) -> u64;

pub(super) fn write(sheet: &mut Sheet, hubs: &[Hub]) {
    let all: Vec<(&Hub, Census)> = hubs.iter().map(|hub| (hub, hub.census())).collect();
    let mut family = sheet.family(&CONNECTIONS);
    for (hub, census) in &all {
        for (transport, count) in census.by_transport() {
            family.value(&[hub.name(), name(transport)], count);
        }
    }
    let mut family = sheet.family(&HANDSHAKES);
    for hub in hubs {
        let traffic = hub.traffic();
        let ended = |wanted: &str| {
            let endings = traffic.endings();
            let found = endings.into_iter().find(|(ending, _)| *ending == wanted);
            found.map_or(0, |(_, count)| count)
        };
        for (outcome, count) in [
            ("accepted", traffic.handshakes.value()),
            ("refused", ended("handshake_refused")),
            ("timed_out", ended("handshake_timeout")),
        ] {
            family.value(&[hub.name(), outcome], count);
        }
    }
    let mut family = sheet.family(&ENDINGS);
    for hub in hubs {
        for (ending, count) in hub.traffic().endings() {
            family.value(&[hub.name(), ending], count);
        }
    }
    let gauges: [(&'static Metric, Reading); 3] = [
        (&QUEUED, |census| census.queued_bytes),
        (&MOST_QUEUED, |census| census.most_queued_bytes),
        (&WAITING, |census| census.waiting),
    ];
    for (metric, value) in gauges {
        let mut family = sheet.family(metric);
        for (hub, census) in &all {
            family.value(&[hub.name()], value(census));
        }
    }
}

/// The name of a transport in negotiation and in the configuration.
fn name(transport: TransportKind) -> &'static str {
    match transport {
        TransportKind::WebSockets => "WebSockets",
        TransportKind::ServerSentEvents => "ServerSentEvents",
        TransportKind::LongPolling => "LongPolling",
    }
}
