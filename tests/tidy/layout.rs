//! Where things stand: the size of files, and what `mod.rs` may hold.

use crate::faults::Faults;
use crate::source;

const LONGEST: usize = 500;

#[test]
fn no_file_of_code_is_longer_than_five_hundred_lines() {
    let mut faults = Faults::of("split these files: does each concept have a room of its own?");
    for file in source::files() {
        let is_code = ["rs", "js", "mjs", "ts", "tsx"]
            .iter()
            .any(|extension| file.has_extension(extension));
        let lines = file.text.lines().count();
        if is_code && lines > LONGEST {
            faults.note(format!("{}: {lines} lines", file.path));
        }
    }
    faults.report();
}

#[test]
fn mod_files_hold_only_docs_modules_and_reexports() {
    let mut faults = Faults::of("move this logic out of `mod.rs`, into a file named by its noun");
    for file in source::rust_files().filter(|file| file.path.ends_with("/mod.rs")) {
        for statement in logic_in(&file.text) {
            faults.note(format!("{}: {statement}", file.path));
        }
    }
    faults.report();
}

#[test]
fn what_only_declares_is_told_from_what_does() {
    let declares = "//! Docs.\n#![allow(\n    dead_code\n)]\n\n/// A room.\npub mod a;\nmod b;\n\
                    #[cfg(test)]\nmod c;\npub use a::{\n    One, // the first\n    Two,\n};\n\
                    pub(crate) use b::Three;\n";
    assert!(logic_in(declares).is_empty());
    assert_eq!(logic_in("mod a;\npub fn f() {}\n").len(), 1);
    assert_eq!(logic_in("mod a { const B: u8 = 1; }\n").len(), 2);
    assert_eq!(logic_in("use a::B;\nimpl B {}\n").len(), 1);
}

/// The first line of each statement that is neither a module nor a re-export.
fn logic_in(text: &str) -> Vec<String> {
    let mut code = String::new();
    let mut inside_attribute = false;
    for line in text.lines() {
        let line = line.split_once("//").map_or(line, |(code, _)| code).trim();
        inside_attribute |= line.starts_with("#[") || line.starts_with("#![");
        if inside_attribute {
            inside_attribute = !line.ends_with(']');
        } else {
            code.push_str(line);
            code.push('\n');
        }
    }
    code.split(';')
        .map(str::trim)
        .filter(|statement| !statement.is_empty() && !declares(statement))
        .map(|statement| statement.lines().next().unwrap_or_default().to_owned())
        .collect()
}

fn declares(statement: &str) -> bool {
    let statement = ["pub(crate) ", "pub(super) ", "pub "]
        .iter()
        .find_map(|visibility| statement.strip_prefix(visibility))
        .unwrap_or(statement);
    match statement.split_once(char::is_whitespace) {
        Some(("use", _)) => true,
        Some(("mod", name)) => !name.contains('{'),
        _ => false,
    }
}
