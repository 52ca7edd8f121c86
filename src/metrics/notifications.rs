//! What becomes of notifications between their acceptance and the backplane.

use crate::metrics::metric::Metric;
use crate::metrics::sheet::Sheet;
use crate::notification::HubNotificationService;

pub(super) static METRICS: [&Metric; 10] = [
    &NOTIFICATIONS,
    &RETRIES,
    &WAITING,
    &HELD,
    &OLDEST,
    &DEAD_LETTERS,
    &JOURNAL_UP,
    &JOURNAL_RECORDS,
    &JOURNAL_BYTES,
    &JOURNAL_USED,
];

static NOTIFICATIONS: Metric = Metric::counter(
    "mesahub_notifications",
    &["outcome"],
    "Notifications: accepted from callers; refused for want of room; repeated under a known \
     idempotency key; published to the backplane; given_up and put among the dead letters.",
);
static RETRIES: Metric = Metric::counter(
    "mesahub_notification_retries",
    &[],
    "Notifications that were tried again, each as often as it was.",
);
static WAITING: Metric = Metric::gauge(
    "mesahub_notifications_waiting",
    &[],
    "Notifications that were accepted and are neither with the backplane nor given up.",
);
static HELD: Metric = Metric::gauge(
    "mesahub_notifications_held_bytes",
    &[],
    "Bytes of those that are held in memory.",
);
static OLDEST: Metric = Metric::gauge(
    "mesahub_notifications_oldest_age_seconds",
    &[],
    "How long ago the notification that is next was accepted; 0 while none waits.",
);
static DEAD_LETTERS: Metric = Metric::gauge(
    "mesahub_dead_letters",
    &[],
    "Dead letters that are kept, to be replayed or dropped.",
);
static JOURNAL_UP: Metric = Metric::gauge(
    "mesahub_journal_up",
    &[],
    "Whether the journal takes notifications (1) or refuses them (0); only with a journal.",
);
static JOURNAL_RECORDS: Metric = Metric::gauge(
    "mesahub_journal_notifications",
    &[],
    "Notifications in the journal; only with a journal.",
);
static JOURNAL_BYTES: Metric = Metric::gauge(
    "mesahub_journal_bytes",
    &[],
    "Bytes of the notifications in the journal; only with a journal.",
);
static JOURNAL_USED: Metric = Metric::gauge(
    "mesahub_journal_used_ratio",
    &[],
    "How full the journal is, by count or by bytes, whichever is more: 1 is full; only with a \
     journal.",
);

pub(super) fn write(sheet: &mut Sheet, service: &HubNotificationService) {
    let counters = service.counters();
    sheet
        .family(&NOTIFICATIONS)
        .value(&["accepted"], counters.accepted.value())
        .value(&["refused"], counters.refused.value())
        .value(&["repeated"], counters.repeated.value())
        .value(&["published"], counters.published.value())
        .value(&["given_up"], counters.given_up.value());
    sheet.single(&RETRIES, counters.retried.value());
    let level = service.level();
    sheet.single(&WAITING, level.waiting);
    sheet.single(&HELD, level.held_bytes);
    sheet.single(&OLDEST, level.oldest.unwrap_or_default().as_secs_f64());
    sheet.single(&DEAD_LETTERS, level.dead_letters);
    if let Some(journal) = level.journal {
        sheet.single(&JOURNAL_UP, u8::from(journal.takes));
        sheet.single(&JOURNAL_RECORDS, journal.records);
        sheet.single(&JOURNAL_BYTES, journal.bytes);
        sheet.single(&JOURNAL_USED, journal.used);
    }
}
