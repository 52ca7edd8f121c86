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

/// How many letters to insert, drop, replace or swap with their neighbour to get from one name to the
/// other, without case.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for line in 0..=left.len() {
        for column in 0..=right.len() {
            rows[line][column] = if line == 0 || column == 0 {
                line + column
            } else {
                let same = left[line - 1] == right[column - 1];
                let one_letter = (rows[line - 1][column] + 1)
                    .min(rows[line][column - 1] + 1)
                    .min(rows[line - 1][column - 1] + usize::from(!same));
                let swapped = line > 1
                    && column > 1
                    && left[line - 1] == right[column - 2]
                    && left[line - 2] == right[column - 1];
                if swapped {
                    one_letter.min(rows[line - 2][column - 2] + 1)
                } else {
                    one_letter
                }
            };
        }
    }
    rows[left.len()][right.len()]
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
    fn distance_counts_changes_of_one_letter_and_swaps() {
        assert_eq!(distance("Azuer", "Azure"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("PORT", "port"), 0);
    }
}
