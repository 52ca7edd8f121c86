//! The configuration of the NATS server, examined by the server itself.

use std::fs;
use std::process::Command;

use crate::compose::compose;
use crate::tree::{scratch, text};

#[test]
fn the_server_takes_its_configuration() {
    let folder = scratch("nats");
    let secrets = folder.join("secrets");
    fs::create_dir_all(&secrets).unwrap();
    fs::write(
        secrets.join("nats-login.conf"),
        "user: mesahub\npassword: \"a password\"\n",
    )
    .unwrap();
    // The server takes files that are included from below its own folder.
    let config = text("deploy/compose/nats.conf");
    let inside = config.replace("/run/secrets/", "./secrets/");
    assert_ne!(inside, config, "the login comes from a secret");
    let inside = inside.replace("\"/data\"", &format!("\"{}\"", folder.display()));
    fs::write(folder.join("nats.conf"), inside).unwrap();
    let output = Command::new("nats-server")
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
        .args(["-t", "-c"])
        .arg(folder.join("nats.conf"))
        .output()
        .expect("nats-server runs: apt-get install nats-server");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_server_is_started_with_its_configuration_and_keeps_its_streams() {
    let compose = compose("nats");
    let server = &compose.services["nats"];
    let file = server.command.last().expect("the file");
    assert!(server.volumes.contains(&format!("./nats.conf:{file}:ro")));
    let config = text("deploy/compose/nats.conf");
    assert!(config.contains("store_dir: \"/data\""));
    let payload: usize = config
        .lines()
        .find_map(|line| line.strip_prefix("max_payload: ")?.parse().ok())
        .expect("max_payload");
    assert!(payload >= 1024 * 1024 + 150, "a message may have 1 MiB");
}
