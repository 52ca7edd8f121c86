//! What a metric is.

/// One family of samples.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name, without the suffix that its samples have.
    pub name: &'static str,
    /// How its samples behave.
    pub kind: Kind,
    /// What tells its samples apart.
    pub labels: &'static [&'static str],
    /// What it says, for people.
    pub meaning: &'static str,
}

/// How the samples of a metric behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only goes up, from the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts durations in buckets.
    Histogram,
    /// It is always 1, and says what it says in its labels.
    Info,
}

/// The units that names end with.
const UNITS: [&str; 3] = ["bytes", "seconds", "ratio"];

impl Metric {
    pub(super) const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        meaning: &'static str,
    ) -> Self {
        Self::new(name, Kind::Counter, labels, meaning)
    }

    pub(super) const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        meaning: &'static str,
    ) -> Self {
        Self::new(name, Kind::Gauge, labels, meaning)
    }

    pub(super) const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        meaning: &'static str,
    ) -> Self {
        Self::new(name, Kind::Histogram, labels, meaning)
    }

    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        labels: &'static [&'static str],
        meaning: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            labels,
            meaning,
        }
    }

    /// The unit of its values; `None` for plain numbers.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        let last = self.name.rsplit('_').next();
        UNITS.into_iter().find(|unit| last == Some(unit))
    }

    /// The names that its samples have.
    #[must_use]
    pub fn samples(&self) -> Vec<String> {
        let suffixes: &[&str] = match self.kind {
            Kind::Counter => &["_total"],
            Kind::Gauge => &[""],
            Kind::Histogram => &["_bucket", "_sum", "_count"],
            Kind::Info => &["_info"],
        };
        let named = suffixes
            .iter()
            .map(|suffix| format!("{}{suffix}", self.name));
        named.collect()
    }
}

impl Kind {
    /// Its name in both text formats.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}
