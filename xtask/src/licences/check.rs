//! The comparison itself.

use std::fs;

use serde_json::Value;

use super::{allowed, expression};
use crate::cargo;
use crate::error::TaskError;

/// Checks every crate that any feature, target or test of the workspace pulls in.
pub(crate) fn run() -> Result<(), TaskError> {
    let path = cargo::workspace_root().join("deny.toml");
    let deny =
        fs::read_to_string(&path).map_err(TaskError::io(format!("reading {}", path.display())))?;
    let allowed = allowed::read(&deny);
    let metadata = cargo::output_of(cargo::cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--all-features",
        "--locked",
    ]))?;
    let metadata = serde_json::from_str(&metadata).map_err(|source| TaskError::Json {
        what: "the output of `cargo metadata`".to_owned(),
        source,
    })?;

    let verdict = judge(&metadata, &allowed);
    for refused in &verdict.refused {
        println!("{refused}");
    }
    println!(
        "{} third-party crates, {} not usable under {}",
        verdict.seen,
        verdict.refused.len(),
        allowed.join(", ")
    );
    match verdict.refused.len() {
        0 => Ok(()),
        count => Err(TaskError::Licences { count }),
    }
}

struct Verdict {
    seen: usize,
    refused: Vec<String>,
}

fn judge(metadata: &Value, allowed: &[String]) -> Verdict {
    let is_allowed = |licence: &str| allowed.iter().any(|known| known == licence);
    let mut verdict = Verdict {
        seen: 0,
        refused: Vec::new(),
    };
    let packages = metadata["packages"].as_array().into_iter().flatten();
    for package in packages.filter(|package| !package["source"].is_null()) {
        verdict.seen += 1;
        let licence = package["license"].as_str().unwrap_or_default();
        if !expression::is_satisfied(licence, &is_allowed) {
            let name = package["name"].as_str().unwrap_or("a crate without a name");
            let version = package["version"].as_str().unwrap_or_default();
            let stated = if licence.is_empty() {
                "no licence"
            } else {
                licence
            };
            verdict.refused.push(format!("{name} {version}: {stated}"));
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn our_own_crates_are_not_judged_and_a_missing_licence_is_refused() {
        let metadata = json!({"packages": [
            {"name": "ours", "version": "1.0.0", "source": null, "license": null},
            {"name": "free", "version": "1.0.0", "source": "registry", "license": "MIT"},
            {"name": "strict", "version": "2.0.0", "source": "registry", "license": "GPL-3.0"},
            {"name": "silent", "version": "3.0.0", "source": "registry", "license": null},
        ]});
        let verdict = judge(&metadata, &["MIT".to_owned()]);
        assert_eq!(verdict.seen, 3);
        assert_eq!(
            verdict.refused,
            ["strict 2.0.0: GPL-3.0", "silent 3.0.0: no licence"]
        );
    }
}
