//! The dining sessions, where they are kept here.

use crate::metrics::metric::Metric;
use crate::metrics::sheet::Sheet;
use crate::session::SessionCounters;

pub(super) static METRICS: [&Metric; 3] = [&STARTED, &WARNED, &CLOSED];

static STARTED: Metric = Metric::counter(
    "mesahub_sessions_started",
    &[],
    "Dining sessions that this node has started; only where it keeps them.",
);
static WARNED: Metric = Metric::counter(
    "mesahub_session_warnings",
    &[],
    "Warnings that this node has given to guests; only where it keeps dining sessions.",
);
static CLOSED: Metric = Metric::counter(
    "mesahub_sessions_closed",
    &["reason"],
    "Dining sessions that this node has closed, by the reason in SessionExpired; only where it \
     keeps them.",
);

pub(super) fn write(sheet: &mut Sheet, counters: &SessionCounters) {
    sheet.single(&STARTED, counters.started.value());
    sheet.single(&WARNED, counters.warned.value());
    let mut family = sheet.family(&CLOSED);
    for (reason, count) in counters.closed() {
        family.value(&[reason], count);
    }
}
