//! What is written: nothing unfinished, nothing switched off, nothing of one machine.

use crate::faults::Faults;
use crate::source;

#[test]
fn nothing_is_left_unfinished() {
    let mut faults = Faults::of("finish it, or open an issue and leave no mark in the code");
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
    ];
    for file in source::files() {
        // Markdown may speak of such marks; lock files name whatever crates are called.
        if file.has_extension("md") || file.has_extension("lock") {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                faults.at(file, index + 1, line);
            }
        }
    }
    faults.report();
}

#[test]
fn no_test_is_switched_off() {
    let mut faults = Faults::of("mend the test or remove it");
    let in_rust = [concat!("#[", "ignore")];
    let in_scripts = [
        concat!(".sk", "ip("),
        concat!(".on", "ly("),
        concat!("{ sk", "ip:"),
        concat!("{ to", "do:"),
    ];
    for file in source::files() {
        let marks: &[&str] = match () {
            () if file.has_extension("rs") => &in_rust,
            () if ["js", "mjs", "ts", "tsx"]
                .iter()
                .any(|extension| file.has_extension(extension)) =>
            {
                &in_scripts
            }
            () => continue,
        };
        for (number, line) in file.code() {
            if marks.iter().any(|mark| line.contains(mark)) {
                faults.at(file, number, line);
            }
        }
    }
    faults.report();
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    let mut faults = Faults::of("use a path from the root of the repository");
    let folders = ["home", "root", "tmp", "Users", "work"].map(|name| format!("/{name}/"));
    for file in source::files() {
        for (index, line) in file.text.lines().enumerate() {
            if folders.iter().any(|folder| begins_a_path(line, folder)) {
                faults.at(file, index + 1, line);
            }
        }
    }
    faults.report();
}

#[test]
fn a_folder_is_of_one_machine_only_at_the_beginning_of_a_path() {
    let folder = format!("/{}/", "home");
    assert!(begins_a_path(&format!("see {folder}anna"), &folder));
    assert!(begins_a_path(&format!("\"{folder}anna\""), &folder));
    assert!(!begins_a_path(&format!("GET /api{folder}anna"), &folder));
}

/// Whether the folder stands in the line with nothing of a longer path before it.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(index, _)| {
        !line[..index]
            .ends_with(|before: char| before.is_alphanumeric() || "._-}*$".contains(before))
    })
}
