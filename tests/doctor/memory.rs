//! The in-memory backplane, and what goes wrong before there is any.

use crate::binary::{Patient, told};

#[tokio::test]
async fn memory_needs_nothing_and_is_tried_all_the_same() {
    let diagnosis = Patient::of("Memory").examine().await;
    assert!(diagnosis.failures().is_empty());
    let checks = [
        "configuration",
        "latency",
        "delivery",
        "subscriber count",
        "log",
        "bound of logs",
        "other nodes",
        "large payload",
    ];
    assert_eq!(diagnosis.checks(), checks);
    for check in checks {
        diagnosis.expect(check, "ok", "");
    }
    diagnosis.expect("bound of logs", "ok", "of 257 entries, 256 are kept");
    assert_eq!(diagnosis.report["backplane"], "memory");
}

#[tokio::test]
async fn a_configuration_that_is_not_good_comes_first() {
    let patient = Patient::of("Memory").set("Mesahub:Server:Adress", "127.0.0.1:1");
    let diagnosis = patient.examine().await;
    diagnosis.ends_with("configuration", "Mesahub:Server:Adress is not a known key");
    assert_eq!(diagnosis.checks(), ["configuration"]);
}

#[tokio::test]
async fn people_read_a_line_for_each_check_and_a_summary() {
    let output = Patient::of("Memory").run(&["doctor"]).await;
    let text = told(&output);
    assert!(output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 9, "{text}");
    assert!(
        lines[..8].iter().all(|line| line.starts_with("ok  ")),
        "{text}"
    );
    assert_eq!(lines[8], "memory: 8 ok");
}

#[tokio::test]
async fn wrong_arguments_are_told_from_a_bad_backplane_by_the_exit_code() {
    let output = Patient::of("Memory").run(&["doctor", "--xml"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
}
