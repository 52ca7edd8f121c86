//! Servers for the tests of Mesahub: private ones, which a test may freeze, kill and restart.
//!
//! A test that needs a server gets it in the first of these ways that works:
//!
//! 1. an address in the environment, such as `MESAHUB_TEST_REDIS`: somebody else's server, over
//!    which nobody has power;
//! 2. a program of this machine, started on a free port of the loopback interface with a folder of
//!    its own, and gone with the process that started it, however that ends;
//! 3. a container, where an engine answers.
//!
//! None of them is a [`ServerError`] that names the command that brings the program. No test is
//! ever left out because of it.

mod certificates;
mod clock;
mod error;
mod port;
mod process;
mod redis;
mod redis_cluster;

pub use certificates::{Authority, Certificate};
pub use clock::let_pass;
pub use error::ServerError;
pub use port::{free_port, free_ports};
pub use process::{Process, Program};
pub use redis::{RedisOptions, RedisServer};
pub use redis_cluster::RedisCluster;
