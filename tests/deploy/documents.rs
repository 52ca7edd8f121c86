//! The pages: their links lead somewhere, their commands exist, and what they say is logged is.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::tree::{at, below, text};

fn pages() -> Vec<String> {
    let mut pages = below("docs", &[".md"]);
    pages.push("deploy/README.md".to_owned());
    pages
}

/// The anchors of the headings of a page, as they are made for Markdown on the web.
fn anchors(page: &str) -> BTreeSet<String> {
    let text = text(page);
    let headings = text.lines().filter_map(|line| {
        let heading = line.trim_start_matches('#');
        (heading.len() < line.len()).then(|| heading.trim().to_lowercase())
    });
    let anchor = |heading: String| {
        let kept = |letter: &char| letter.is_alphanumeric() || *letter == '-' || *letter == '_';
        heading.replace(' ', "-").chars().filter(kept).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_to_a_page_and_a_heading_that_are_there() {
    let mut count = 0;
    for page in pages() {
        for link in text(&page).split("](").skip(1) {
            let (link, _) = link.split_once(')').expect("a link ends");
            if link.contains("://") {
                continue;
            }
            count += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&page).parent().expect("a folder");
            let target = match path {
                "" => Path::new(&page).to_owned(),
                path => folder.join(path),
            };
            assert!(at(target.to_str().unwrap()).is_file(), "{page}: {link}");
            if !anchor.is_empty() {
                assert!(
                    anchors(target.to_str().unwrap()).contains(anchor),
                    "{page}: {link}"
                );
            }
        }
    }
    assert!(count > 5, "only {count} were found");
}

/// The words of every command of ours in the pages: `mesahub …` until the end of its line or quote.
fn commands() -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for page in pages().into_iter().chain(["README.md".to_owned()]) {
        for line in text(&page).split(['\n', '`']) {
            let Some(words) = line.strip_prefix("mesahub ") else {
                continue;
            };
            let words = words.split('#').next().unwrap_or(words);
            found.insert(words.split_whitespace().map(str::to_owned).collect());
        }
    }
    found
}

#[test]
fn every_command_and_flag_that_is_spoken_of_exists() {
    let commands = commands();
    assert!(commands.len() > 5, "{commands:?}");
    for words in commands {
        let is_flag = |word: &&String| word.starts_with("--");
        let names: Vec<&String> = words.iter().take_while(|it| !is_flag(it)).collect();
        let names = names
            .into_iter()
            .filter(|word| word.chars().all(|it| it.is_lowercase() || it == '-'));
        let output = Command::new(env!("CARGO_BIN_EXE_mesahub"))
            .args(names)
            .arg("--help")
            .output()
            .unwrap();
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words:?}");
        for flag in words.iter().filter(is_flag) {
            let flag = flag.split('=').next().unwrap_or(flag);
            assert!(help.contains(flag), "{words:?}: {flag} is not in {help}");
        }
    }
}

#[test]
fn what_the_runbook_says_is_logged_is_logged() {
    let mut sources = String::new();
    for file in below("src", &[".rs"]) {
        sources.push_str(&text(&file));
    }
    let runbook = text("docs/runbook.md").replace('\n', " ");
    let mut count = 0;
    for section in runbook.split("**Shows**").skip(1) {
        let (shows, _) = section.split_once("**Means**").expect("what it means");
        for quoted in shows.split('`').skip(1).step_by(2) {
            // Sentences, and not names, paths or commands.
            let is_sentence = quoted.contains(' ')
                && quoted.starts_with(|letter: char| letter.is_lowercase())
                && !quoted.starts_with("mesahub ");
            if !is_sentence {
                continue;
            }
            count += 1;
            let quoted = quoted.trim_end_matches(['…', ' ', ':']);
            assert!(sources.contains(quoted), "{quoted} is not in the sources");
        }
    }
    assert!(count >= 8, "only {count} were found");
}
