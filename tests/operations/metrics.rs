//! What a server exposes, and whether it is true.

use std::collections::BTreeSet;

use mesahub::auth::ServiceScope;
use mesahub::metrics::{Kind, catalogue, reference};

use crate::day::Day;
use crate::exposition::Exposition;
use crate::server::{TENANT, read, service_token};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exposed_is_what_the_catalogue_and_the_documentation_list() {
    let Day {
        server,
        boss: _boss,
    } = Day::live(&[]).await;
    let exposed = server.scrape().await;
    let listed: BTreeSet<String> = catalogue().flat_map(|metric| metric.samples()).collect();
    // Where the process may open any number of files, there is no limit to expose.
    let unlimited = |name: &str| name == "process_max_fds" && !exposed.names().contains(name);
    let listed: BTreeSet<&str> = listed
        .iter()
        .map(String::as_str)
        .filter(|name| !unlimited(name))
        .collect();
    assert_eq!(exposed.names(), listed);

    let guide = include_str!("../../docs/metrics.md");
    let expected = reference();
    assert!(
        guide.contains(&expected),
        "docs/metrics.md must hold exactly these tables:\n{expected}"
    );
    let is_of_metrics = |line: &&str| {
        let mut prefixes = ["| `mesahub_", "| `process_"].into_iter();
        prefixes.any(|prefix| line.starts_with(prefix))
    };
    let rows = guide.lines().filter(is_of_metrics);
    assert_eq!(rows.count(), catalogue().count(), "and no other metrics");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_label_is_listed_and_no_value_comes_from_somebody_else() {
    let Day {
        server,
        boss: _boss,
    } = Day::live(&[]).await;
    let answer = read(
        server.address,
        "/metrics",
        &service_token(ServiceScope::Every),
        "",
    )
    .await;
    for private in [
        TENANT,
        "giulietta",
        "3f2504e0",
        "NoSuchMethod",
        "morse",
        "/api/v1/nothing",
    ] {
        assert!(!answer.text.contains(private), "{private} is exposed");
    }
    let exposed = Exposition::read(&answer.text);
    for metric in catalogue() {
        let is_histogram = metric.kind == Kind::Histogram;
        for sample in metric
            .samples()
            .iter()
            .flat_map(|name| exposed.samples(name))
        {
            let mut labels: Vec<&str> = sample.labels.keys().map(String::as_str).collect();
            labels.retain(|name| !(is_histogram && *name == "le"));
            let mut listed = metric.labels.to_vec();
            listed.sort_unstable();
            assert_eq!(labels, listed, "{}", metric.name);
        }
    }
    let series: usize = exposed.families.values().map(|it| it.samples.len()).sum();
    assert!(series < 1_000, "{series} series of one node");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_happened_is_counted() {
    let Day { server, mut boss } = Day::live(&[]).await;
    let hub = ("hub", "notifications");
    let exposed = server
        .scrape_until("everything to be published", |exposed| {
            exposed.sum("mesahub_notifications_total", &[("outcome", "published")]) == Some(4.0)
                && exposed.sum("mesahub_notifications_waiting", &[]) == Some(0.0)
                && exposed.sum("mesahub_endings_total", &[]) == Some(1.0)
                && exposed.sum("mesahub_delivery_lag_seconds_count", &[]) == Some(4.0)
                && exposed.sum("mesahub_journal_notifications", &[]) == Some(0.0)
        })
        .await;
    for (name, labels, expected) in [
        (
            "mesahub_connections",
            vec![hub, ("transport", "WebSockets")],
            1.0,
        ),
        ("mesahub_connections", vec![], 1.0),
        (
            "mesahub_handshakes_total",
            vec![("outcome", "accepted")],
            1.0,
        ),
        (
            "mesahub_handshakes_total",
            vec![("outcome", "refused")],
            1.0,
        ),
        (
            "mesahub_endings_total",
            vec![("ending", "handshake_refused")],
            1.0,
        ),
        ("mesahub_outbox_bytes", vec![hub], 0.0),
        ("mesahub_received_messages_total", vec![hub], 6.0),
        // Six answers, two notifications, and the start and the end of a session.
        ("mesahub_sent_messages_total", vec![hub], 10.0),
        ("mesahub_delivery_lag_seconds_count", vec![hub], 4.0),
        (
            "mesahub_invocations_total",
            vec![("outcome", "completed")],
            3.0,
        ),
        (
            "mesahub_invocations_total",
            vec![("outcome", "unknown")],
            1.0,
        ),
        (
            "mesahub_invocations_total",
            vec![("outcome", "malformed")],
            1.0,
        ),
        (
            "mesahub_invocations_total",
            vec![("outcome", "failed")],
            1.0,
        ),
        ("mesahub_invocations_total", vec![("kind", "stream")], 0.0),
        (
            "mesahub_resumes_total",
            vec![("outcome", "unknown_position")],
            1.0,
        ),
        ("mesahub_losses_total", vec![], 0.0),
        (
            "mesahub_notifications_total",
            vec![("outcome", "accepted")],
            4.0,
        ),
        (
            "mesahub_notifications_total",
            vec![("outcome", "given_up")],
            0.0,
        ),
        ("mesahub_dead_letters", vec![], 0.0),
        ("mesahub_journal_up", vec![], 1.0),
        ("mesahub_backplane_up", vec![("backend", "memory")], 1.0),
        ("mesahub_backplane_failures_total", vec![], 0.0),
        ("mesahub_sessions_started_total", vec![], 1.0),
        (
            "mesahub_sessions_closed_total",
            vec![("reason", "SessionClosed")],
            1.0,
        ),
        (
            "mesahub_http_requests_total",
            vec![("route", "/api/v1/notifications"), ("status", "202")],
            2.0,
        ),
        (
            "mesahub_http_requests_total",
            vec![("route", "none"), ("status", "404"), ("method", "other")],
            1.0,
        ),
        (
            "mesahub_http_request_seconds_count",
            vec![("route", "/api/v1/tenants/{tenantKey}/sessions/{sessionId}")],
            1.0,
        ),
        ("mesahub_ready", vec![], 1.0),
        (
            "mesahub_build_info",
            vec![("version", env!("CARGO_PKG_VERSION"))],
            1.0,
        ),
    ] {
        assert_eq!(
            exposed.sum(name, &labels),
            Some(expected),
            "{name} {labels:?}"
        );
    }
    for name in [
        "mesahub_received_bytes_total",
        "mesahub_sent_bytes_total",
        "mesahub_topics",
        "mesahub_backplane_published_messages_total",
        "mesahub_backplane_publish_seconds_count",
        "mesahub_backplane_subscribed_topics_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(exposed.sum(name, &[]) > Some(0.0), "{name}");
    }
    boss.call("Ping", "[]").await;
    let later = server.scrape().await;
    for name in [
        "mesahub_received_messages_total",
        "mesahub_sent_messages_total",
    ] {
        assert_eq!(
            later.sum(name, &[]),
            exposed.sum(name, &[]).map(|it| it + 1.0)
        );
    }
    drop(boss);
    server
        .scrape_until("the connection to be gone", |exposed| {
            exposed.sum("mesahub_connections", &[]) == Some(0.0)
                && exposed.sum("mesahub_endings_total", &[("ending", "transport_lost")])
                    == Some(1.0)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_formats_tell_the_same() {
    let Day {
        server,
        boss: _boss,
    } = Day::live(&[]).await;
    let token = service_token(ServiceScope::Every);
    let open = read(
        server.address,
        "/metrics",
        &token,
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
    )
    .await;
    assert!(
        open.kind
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = read(server.address, "/metrics", &token, "*/*").await;
    assert!(text.kind.starts_with("text/plain; version=0.0.4"));
    let (open, text) = (
        Exposition::read_open_metrics(&open.text),
        Exposition::read(&text.text),
    );
    assert_eq!(open.names(), text.names());
    for metric in catalogue().filter(|metric| open.families.contains_key(metric.name)) {
        let family = &open.families[metric.name];
        assert_eq!(family.kind, metric.kind.name());
        assert_eq!(family.unit.as_deref(), metric.unit());
        assert_eq!(family.help, metric.meaning);
    }
}
