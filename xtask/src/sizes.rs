//! `cargo xtask sizes`: what each set of features costs to build, and how large the binary is.
//!
//! Every set is built from nothing in a folder of its own, which is removed afterwards: it takes
//! minutes, and means something only while the machine has nothing else to do.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cargo;
use crate::error::TaskError;
use crate::step;

/// What each set has beside its backends.
const ALWAYS: &str = "messagepack";

/// What came out for one set.
struct Line {
    features: String,
    crates: usize,
    built: Duration,
    bytes: u64,
}

/// Builds every backend alone and all together, and prints the table for `features.md`.
pub(crate) fn run() -> Result<(), TaskError> {
    let metadata = cargo::output_of(cargo::cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--locked",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|source| TaskError::Json {
        what: "the output of `cargo metadata`".to_owned(),
        source,
    })?;
    let sets = sets(&backends(&metadata));
    step::step("fetching every crate, so that it is not timed", || {
        cargo::succeed(cargo::cargo(&["fetch", "--locked"]))
    })?;
    let target = cargo::workspace_root().join("target").join("sizes");
    let mut lines = Vec::new();
    for features in sets {
        let title = format!("building with {features} from nothing");
        lines.push(step::step(&title, || measure(features, &target))?);
    }
    println!("\n{}", table(&lines));
    Ok(())
}

fn measure(features: String, target: &Path) -> Result<Line, TaskError> {
    empty(target)?;
    let mut build = cargo::cargo(&["build", "--release", "--locked", "--quiet"]);
    build
        .args(["--package", "mesahub", "--bin", "mesahub"])
        .args(["--no-default-features", "--features", &features])
        .arg("--target-dir")
        .arg(target)
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    let begin = Instant::now();
    cargo::succeed(build)?;
    let built = begin.elapsed();
    let name = format!("mesahub{}", std::env::consts::EXE_SUFFIX);
    let binary = target.join("release").join(name);
    let bytes = fs::metadata(&binary)
        .map_err(TaskError::io(format!("reading {}", binary.display())))?
        .len();
    empty(target)?;
    let mut tree = cargo::cargo(&["tree", "--locked", "--package", "mesahub"]);
    tree.args(["--no-default-features", "--features", &features])
        .args(["--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}"]);
    let crates = cargo::output_of(tree)?;
    Ok(Line {
        features,
        crates: count(&crates),
        built,
        bytes,
    })
}

fn empty(folder: &Path) -> Result<(), TaskError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(TaskError::io(format!(
            "emptying {}",
            folder.display()
        ))(error)),
        _ => Ok(()),
    }
}

/// The features that bring a backend: those that need a crate of ours.
fn backends(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let features = packages
        .filter(|package| package["name"] == "mesahub")
        .filter_map(|package| package["features"].as_object())
        .flatten();
    let is_backend = |needs: &Value| {
        let mut needs = needs.as_array().into_iter().flatten();
        needs.any(|need| {
            need.as_str()
                .is_some_and(|need| need.starts_with("dep:mesahub-"))
        })
    };
    let mut backends: Vec<String> = features
        .filter(|(_, needs)| is_backend(needs))
        .map(|(name, _)| name.clone())
        .collect();
    // Memory is what the others are compared with.
    backends.sort_by_key(|name| (name != "memory", name.clone()));
    backends
}

/// Each backend alone, and all together.
fn sets(backends: &[String]) -> Vec<String> {
    let with = |backends: &str| format!("{backends},{ALWAYS}");
    let mut sets: Vec<String> = backends.iter().map(|backend| with(backend)).collect();
    sets.push(with(&backends.join(",")));
    sets
}

/// Different crates in the output of `cargo tree`, ours included.
fn count(tree: &str) -> usize {
    let crates = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let crates: BTreeSet<&str> = crates.filter(|line| !line.is_empty()).collect();
    crates.len()
}

fn table(lines: &[Line]) -> String {
    let mut text = String::from(
        "| features | crates | cold release build | stripped binary |\n| --- | --- | --- | --- |\n",
    );
    for line in lines {
        text += &format!(
            "| `{}` | {} | {} | {:.1} MB |\n",
            line.features,
            line.crates,
            step::spell(line.built),
            line.bytes as f64 / 1e6
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_backend_is_built_alone_and_all_together() {
        let metadata = json!({"packages": [
            {"name": "mesahub-redis", "features": {"tls": ["dep:mesahub-tls"]}},
            {"name": "mesahub", "features": {
                "default": ["memory", "messagepack"],
                "messagepack": ["mesahub-protocol/messagepack"],
                "amqp": ["dep:mesahub-amqp"],
                "memory": ["dep:mesahub-memory"],
            }},
        ]});
        let sets = sets(&backends(&metadata));
        assert_eq!(
            sets,
            [
                "memory,messagepack",
                "amqp,messagepack",
                "memory,amqp,messagepack"
            ]
        );
    }

    #[test]
    fn a_crate_counts_once() {
        assert_eq!(count("a v1.0.0\nb v2.0.0\na v1.0.0 (*)\n\n"), 2);
    }

    #[test]
    fn the_table_is_what_the_guide_holds() {
        let line = Line {
            features: "memory,messagepack".to_owned(),
            crates: 111,
            built: Duration::from_secs(97),
            bytes: 5_240_000,
        };
        let table = table(&[line]);
        let row = "| `memory,messagepack` | 111 | 1 min 37 s | 5.2 MB |\n";
        assert!(table.ends_with(row), "{table}");
    }
}
