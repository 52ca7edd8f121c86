//! Guessing which name was meant.

/// Lists the names and, when one is close to what was written, asks whether it was meant.
pub(super) fn expectation(written: &str, names: &[&str]) -> String {
    let list = match names {
        [only] => (*only).to_owned(),
        names => format!("one of {}", names.join(", ")),
    };
    match nearest(written, names) {
        Some(name) => format!("{list}; did you mean {name}?"),
        None => list,
    }
}

/// The name at the smallest distance, if that is at most a third of its letters.
fn nearest<'a>(written: &str, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .map(|name| (distance(written, name), *name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters to insert, drop or replace to get from one name to the other, without case.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, expectation};

    #[test]
    fn a_near_miss_is_suggested() {
        assert_eq!(
            expectation("BatchSise", &["BatchSize", "FlushInterval"]),
            "one of BatchSize, FlushInterval; did you mean BatchSize?"
        );
    }

    #[test]
    fn a_far_miss_only_lists_the_names() {
        assert_eq!(
            expectation("Banana", &["Host", "Port"]),
            "one of Host, Port"
        );
    }

    #[test]
    fn distance_counts_single_letter_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("PORT", "port"), 0);
    }
}
