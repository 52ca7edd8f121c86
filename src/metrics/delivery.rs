//! What goes through each hub, how fast, and what is missed on the way.

use crate::hub::{CallKind, CallOutcome, Hub, LostReason, Node, Traffic};
use crate::metrics::metric::Metric;
use crate::metrics::sheet::Sheet;

pub(super) static METRICS: [&Metric; 14] = [
    &RECEIVED,
    &RECEIVED_BYTES,
    &SENT,
    &SENT_BYTES,
    &CALLS,
    &LIMITED,
    &LAG,
    &TOPICS,
    &DROPPED,
    &GAPS,
    &MENDED,
    &SILENT,
    &LOSSES,
    &RESUMES,
];

static RECEIVED: Metric = Metric::counter(
    "mesahub_received_messages",
    &["hub"],
    "Hub messages from clients, keep-alives among them.",
);
static RECEIVED_BYTES: Metric = Metric::counter(
    "mesahub_received_bytes",
    &["hub"],
    "Bytes from clients, without the frames of their transport.",
);
static SENT: Metric = Metric::counter(
    "mesahub_sent_messages",
    &["hub"],
    "Hub messages given to the send queues of clients; no handshakes, no keep-alives.",
);
static SENT_BYTES: Metric = Metric::counter(
    "mesahub_sent_bytes",
    &["hub"],
    "Bytes of these messages, with the frames of their transport.",
);
static CALLS: Metric = Metric::counter(
    "mesahub_invocations",
    &["hub", "kind", "outcome"],
    "Calls of clients, by kind (invocation, stream) and outcome: completed, failed (the handler's \
     error or panic), unknown (no such method), forbidden, malformed. A stream that breaks on its \
     way is completed.",
);
static LIMITED: Metric = Metric::counter(
    "mesahub_limited_invocations",
    &[],
    "Calls of clients that were refused because there had been too many; none of the calls above.",
);
static LAG: Metric = Metric::histogram(
    "mesahub_delivery_lag_seconds",
    &["hub"],
    "For each delivery of a notification: from its acceptance until its bytes were offered to all \
     its connections on this node, by the calendars of the two nodes; what waits for a slow client \
     comes on top, and what a client resumes does not count.",
);
static TOPICS: Metric = Metric::gauge(
    "mesahub_topics",
    &[],
    "Topics of the backplane that have members or listeners on this node.",
);
static DROPPED: Metric = Metric::counter(
    "mesahub_dropped_messages",
    &["reason"],
    "Messages that did not reach a client which was to have them: displaced by newer ones where the \
     channel allows it, or undecodable as they came from the backplane.",
);
static GAPS: Metric = Metric::counter(
    "mesahub_gaps",
    &[],
    "Times the backplane said that it may have missed something, once for each worker of the node.",
);
static MENDED: Metric = Metric::counter(
    "mesahub_mended_messages",
    &[],
    "Messages that were read from logs for members which the backplane had not told.",
);
static SILENT: Metric = Metric::counter(
    "mesahub_silent_subscriptions",
    &[],
    "Subscriptions that had quietly stopped delivering and were made anew.",
);
static LOSSES: Metric = Metric::counter(
    "mesahub_losses",
    &["told", "reason"],
    "Times that Lost was told, by its reason: to the members of a topic, or to one connection.",
);
static RESUMES: Metric = Metric::counter(
    "mesahub_resumes",
    &["outcome"],
    "Channels in calls of Resume: resumed, or the reason why not.",
);

/// What a hub's counters say of one of them.
type Reading = fn(&Traffic) -> u64;

pub(super) fn write(sheet: &mut Sheet, hubs: &[Hub], node: &Node) {
    let flows: [(&'static Metric, Reading); 4] = [
        (&RECEIVED, |traffic| traffic.received.messages.value()),
        (&RECEIVED_BYTES, |traffic| traffic.received.bytes.value()),
        (&SENT, |traffic| traffic.sent.messages.value()),
        (&SENT_BYTES, |traffic| traffic.sent.bytes.value()),
    ];
    for (metric, value) in flows {
        let mut family = sheet.family(metric);
        for hub in hubs {
            family.value(&[hub.name()], value(hub.traffic()));
        }
    }
    let mut family = sheet.family(&CALLS);
    for hub in hubs {
        for kind in CallKind::ALL {
            for outcome in CallOutcome::ALL {
                let count = hub.traffic().calls(kind, outcome);
                family.value(&[hub.name(), kind.name(), outcome.name()], count);
            }
        }
    }
    let mut family = sheet.family(&LAG);
    for hub in hubs {
        family.histogram(&[hub.name()], &hub.traffic().lag);
    }
    let counters = node.counters();
    sheet.single(&LIMITED, counters.limited.value());
    sheet.single(&TOPICS, node.topic_count());
    sheet
        .family(&DROPPED)
        .value(&["displaced"], counters.displaced.value())
        .value(&["undecodable"], counters.undecodable.value());
    sheet.single(&GAPS, counters.gaps.value());
    sheet.single(&MENDED, counters.mended.value());
    sheet.single(&SILENT, counters.silent.value());
    let mut family = sheet.family(&LOSSES);
    for (told, losses) in [
        ("members", &counters.lost),
        ("connection", &counters.lost_alone),
    ] {
        for reason in LostReason::ALL {
            family.value(&[told, reason.name()], losses.of(reason));
        }
    }
    let mut family = sheet.family(&RESUMES);
    family.value(&["resumed"], counters.resumed.value());
    for reason in LostReason::ALL {
        family.value(&[reason.name()], counters.not_resumed.of(reason));
    }
}
