//! Which format a reader wants.

use crate::metrics::sheet::Format;

/// The format for a reader with this `Accept` header: OpenMetrics for whoever wants it at least as
/// much as plain text, else plain text.
pub(super) fn format(accept: &str) -> Format {
    let (mut open_metrics, mut text) = (0.0, 0.0);
    for wanted in accept.split(',') {
        let mut parts = wanted.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut weight, mut version) = (1.0, None);
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim() {
                "q" => weight = value.trim().parse().unwrap_or(0.0),
                "version" => version = Some(value.trim().trim_matches('"')),
                _ => {}
            }
        }
        let best = match (kind.as_str(), version) {
            ("application/openmetrics-text", None | Some("1.0.0")) => &mut open_metrics,
            ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => &mut text,
            _ => continue,
        };
        *best = f32::max(*best, weight);
    }
    if open_metrics > 0.0 && open_metrics >= text {
        Format::OpenMetrics
    } else {
        Format::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_prefers_open_metrics_gets_it_and_all_others_get_text() {
        for (accept, expected) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html,application/xhtml+xml;q=0.9", Format::Text),
            ("text/plain;version=0.0.4", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                 version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text; version=\"1.0.0\"; q=0.2, text/plain",
                Format::Text,
            ),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
        ] {
            assert_eq!(format(accept), expected, "{accept}");
        }
    }
}
