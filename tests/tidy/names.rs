//! What things are called.

use crate::faults::Faults;
use crate::source;

/// Names that say that nobody decided what belongs there.
const EMPTY_NAMES: [&str; 11] = [
    "base", "common", "core", "factory", "helper", "helpers", "manager", "misc", "types", "util",
    "utils",
];

#[test]
fn files_and_folders_are_named_by_what_they_hold() {
    let mut faults = Faults::of("name these by the noun that they hold");
    for file in source::files() {
        for name in file.names() {
            if name
                .split(['_', '-'])
                .any(|word| EMPTY_NAMES.contains(&word))
            {
                faults.note(format!("{}: `{name}` says nothing", file.path));
            }
        }
    }
    faults.report();
}

#[test]
fn functions_and_types_carry_no_empty_words() {
    let mut faults = Faults::of("a getter has the name of what it gives; a type that of its noun");
    for file in source::rust_files() {
        for (number, line) in file.code() {
            let getter = declared(line, "fn").is_some_and(|name| name.starts_with("get_"));
            let empty_type = ["struct", "enum", "trait"]
                .iter()
                .filter_map(|keyword| declared(line, keyword))
                .any(|name| {
                    ["Manager", "Factory", "Util", "Utils", "Helper"]
                        .iter()
                        .any(|word| name.ends_with(word))
                });
            if getter || empty_type {
                faults.at(file, number, line);
            }
        }
    }
    faults.report();
}

#[test]
fn names_of_tests_are_sentences() {
    let mut faults = Faults::of(
        "say in at least three words what holds, as in `dropping_a_subscription_stops_delivery`",
    );
    for file in source::rust_files() {
        let mut is_test = false;
        for (number, line) in file.code() {
            let line = line.trim();
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            let Some(name) = declared(line, "fn").filter(|_| is_test) else {
                continue;
            };
            is_test = false;
            if name.starts_with("test_") || name.split('_').count() < 3 {
                faults.at(file, number, name);
            }
        }
    }
    faults.report();
}

/// The identifier after a keyword, where the line declares one.
fn declared<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == keyword)?;
    let name = words.next()?;
    let end = name
        .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .unwrap_or(name.len());
    Some(&name[..end]).filter(|name| !name.is_empty())
}
