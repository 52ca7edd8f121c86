//! The manifests, and the files that stand beside them.

use crate::faults::Faults;
use crate::source::{self, SourceFile};

/// A feature of the root package.
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    is_explained: bool,
}

/// The features of the root package, without `default`.
pub(crate) fn features() -> impl Iterator<Item = Feature> {
    let lines: Vec<&str> = section(source::file("Cargo.toml"), "[features]").collect();
    let mut features = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some((name, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            features.push(Feature {
                name: name.trim(),
                is_explained: index > 0 && lines[index - 1].starts_with("## "),
            });
        }
    }
    features
        .into_iter()
        .filter(|feature| feature.name != "default")
}

#[test]
fn every_feature_is_explained_where_it_is_declared_and_in_features_md() {
    let mut faults = Faults::of(
        "a feature has a `## …` comment above it in Cargo.toml and a section ## `name` in features.md",
    );
    let explained: Vec<&str> = source::file("features.md")
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`'))
        .collect();
    for feature in features() {
        if !feature.is_explained {
            faults.note(format!("Cargo.toml: no comment above `{}`", feature.name));
        }
        if !explained.contains(&feature.name) {
            faults.note(format!("features.md: no section on `{}`", feature.name));
        }
    }
    for name in explained {
        if !features().any(|feature| feature.name == name) {
            faults.note(format!("features.md: `{name}` is no feature"));
        }
    }
    faults.report();
}

#[test]
fn members_take_versions_and_lints_from_the_workspace() {
    let mut faults = Faults::of("write `name.workspace = true`, and `[lints] workspace = true`");
    for file in source::files() {
        if file.path != "Cargo.toml" && !file.path.ends_with("/Cargo.toml") {
            continue;
        }
        if !section(file, "[lints]").any(|line| line == "workspace = true") {
            faults.note(format!("{}: its lints are not the workspace's", file.path));
        }
        for kind in [
            "[dependencies]",
            "[dev-dependencies]",
            "[build-dependencies]",
        ] {
            for line in section(file, kind).filter(|line| line.contains('=')) {
                if !line.starts_with('#') && !line.contains("workspace = true") {
                    faults.note(format!("{}: {line}", file.path));
                }
            }
        }
    }
    faults.report();
}

#[test]
fn the_files_that_visitors_look_for_are_there() {
    let mut faults = Faults::of("these belong to the house");
    for (path, holds) in [
        ("README.md", "cargo xtask demo"),
        ("CONTRIBUTING.md", "cargo xtask test"),
        ("CHANGELOG.md", "\n## Unreleased\n"),
        ("features.md", "\n## `"),
        ("deny.toml", "[licenses]"),
        (".ci/run", "cargo xtask test"),
    ] {
        if !source::file(path).text.contains(holds) {
            faults.note(format!("{path} says nothing of {holds:?}"));
        }
    }
    faults.report();
}

#[test]
fn lock_files_name_no_registry_but_the_public_one() {
    let mut faults = Faults::of("make the lock file again against the public registry");
    for file in source::files() {
        let public = match file.path.rsplit('/').next() {
            Some("package-lock.json") => "https://registry.npmjs.org/",
            Some("Cargo.lock") => "registry+https://github.com/rust-lang/crates.io-index",
            _ => continue,
        };
        for (index, line) in file.text.lines().enumerate() {
            let names_a_host = line.contains("\"resolved\":") || line.starts_with("source = ");
            if names_a_host && !line.contains(public) {
                faults.at(file, index + 1, line);
            }
        }
    }
    faults.report();
}

/// The lines of a section of a manifest, trimmed, until the next section.
fn section(file: &'static SourceFile, header: &'static str) -> impl Iterator<Item = &'static str> {
    let mut lines = file.text.lines().map(str::trim);
    lines.find(|line| *line == header);
    lines.take_while(|line| !line.starts_with('['))
}
