//! What Prometheus' own tool says of the rules and of what is exposed. Its package is `prometheus`
//! on Debian; without it these tests fail, unless `MESAHUB_TEST_SKIP` names `promtool`.

use std::path::Path;
use std::process::Stdio;

use mesahub::auth::ServiceScope;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::day::Day;
use crate::server::{read, service_token};

/// Runs the tool beside the rules, with something on its standard input.
async fn promtool(arguments: &[&str], input: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let mut tool = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool: apt-get install prometheus, or MESAHUB_TEST_SKIP=promtool");
    let mut stdin = tool.stdin.take().unwrap();
    // What reads nothing may end before it is told everything.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = tool.wait_with_output().await.unwrap();
    let told = [&output.stdout[..], &output.stderr[..]].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success(), "promtool {arguments:?}:\n{told}");
}

#[tokio::test]
async fn it_accepts_the_rules_and_the_configuration() {
    promtool(&["check", "rules", "mesahub.rules.yml"], "").await;
    let config = ["check", "config", "--syntax-only", "prometheus.yml"];
    promtool(&config, "").await;
}

#[tokio::test]
async fn alerts_fire_when_they_should_and_not_before() {
    promtool(&["test", "rules", "mesahub.tests.yml"], "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_finds_no_fault_in_what_is_exposed() {
    let Day {
        server,
        boss: _boss,
    } = Day::live(&[]).await;
    let token = service_token(ServiceScope::Every);
    let answer = read(server.address, "/metrics", &token, "").await;
    promtool(&["check", "metrics"], &answer.text).await;
}
