//! The command line against the real server.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::house::{Habit, House};
use crate::process::{KEY, Mesahub};

async fn load(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mesahub"))
        .args(["load", "--json", "--duration=1"])
        .args(words)
        .args(["--set", &format!("Mesahub:Authentication:SigningKey={KEY}")])
        .output()
        .await
        .unwrap()
}

fn told(output: &Output) -> (Option<i32>, Value) {
    let report = serde_json::from_slice(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    (
        output.status.code(),
        report.unwrap_or_else(|error| panic!("{error}: {stderr}")),
    )
}

#[tokio::test]
async fn a_server_of_ours_loses_nothing_of_what_is_published_over_http() {
    let server = Mesahub::start(&[]).await;
    let hub = format!("http://{}/hubs/notifications", server.asker().address);
    for protocol in ["json", "messagepack"] {
        let protocol = format!("--protocol={protocol}");
        let words = [
            &*hub,
            &protocol,
            "--connections=40",
            "--channels=4",
            "--rate=100",
            "--storm",
        ];
        let output = load(&words).await;
        let (code, report) = told(&output);
        assert_eq!(code, Some(0), "{report}");
        assert_eq!(report["good"], true, "{report}");
        assert_eq!(report["storm"]["back"], 40, "{report}");
        let messages = &report["messages"];
        assert!(messages["published"].as_u64() > Some(10), "{report}");
        // Ten clients in each tenant.
        let expected = messages["published"]
            .as_u64()
            .map(|published| published * 10);
        assert_eq!(messages["heard"].as_u64(), expected, "{report}");
        let progress = String::from_utf8_lossy(&output.stderr);
        assert!(progress.contains("40/40 connected"), "{progress}");
    }
}

#[tokio::test]
async fn a_server_that_loses_something_makes_the_command_fail() {
    let house = House::open(Habit::Swallows).await;
    let hub = format!("http://{}/house", house.address);
    let words = [
        &*hub,
        "--anonymous",
        "--join=Enter",
        "--publish=Say",
        "--rate=50",
        "--patience=1",
    ];
    let (code, report) = told(&load(&words).await);
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(
        report["messages"]["lost"],
        house.treated() * 100,
        "{report}"
    );
}

#[tokio::test]
async fn arguments_that_make_no_plan_are_refused() {
    let hub = "http://127.0.0.1:1/hub";
    for (words, said) in [
        (&["--protocol=xml"][..], "expected json or messagepack"),
        (
            &["--channels=2", "--channels-per-connection=2"],
            "a client is in one tenant",
        ),
        (&["--connections=0"], "at least one connection"),
        (&["--connections=100000000"], "open files are needed"),
    ] {
        let output = load(&[&[hub], words].concat()).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {stderr}");
        assert!(stderr.contains(said), "{words:?}: {stderr}");
    }
}
