//! Reading both text formats as strictly as they are specified.

use std::collections::{BTreeMap, BTreeSet};

/// What a server exposes.
#[derive(Debug)]
pub(crate) struct Exposition {
    pub(crate) families: BTreeMap<String, Family>,
}

/// One family.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) help: String,
    pub(crate) kind: String,
    pub(crate) unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

/// One line with a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Exposition {
    /// Reads the format 0.0.4.
    pub(crate) fn read(text: &str) -> Self {
        assert!(!text.contains("# EOF"), "that is OpenMetrics");
        Self::of_lines(text, false)
    }

    /// Reads OpenMetrics.
    pub(crate) fn read_open_metrics(text: &str) -> Self {
        let text = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        Self::of_lines(text, true)
    }

    fn of_lines(text: &str, is_open: bool) -> Self {
        assert!(text.ends_with('\n'), "the last line ends too");
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (what, name) = (words.next().unwrap(), words.next().unwrap());
                let rest = words.next().unwrap_or_default().to_owned();
                if what == "HELP" {
                    let is_new = families
                        .insert(name.to_owned(), Family::default())
                        .is_none();
                    assert!(is_new, "{name} comes twice");
                    current = name.to_owned();
                }
                assert_eq!(name, current, "{line}");
                let family = families.get_mut(name).unwrap();
                assert!(family.samples.is_empty(), "{line} comes behind a sample");
                match what {
                    "HELP" => family.help = rest,
                    "TYPE" => family.kind = rest,
                    "UNIT" if is_open => family.unit = Some(rest),
                    _ => panic!("{line}"),
                }
                continue;
            }
            let sample = Sample::read(line);
            let family = families.get_mut(&current).expect("a family comes first");
            family.check(&current, &sample, is_open);
            family.samples.push(sample);
        }
        families.values().for_each(Family::check_histograms);
        Self { families }
    }

    /// The names of all samples that there are.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        samples.map(|sample| sample.name.as_str()).collect()
    }

    /// The samples of a name.
    pub(crate) fn samples(&self, name: &str) -> Vec<&Sample> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        samples.filter(|sample| sample.name == name).collect()
    }

    /// The sum of a name over the samples that have these labels; `None` where there are none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            let mut wanted = labels.iter();
            wanted.all(|(key, value)| sample.labels.get(*key).is_some_and(|it| it == value))
        };
        let found = self.samples(name).into_iter().filter(has);
        found
            .map(|sample| sample.value)
            .reduce(|one, other| one + other)
    }
}

impl Family {
    fn check(&self, name: &str, sample: &Sample, is_open: bool) {
        let suffixes: &[&str] = match (self.kind.as_str(), is_open) {
            ("counter", true) => &["_total"],
            ("info", true) => &["_info"],
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            ("counter" | "gauge", _) => &[""],
            (kind, _) => panic!("{name} is of type {kind}"),
        };
        let suffix = sample
            .name
            .strip_prefix(name)
            .unwrap_or("not of this family");
        assert!(suffixes.contains(&suffix), "{} of {name}", sample.name);
        if self.kind == "counter" {
            assert!(sample.name.ends_with("_total") && sample.value >= 0.0);
        }
        if let Some(unit) = &self.unit {
            assert!(name.ends_with(&format!("_{unit}")), "{name} is in {unit}");
        }
        let same = |other: &Sample| other.name == sample.name && other.labels == sample.labels;
        assert!(!self.samples.iter().any(same), "{sample:?} comes twice");
        assert!(!self.help.is_empty(), "{name} says nothing");
    }

    /// Buckets add up, and the last is the count.
    fn check_histograms(&self) {
        if self.kind != "histogram" {
            return;
        }
        let mut last: Option<(BTreeMap<String, String>, f64, f64)> = None;
        for sample in &self.samples {
            let mut labels = sample.labels.clone();
            if let Some(end) = labels.remove("le") {
                let end: f64 = end.parse().unwrap();
                if let Some((of, before, count)) = last.as_ref().filter(|it| it.0 == labels) {
                    assert!(
                        *before < end && *count <= sample.value,
                        "{sample:?} of {of:?}"
                    );
                }
                last = Some((labels, end, sample.value));
            } else if sample.name.ends_with("_count") {
                assert_eq!(last, Some((labels, f64::INFINITY, sample.value)));
            }
        }
    }
}

impl Sample {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let mut labels = BTreeMap::new();
        let name = match series.split_once('{') {
            None => series,
            Some((name, rest)) => {
                let mut rest = rest.strip_suffix('}').expect("labels end");
                while !rest.is_empty() {
                    let (key, quoted) = rest.split_once("=\"").expect("a quoted value");
                    let (text, behind) = unquoted(quoted);
                    assert!(is_name(key) && labels.insert(key.to_owned(), text).is_none());
                    rest = behind.strip_prefix(',').unwrap_or(behind);
                }
                name
            }
        };
        assert!(is_name(name), "{line}");
        Self {
            name: name.to_owned(),
            labels,
            value: value.parse().unwrap_or_else(|_| panic!("{line}")),
        }
    }
}

/// The text up to the closing quotation mark, and what follows that.
fn unquoted(quoted: &str) -> (String, &str) {
    let (mut text, mut letters) = (String::new(), quoted.char_indices());
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return (text, &quoted[place + 1..]),
            '\\' => match letters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                other => panic!("{other:?} is no escape in {quoted}"),
            },
            other => text.push(other),
        }
    }
    panic!("no end in {quoted}")
}

fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().all(is_plain) && text.starts_with(|first: char| !first.is_ascii_digit())
}
