//! What stands in `deploy/` and `docs/` agrees with the program: names of settings, ports, paths,
//! times and users; manifests with the API of Kubernetes; the unit with systemd.
#![cfg(all(
    unix,
    feature = "memory",
    feature = "redis",
    feature = "nats",
    feature = "amqp"
))]
#![allow(clippy::unwrap_used)]

mod aws;
mod azure;
mod compose;
mod container;
mod documents;
mod kubernetes;
mod nats;
mod proxy;
mod settings;
mod systemd;
mod tree;
