//! The proxy in front of several nodes.

use crate::compose::compose;
use crate::settings::{defaults, port};
use crate::tree::text;

/// What a directive of `nginx.conf` says, which must stand there once.
fn directive(name: &str) -> String {
    let config = text("deploy/compose/nginx.conf");
    let mut said = config.lines().filter_map(|line| {
        let said = line.trim().strip_prefix(name)?.strip_prefix(' ')?;
        Some(said.trim_end_matches(';').to_owned())
    });
    let first = said.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(said.next(), None, "{name}");
    first
}

#[test]
fn the_proxy_keeps_a_client_at_its_node_whatever_the_transport() {
    assert_eq!(directive("hash"), "$node consistent");
    let config = text("deploy/compose/nginx.conf");
    for line in [
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header Connection $hop;",
        "add_header Set-Cookie $new_cookie;",
    ] {
        assert!(config.contains(line), "{line}");
    }
    assert_eq!(directive("proxy_http_version"), "1.1");
    assert_eq!(directive("proxy_buffering"), "off");
}

#[test]
fn the_proxy_waits_longer_than_the_server_is_silent() {
    let settings = defaults().settings;
    let poll = settings.mesahub.hub.long_polling.poll_timeout;
    let ping = settings.real_time.signal_r.keep_alive_interval;
    for name in ["proxy_read_timeout", "proxy_send_timeout"] {
        let seconds = crate::tree::seconds(&directive(name));
        assert!(
            seconds > poll.as_secs() && seconds > ping.as_secs(),
            "{name}"
        );
    }
}

#[test]
fn the_proxy_logs_no_query_because_tokens_stand_there() {
    let format = directive("log_format");
    for name in [
        "$request ",
        "$request\"",
        "$request_uri",
        "$args",
        "$query_string",
        "$http_",
    ] {
        assert!(!format.contains(name), "{name}");
    }
    assert!(directive("access_log").ends_with("without_query"));
    assert!(format.starts_with("without_query "), "{format}");
}

#[test]
fn the_proxy_listens_where_it_is_published_and_leads_to_the_nodes() {
    let listens = directive("listen");
    let config = text("deploy/compose/nginx.conf");
    assert!(
        config.contains(&format!("server mesahub:{} ", port())),
        "{config}"
    );
    for file in ["redis", "nats", "rabbitmq"] {
        let compose = compose(file);
        let proxy = &compose.services["proxy"];
        assert_eq!(proxy.ports, [format!("{listens}:{listens}")], "{file}");
        let files = directive("worker_rlimit_nofile").parse().ok();
        assert_eq!(proxy.open_files(), files, "{file}");
        assert!(compose.services.contains_key("mesahub"));
    }
}
