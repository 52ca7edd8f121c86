//! What may be called or named where.

use crate::faults::Faults;
use crate::manifest;
use crate::source;

/// The source files that may say what is compiled in, and of which feature.
const NAMES_FEATURES: [(&str, &str); 5] = [
    ("src/broker/open.rs", ""),
    ("src/journal/mod.rs", "sqlite"),
    ("src/app/journal.rs", "sqlite"),
    ("src/session/mod.rs", "sqlite"),
    ("src/app/sessions.rs", "sqlite"),
];

/// What a test module may import whole.
const TAKEN_WHOLE: [&str; 2] = ["use super::*;", "use proptest::prelude::*;"];

#[test]
fn features_are_named_in_the_source_files_that_open_what_they_add() {
    let mut faults = Faults::of(
        "only src/broker/open.rs depends on which backends are compiled in, and few others on other features",
    );
    let features: Vec<String> = manifest::features()
        .map(|feature| format!("feature = \"{}\"", feature.name))
        .collect();
    for file in source::rust_files().filter(|file| file.path.starts_with("src/")) {
        // A server without any backend is refused by the compiler, in `main.rs`.
        let refuses = file.path == "src/main.rs" && file.text.contains("compile_error!");
        if refuses {
            continue;
        }
        let may_name = |feature: &String| {
            NAMES_FEATURES
                .iter()
                .any(|(path, name)| file.path == *path && feature.contains(name))
        };
        for (number, line) in file.code() {
            let named = |feature: &&String| line.contains(&***feature);
            if features.iter().filter(named).any(|it| !may_name(it)) {
                faults.at(file, number, line);
            }
        }
    }
    faults.report();
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let mut faults =
        Faults::of("take it through the constructor: src/config reads the environment");
    for file in source::rust_files().filter(|file| file.is_product()) {
        if file.path.starts_with("src/config/") {
            continue;
        }
        for (number, line) in file.product_code() {
            if line.contains("env::var") {
                faults.at(file, number, line);
            }
        }
    }
    faults.report();
}

#[test]
fn tests_wait_for_events_and_not_for_time() {
    let mut faults = Faults::of("wait for the event, or pause the clock and advance it");
    let sleep = concat!("sleep", "(");
    for file in source::rust_files() {
        // With a paused clock, in a file of product code, time is the test's own.
        if !file.is_test() && file.text.contains("start_paused = true") {
            continue;
        }
        for (number, line) in file.test_code() {
            if line.contains(sleep) {
                faults.at(file, number, line);
            }
        }
    }
    faults.report();
}

#[test]
fn imports_name_what_they_bring() {
    let mut faults = Faults::of("import by name; only a test module takes all of its parent");
    for file in source::rust_files() {
        let product = file
            .product_code()
            .map(|(number, line)| (number, line, false));
        let tests = file.test_code().map(|(number, line)| (number, line, true));
        for (number, line, is_test) in product.chain(tests) {
            let line = line.trim();
            let is_import = line.starts_with("use ") || line.starts_with("pub use ");
            let takes_all = is_import && line.ends_with("::*;");
            if takes_all && !(is_test && TAKEN_WHOLE.contains(&line)) {
                faults.at(file, number, line);
            }
        }
    }
    faults.report();
}
