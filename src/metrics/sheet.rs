//! The text formats of Prometheus.
//!
//! Both are written here, since the crates that are kept for it write one of them each.

use std::fmt::{Display, Write};

use crate::hub::Histogram;
use crate::metrics::metric::{Kind, Metric};

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

/// A sheet that is being written, family by family.
pub(super) struct Sheet {
    format: Format,
    out: String,
}

/// A family whose samples are being written.
pub(super) struct Family<'s> {
    metric: &'static Metric,
    out: &'s mut String,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Sheet {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            out: String::with_capacity(32 * 1024),
        }
    }

    /// Begins a family; all its samples follow.
    pub(super) fn family(&mut self, metric: &'static Metric) -> Family<'_> {
        let (name, kind) = match (self.format, metric.kind) {
            (Format::OpenMetrics, kind) => (metric.name.to_owned(), kind.name()),
            (Format::Text, Kind::Counter) => (format!("{}_total", metric.name), "counter"),
            (Format::Text, Kind::Info) => (format!("{}_info", metric.name), "gauge"),
            (Format::Text, kind) => (metric.name.to_owned(), kind.name()),
        };
        self.line(format_args!("# HELP {name} {}", metric.meaning));
        self.line(format_args!("# TYPE {name} {kind}"));
        if let (Format::OpenMetrics, Some(unit)) = (self.format, metric.unit()) {
            self.line(format_args!("# UNIT {name} {unit}"));
        }
        Family {
            metric,
            out: &mut self.out,
        }
    }

    /// Writes a family of one sample.
    pub(super) fn single(&mut self, metric: &'static Metric, value: impl Display) {
        self.family(metric).value(&[], value);
    }

    /// The text.
    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.out, "{line}").expect("a string takes everything");
    }
}

impl Family<'_> {
    /// Writes a sample with these values of the labels, in their order.
    pub(super) fn value(&mut self, labels: &[&str], value: impl Display) -> &mut Self {
        let suffix = match self.metric.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.sample(suffix, labels, None, value);
        self
    }

    /// Writes the samples of a histogram.
    pub(super) fn histogram(&mut self, labels: &[&str], histogram: &Histogram) -> &mut Self {
        let total = histogram.total().as_secs_f64();
        let mut so_far = 0;
        let ends = histogram.bounds().iter().map(|bound| {
            // A whole number of seconds is written as a fraction too: `1.0`.
            format!("{:?}", *bound as f64 / 1_000_000.0)
        });
        for (end, count) in ends.chain(["+Inf".to_owned()]).zip(histogram.buckets()) {
            so_far += count;
            self.sample("_bucket", labels, Some(&end), so_far);
        }
        self.sample("_sum", labels, None, total);
        self.sample("_count", labels, None, so_far);
        self
    }

    fn sample(&mut self, suffix: &str, labels: &[&str], end: Option<&str>, value: impl Display) {
        let names = self.metric.labels;
        assert_eq!(
            names.len(),
            labels.len(),
            "{} has {names:?}",
            self.metric.name
        );
        self.out.push_str(self.metric.name);
        self.out.push_str(suffix);
        let pairs = names.iter().copied().zip(labels.iter().copied());
        let mut opening = '{';
        for (name, text) in pairs.chain(end.map(|end| ("le", end))) {
            self.out.push(opening);
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.escape(text);
            self.out.push('"');
            opening = ',';
        }
        if opening == ',' {
            self.out.push('}');
        }
        writeln!(self.out, " {value}").expect("a string takes everything");
    }

    fn escape(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '\\' => self.out.push_str("\\\\"),
                '"' => self.out.push_str("\\\""),
                '\n' => self.out.push_str("\\n"),
                other => self.out.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    static BYTES: Metric = Metric::counter("sent_bytes", &["hub"], "Bytes.");
    static TIME: Metric = Metric::histogram("wait_seconds", &[], "Time.");
    static BUILD: Metric = Metric::new("build", Kind::Info, &["version"], "What it is.");

    fn written(format: Format) -> String {
        let histogram = Histogram::new(&[500_000, 1_000_000]);
        histogram.record(Duration::from_secs(1));
        histogram.record(Duration::from_secs(3));
        let mut sheet = Sheet::new(format);
        sheet.family(&BYTES).value(&["a\"b\\c\n"], 7);
        sheet.family(&TIME).histogram(&[], &histogram);
        sheet.family(&BUILD).value(&["1.0"], 1);
        sheet.finish()
    }

    const SAMPLES: [&str; 3] = [
        "sent_bytes_total{hub=\"a\\\"b\\\\c\\n\"} 7\n",
        "wait_seconds_bucket{le=\"0.5\"} 0\nwait_seconds_bucket{le=\"1.0\"} 1\n\
         wait_seconds_bucket{le=\"+Inf\"} 2\nwait_seconds_sum 4\nwait_seconds_count 2\n",
        "build_info{version=\"1.0\"} 1\n",
    ];

    #[test]
    fn the_text_format_names_a_family_as_its_samples() {
        let [bytes, time, build] = SAMPLES;
        let expected = format!(
            "# HELP sent_bytes_total Bytes.\n# TYPE sent_bytes_total counter\n{bytes}\
             # HELP wait_seconds Time.\n# TYPE wait_seconds histogram\n{time}\
             # HELP build_info What it is.\n# TYPE build_info gauge\n{build}"
        );
        assert_eq!(written(Format::Text), expected);
    }

    #[test]
    fn open_metrics_names_families_without_suffix_and_tells_units_and_the_end() {
        let [bytes, time, build] = SAMPLES;
        let expected = format!(
            "# HELP sent_bytes Bytes.\n# TYPE sent_bytes counter\n# UNIT sent_bytes bytes\n{bytes}\
             # HELP wait_seconds Time.\n# TYPE wait_seconds histogram\n\
             # UNIT wait_seconds seconds\n{time}\
             # HELP build What it is.\n# TYPE build info\n{build}# EOF\n"
        );
        assert_eq!(written(Format::OpenMetrics), expected);
    }
}
