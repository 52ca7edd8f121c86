//! The `mesahub` binary as an operator runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

fn mesahub(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesahub"));
    command
        .args(arguments)
        .args([
            "--config-dir",
            concat!(env!("CARGO_MANIFEST_DIR"), "/config"),
        ])
        .stdin(Stdio::null());
    for variable in [
        "MESAHUB_ENVIRONMENT",
        "ASPNETCORE_ENVIRONMENT",
        "CLOUD_PROVIDER",
    ] {
        command.env_remove(variable);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    mesahub(arguments).output().expect("the binary runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_good_configuration_is_said_to_be_good_without_a_server() {
    let output = run(&["config", "check", "--environment", "Development"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", told(&output));
    assert!(text.contains("backplane: memory"), "{text}");
    assert!(text.contains("the configuration is good"), "{text}");
}

#[test]
fn production_does_not_start_without_a_signing_key() {
    let output = run(&["serve", "--address", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("Mesahub:Authentication:SigningKey"),
        "{}",
        told(&output)
    );
}

/// What is built in is left out; a build with `memory` alone, which `cargo xtask test` makes for
/// this, leaves nothing out.
#[test]
fn a_backplane_that_is_not_built_in_stops_the_start_and_names_its_feature() {
    for (provider, feature) in [
        ("Redis", "redis"),
        ("Local", "redis"),
        ("Nats", "nats"),
        ("Amqp", "amqp"),
    ] {
        if mesahub::broker::compiled().contains(&feature) {
            continue;
        }
        let provider = format!("RealTimeConfiguration:Provider={provider}");
        let output = run(&["serve", "--environment", "Development", "--set", &provider]);
        let text = told(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let named = format!("build mesahub with the Cargo feature `{feature}`");
        assert!(text.contains(&named), "{text}");
    }
}

#[test]
fn a_misspelt_key_is_named_with_the_one_that_was_meant() {
    let output = run(&[
        "config",
        "check",
        "--set",
        "Mesahub:Server:Adress=127.0.0.1:1",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let text = told(&output);
    assert!(
        text.contains("Mesahub:Server:Adress is not a known key"),
        "{text}"
    );
    assert!(text.contains("did you mean Address?"), "{text}");
}

#[test]
fn the_printed_configuration_shows_no_secret() {
    let key = "Mesahub:Authentication:SigningKey=a-secret-of-at-least-thirty-two-bytes";
    let output = run(&["config", "print", "--set", key]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", told(&output));
    assert!(text.contains("\"SigningKey\": \"***\""), "{text}");
    assert!(!text.contains("thirty-two"), "{text}");
}

#[test]
fn a_token_needs_a_tenant_key_that_is_one() {
    let output = run(&[
        "token",
        "--environment",
        "Development",
        "--tenant",
        "a:admins",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("the tenant key has ':'"),
        "{}",
        told(&output)
    );
}

#[test]
fn a_token_is_made_as_the_configuration_wants_it() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let authentication = |key: &str| format!("Mesahub:Authentication:{key}");
    let output = run(&[
        "token",
        "--tenant",
        "pizza",
        "--id",
        "t-1",
        "--audience",
        "kitchen",
        "--set",
        &authentication("SigningKey=a-secret-of-at-least-thirty-two-bytes"),
        "--set",
        &authentication("Algorithms=RS256,HS256"),
        "--set",
        &authentication("Jwks:Url=https://login.example.com/keys"),
        "--set",
        &authentication("Issuer=https://login.example.com,mesa"),
        "--set",
        &authentication("Claims:TenantKey=tid"),
    ]);
    assert!(output.status.success(), "{}", told(&output));
    let token = String::from_utf8_lossy(&output.stdout);
    let parts: Vec<_> = token.trim().split('.').collect();
    let json = |part: &str| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(json(parts[0])["alg"], "HS256");
    let claims = json(parts[1]);
    assert_eq!(claims["tid"], "pizza");
    assert_eq!(claims["iss"], "https://login.example.com");
    assert_eq!(claims["aud"], "kitchen");
    assert_eq!(claims["jti"], "t-1");
}

#[test]
fn no_token_is_made_where_others_own_the_keys() {
    let output = run(&[
        "token",
        "--set",
        "Mesahub:Authentication:Algorithms=RS256",
        "--set",
        "Mesahub:Authentication:Jwks:Url=https://login.example.com/keys",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let text = told(&output);
    assert!(
        text.contains("allows none of HS256, HS384 and HS512"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn a_server_says_where_it_listens_and_stops_cleanly_when_told() {
    for signal in ["TERM", "INT"] {
        let mut server = mesahub(&[
            "serve",
            "--environment",
            "Development",
            "--address",
            "127.0.0.1:0",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(server.stdout.take().expect("it is piped"));
        stdout.read_line(&mut line).expect("it can be read");
        // What else it says meets a closed pipe, now or later; it must serve all the same.
        drop(stdout);
        assert!(line.starts_with("listening on http://127.0.0.1:"), "{line}");
        kill(&server, signal);
        let status = server.wait().expect("it ends");
        let mut log = String::new();
        let mut stderr = server.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut log).expect("it can be read");
        assert_eq!(status.code(), Some(0), "after SIG{signal}: {log}");
        assert!(log.contains("stopped"), "{log}");
    }
}

#[cfg(unix)]
#[test]
fn a_server_is_healthy_while_it_runs_and_not_before_or_after() {
    let mut server = mesahub(&[
        "serve",
        "--environment=Development",
        "--address=127.0.0.1:0",
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .expect("the binary starts");
    let mut line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().expect("it is piped"));
    stdout.read_line(&mut line).expect("it can be read");
    let url = line
        .trim()
        .strip_prefix("listening on ")
        .expect("it says where");
    let address = url.strip_prefix("http://").expect("without TLS");
    // Asked by its own configuration, as in a container, and by its URL.
    let configured = format!("--set=Mesahub:Server:Address={address}");
    for wanted in [&["--ready"][..], &[]] {
        let words = [
            &["health", "--environment=Development", &configured],
            wanted,
        ]
        .concat();
        let output = run(&words);
        assert!(output.status.success(), "{}", told(&output));
        let output = run(&[&["health", "--server", url], wanted].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("Healthy"), "{text} {}", told(&output));
    }
    kill(&server, "TERM");
    server.wait().expect("it ends");
    let output = run(&["health", "--server", url]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains(address), "{}", told(&output));
}

/// The real process: what is logged in a test's own depends on which of its tests logs first.
#[cfg(unix)]
#[test]
fn the_access_log_tells_of_requests_and_never_of_tokens() {
    let mut server = mesahub(&[
        "serve",
        "--environment=Development",
        "--address=127.0.0.1:0",
        "--set=Mesahub:Logging:Level=Trace",
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .expect("the binary starts");
    let mut stdout = BufReader::new(server.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it can be read");
    let address = line.trim().strip_prefix("listening on http://");
    let mut client = TcpStream::connect(address.expect("it says where")).expect("it listens");
    let request = "GET /api/v1/presence?id=S3CRET&Access_Token=S3CRET&transport=webSockets \
                   HTTP/1.1\r\nhost: test\r\nauthorization: Bearer S3CRET\r\n\
                   x-request-id: r7\r\nconnection: close\r\n\r\n";
    client.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    kill(&server, "TERM");
    let mut log = String::new();
    let mut stderr = server.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut log).expect("it can be read");
    server.wait().expect("it ends");
    let line = log.lines().find(|line| line.contains("mesahub::access"));
    let line = line.unwrap_or_else(|| panic!("no line for the request: {log}"));
    for part in [
        "GET",
        "/api/v1/presence",
        "id=***",
        "transport=webSockets",
        "status=4",
        "request_id=r7",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!log.contains("S3CRET"), "{log}");
}

#[cfg(unix)]
fn kill(server: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args(["-s", signal, &server.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}
