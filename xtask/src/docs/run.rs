//! Reading what there is, and writing the page.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::page::page;
use super::source::Sources;
use crate::cargo;
use crate::error::TaskError;

/// Writes the page, if it has changed.
pub(crate) fn run() -> Result<(), TaskError> {
    let (path, text) = (place(), written()?);
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        println!("{} is as it should be", path.display());
        return Ok(());
    }
    fs::write(&path, text).map_err(TaskError::io(format!("writing {}", path.display())))?;
    println!("wrote {}", path.display());
    Ok(())
}

fn place() -> PathBuf {
    cargo::workspace_root()
        .join("docs")
        .join("configuration.md")
}

/// The page as it should be.
fn written() -> Result<String, TaskError> {
    let root = cargo::workspace_root();
    let folder = root.join("src").join("config");
    let reading = |what: &std::path::Path| TaskError::io(format!("reading {}", what.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(reading(&folder))? {
        let path = entry.map_err(reading(&folder))?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    let mut sources = Sources::default();
    for file in files {
        sources.read(&fs::read_to_string(&file).map_err(reading(&file))?);
    }
    let defaults = root.join("config").join("appsettings.json");
    let text = fs::read_to_string(&defaults).map_err(reading(&defaults))?;
    page(&sources, &parsed(&text)?)
}

/// The settings file, whose comments stand on lines of their own.
fn parsed(text: &str) -> Result<Value, TaskError> {
    let lines = text.lines();
    let bare: Vec<&str> = lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    serde_json::from_str(&bare.join("\n")).map_err(|source| TaskError::Json {
        what: "config/appsettings.json".to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_repository_is_up_to_date() {
        let there = fs::read_to_string(place()).unwrap();
        assert!(
            there == written().unwrap(),
            "docs/configuration.md is out of date: run `cargo xtask docs`"
        );
    }

    #[test]
    fn comments_in_the_settings_file_are_passed_over() {
        let text = "{\n  // what it is\n  \"a\": 1\n}\n";
        assert_eq!(parsed(text).unwrap()["a"], 1);
    }
}
