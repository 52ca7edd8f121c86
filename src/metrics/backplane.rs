//! The backplane, as this node sees it.

use std::time::Duration;

use tokio::time::timeout;

use crate::broker::Meters;
use crate::hub::Node;
use crate::metrics::metric::Metric;
use crate::metrics::sheet::Sheet;

pub(super) static METRICS: [&Metric; 10] = [
    &UP,
    &ROUND_TRIP,
    &PUBLISHED,
    &PUBLISHED_BYTES,
    &PUBLISH_TIME,
    &FAILURES,
    &SUBSCRIBED,
    &UNSUBSCRIBED,
    &LOG_READS,
    &LOG_ENTRIES,
];

static UP: Metric = Metric::gauge(
    "mesahub_backplane_up",
    &["backend"],
    "Whether the backplane answered within two seconds (1) or not (0), when this was read.",
);
static ROUND_TRIP: Metric = Metric::gauge(
    "mesahub_backplane_round_trip_seconds",
    &["backend"],
    "How long that answer took; absent while there is none.",
);
static PUBLISHED: Metric = Metric::counter(
    "mesahub_backplane_published_messages",
    &["backend"],
    "Messages that the backplane has taken; a notification is one for each of its channels.",
);
static PUBLISHED_BYTES: Metric = Metric::counter(
    "mesahub_backplane_published_bytes",
    &["backend"],
    "Bytes of their payloads.",
);
static PUBLISH_TIME: Metric = Metric::histogram(
    "mesahub_backplane_publish_seconds",
    &["backend"],
    "How long the backplane took for each batch, also where it failed.",
);
static FAILURES: Metric = Metric::counter(
    "mesahub_backplane_failures",
    &["backend", "reason"],
    "Calls and messages that failed because the backplane was unavailable, because it timed_out, or \
     because it refused for good; the question behind mesahub_backplane_up is one of the calls.",
);
static SUBSCRIBED: Metric = Metric::counter(
    "mesahub_backplane_subscribed_topics",
    &["backend"],
    "Topics that this node has subscribed to.",
);
static UNSUBSCRIBED: Metric = Metric::counter(
    "mesahub_backplane_unsubscribed_topics",
    &["backend"],
    "Topics that this node has given up.",
);
static LOG_READS: Metric = Metric::counter(
    "mesahub_backplane_log_reads",
    &["backend"],
    "Pages that this node has read from logs, to resume, to mend and to check.",
);
static LOG_ENTRIES: Metric = Metric::counter(
    "mesahub_backplane_log_entries",
    &["backend"],
    "Messages in these pages.",
);

/// How long the backplane has for its answer.
const DEADLINE: Duration = Duration::from_secs(2);

/// Whether the backplane answers now.
pub(super) async fn is_up(node: &Node) -> bool {
    let answer = timeout(DEADLINE, node.broker().health()).await;
    answer.is_ok_and(|answer| answer.is_ok())
}

pub(super) fn write(sheet: &mut Sheet, backend: &str, is_up: bool, meters: &Meters) {
    let one = &[backend];
    sheet.family(&UP).value(one, u8::from(is_up));
    let mut family = sheet.family(&ROUND_TRIP);
    if let Some(took) = meters.last_round_trip().filter(|_| is_up) {
        family.value(one, took.as_secs_f64());
    }
    sheet
        .family(&PUBLISHED)
        .value(one, meters.published.value());
    sheet
        .family(&PUBLISHED_BYTES)
        .value(one, meters.published_bytes.value());
    sheet
        .family(&PUBLISH_TIME)
        .histogram(one, &meters.publish_time);
    sheet
        .family(&FAILURES)
        .value(&[backend, "unavailable"], meters.unavailable.value())
        .value(&[backend, "timed_out"], meters.timed_out.value())
        .value(&[backend, "refused"], meters.refused.value());
    for (metric, counter) in [
        (&SUBSCRIBED, &meters.subscribed),
        (&UNSUBSCRIBED, &meters.unsubscribed),
        (&LOG_READS, &meters.log_reads),
        (&LOG_ENTRIES, &meters.log_entries),
    ] {
        sheet.family(metric).value(one, counter.value());
    }
}
