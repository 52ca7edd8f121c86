//! Nodes on Redis.

mod cluster;
mod single;
