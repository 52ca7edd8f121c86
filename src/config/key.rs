//! What a key is, and how a name finds its key.

use super::keys::KEYS;

/// One key: its canonical name, levels joined by `:`, and what its value may be.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
}

/// What a value may be.
#[derive(Debug)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// Any text, never shown.
    Secret,
    /// `true` or `false`.
    Flag,
    /// A whole number between two bounds, both included, counted in a unit.
    Number {
        least: u64,
        most: u64,
        unit: &'static str,
    },
    /// One of some names.
    Choice(&'static [&'static str]),
    /// Several whole numbers, each between two bounds.
    Numbers {
        least: u64,
        most: u64,
        unit: &'static str,
    },
    /// Several texts, or several of some names.
    List(Option<&'static [&'static str]>),
}

impl Key {
    pub(super) fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Match {
    /// A key.
    Key(&'static Key),
    /// One item of a list, counted from zero.
    Item(&'static Key, usize),
    /// A section, with the names below it.
    Section(Vec<&'static str>),
    /// Nothing; the part of the name that failed, and the names that exist in its place.
    Unknown {
        part: String,
        names: Vec<&'static str>,
    },
}

/// Finds what a name stands for, without case.
pub(super) fn find(path: &str) -> Match {
    let mut known = String::new();
    let mut parts = path.split(':');
    while let Some(part) = parts.next() {
        let names = names_below(&known);
        let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(part)) else {
            let part = part.to_owned();
            return Match::Unknown { part, names };
        };
        known.push_str(name);
        if let Some(key) = KEYS.iter().find(|key| key.path == known) {
            return below_key(key, &parts.collect::<Vec<_>>());
        }
        known.push(':');
    }
    Match::Section(names_below(&known))
}

/// Whether a name lies inside one of the sections that are ours.
pub(super) fn is_ours(path: &str) -> bool {
    let section = path.split(':').next().unwrap_or(path);
    names_below("")
        .iter()
        .any(|name| name.eq_ignore_ascii_case(section))
}

/// The names directly below a section, given as its path with a closing `:`, or of the top.
pub(super) fn names_below(section: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS
        .iter()
        .filter_map(|key| key.path.strip_prefix(section)?.split(':').next())
        .collect();
    names.dedup();
    names
}

fn below_key(key: &'static Key, rest: &[&str]) -> Match {
    let index = match rest {
        [] => return Match::Key(key),
        [index] if matches!(key.kind, Kind::List(_) | Kind::Numbers { .. }) => index.parse().ok(),
        _ => None,
    };
    match index {
        Some(index) => Match::Item(key, index),
        None => Match::Unknown {
            part: rest.join(":"),
            names: vec![key.path],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Match, find, is_ours};

    #[test]
    fn names_match_without_case_at_every_level() {
        let found = find("realtimeconfiguration:SIGNALR:keepaliveINTERVAL");

        assert!(
            matches!(found, Match::Key(key) if key.path == "RealTimeConfiguration:SignalR:KeepAliveInterval")
        );
    }

    #[test]
    fn a_list_has_items_and_a_text_has_none() {
        assert!(matches!(
            find("Mesahub:Cors:AllowedOrigins:2"),
            Match::Item(_, 2)
        ));
        assert!(matches!(
            find("Mesahub:Cors:AllowedOrigins:x"),
            Match::Unknown { .. }
        ));
        assert!(matches!(find("Mesahub:Hub:Path:0"), Match::Unknown { .. }));
    }

    #[test]
    fn an_unknown_name_says_which_part_failed() {
        let Match::Unknown { part, names } = find("RealTimeConfiguration:SignalX:Port") else {
            panic!("found a key that does not exist");
        };

        assert_eq!(part, "SignalX");
        assert!(names.contains(&"SignalR"));
    }

    #[test]
    fn only_whole_section_names_are_ours() {
        assert!(is_ours("MESAHUB:Hub"));
        assert!(!is_ours("MESAHUB_ENVIRONMENT"));
        assert!(!is_ours("Mesa:Hub"));
    }
}
