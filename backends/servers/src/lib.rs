//! Servers for the tests of Mesahub: private ones, which a test may freeze, kill and restart.
//!
//! A test that needs a server gets it in the first of these ways that works, which [`Origin`]
//! chooses:
//!
//! 1. an address in the environment, such as `MESAHUB_TEST_REDIS`: somebody else's server, over
//!    which nobody has power. A test that stops or freezes its server, or wants it in some way,
//!    never gets it;
//! 2. a program of this machine, started on a free port of the loopback interface with a folder of
//!    its own, and gone with the process that started it, however that ends;
//! 3. a container, where an engine on this machine answers, behind such a port.
//!
//! None of them is a [`ServerError`] that names the command that brings the program. No test is
//! ever left out because of it.

mod certificates;
mod clock;
mod container;
mod error;
mod kind;
mod nats;
mod nats_cluster;
mod origin;
mod port;
mod process;
mod rabbitmq;
mod redis;
mod redis_cluster;
mod running;

pub use certificates::{Authority, Certificate};
pub use clock::let_pass;
pub use error::ServerError;
pub use kind::Kind;
pub use nats::{NatsOptions, NatsServer};
pub use nats_cluster::NatsCluster;
pub use origin::{Origin, Power, Surroundings};
pub use port::{free_port, free_ports};
pub use process::{Process, Program};
pub use rabbitmq::{RabbitOptions, RabbitServer};
pub use redis::{RedisOptions, RedisServer};
pub use redis_cluster::RedisCluster;
