//! The dashboard and the rules name nothing that a server does not expose.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::day::Day;

const DASHBOARD: &str = include_str!("../../deploy/grafana/mesahub.json");
const RULES: &str = include_str!("../../deploy/prometheus/mesahub.rules.yml");
const TESTS: &str = include_str!("../../deploy/prometheus/mesahub.tests.yml");

/// What names of ours begin with.
const PREFIXES: [&str; 2] = ["mesahub_", "process_"];

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_nothing_that_a_server_does_not_expose() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut queries = Vec::new();
    collect(&dashboard, &mut queries);
    let used: BTreeSet<&str> = queries.iter().flat_map(|query| ours(query)).collect();
    let Day {
        server,
        boss: _boss,
    } = Day::live(&[]).await;
    let exposed = server.scrape().await;
    let unknown: Vec<_> = used.difference(&exposed.names()).copied().collect();
    assert!(unknown.is_empty(), "not exposed: {unknown:?}");
    // The other way round: whatever is exposed can be seen, but for the parts of histograms.
    let is_part = |name: &str| ["_sum", "_count"].iter().any(|it| name.ends_with(it));
    let unseen: Vec<_> = exposed
        .names()
        .into_iter()
        .filter(|name| !used.contains(name) && !is_part(name))
        .collect();
    assert!(unseen.is_empty(), "on no panel: {unseen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_ask_for_nothing_that_a_server_does_not_expose() {
    let recorded: BTreeSet<&str> = RULES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: "))
        .collect();
    let Day {
        server,
        boss: _boss,
    } = Day::live(&[]).await;
    let exposed = server.scrape().await;
    for (file, text) in [("the rules", RULES), ("their tests", TESTS)] {
        let used: BTreeSet<&str> = ours(text).collect();
        assert!(used.len() > 5, "{file} use {used:?}");
        for name in used {
            let is_known = exposed.names().contains(name) || recorded.contains(name);
            assert!(is_known, "{file} use {name}");
        }
    }
    assert!(!recorded.is_empty());
    for name in recorded {
        let (labels, rest) = name
            .split_once(':')
            .expect("labels, a metric and an operation");
        let metric = rest.split(':').next().unwrap();
        let is_exposed = exposed
            .names()
            .iter()
            .any(|known| known.starts_with(metric));
        assert!(is_exposed && !labels.is_empty(), "{name} is of no metric");
    }
}

#[test]
fn every_panel_has_a_title_a_unit_and_a_query() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        assert!(
            panel["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty())
        );
        if panel["type"] == "row" {
            continue;
        }
        assert!(
            panel["fieldConfig"]["defaults"]["unit"].is_string(),
            "{panel}"
        );
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let query = target["expr"].as_str().unwrap();
            let selects = |name: &&str| query.contains(&format!("{name}{{job=\"$job\",instance=~"));
            assert!(ours(query).all(|name| selects(&name)), "{query}");
        }
    }
}

/// Every query of panels and variables.
fn collect<'v>(value: &'v Value, queries: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(query) if name == "expr" || name == "query" => {
                        queries.push(query);
                    }
                    _ => collect(value, queries),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, queries)),
        _ => {}
    }
}

/// The names in a query that are ours, recorded ones with their colons.
fn ours(text: &str) -> impl Iterator<Item = &str> {
    let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
    text.split(move |letter| !is_of_a_name(letter))
        .map(|word| word.trim_end_matches(':'))
        .filter(|word| {
            let mut parts = word.split(':');
            parts.any(|part| PREFIXES.iter().any(|prefix| part.starts_with(prefix)))
        })
}
