//! The table of metrics.

use crate::metrics::metric::Metric;
use crate::metrics::{
    backplane, build, connections, delivery, http, notifications, process, sessions,
};

/// A subject and its metrics.
pub(super) type Subject = (&'static str, &'static [&'static Metric]);

/// Every subject, in the order in which they are written.
pub(super) const SUBJECTS: [Subject; 8] = [
    ("Connections", &connections::METRICS),
    ("Delivery", &delivery::METRICS),
    ("Notifications", &notifications::METRICS),
    ("Backplane", &backplane::METRICS),
    ("Dining sessions", &sessions::METRICS),
    ("HTTP API", &http::METRICS),
    ("Process", &process::METRICS),
    ("Server", &build::METRICS),
];

/// Every metric that a server may expose.
pub fn catalogue() -> impl Iterator<Item = &'static Metric> {
    let all = SUBJECTS.iter().flat_map(|(_, metrics)| metrics.iter());
    all.copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_texts_need_no_escape() {
        let names: BTreeSet<_> = catalogue().map(|metric| metric.name).collect();
        assert_eq!(names.len(), catalogue().count());
        for metric in catalogue() {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(metric.name.bytes().all(plain), "{}", metric.name);
            assert!(
                metric.meaning.ends_with('.') && !metric.meaning.contains(['\\', '\n', '"', '|']),
                "{}: {}",
                metric.name,
                metric.meaning
            );
        }
    }
}
