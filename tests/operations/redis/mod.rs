//! What takes a Redis.

mod health;
mod logs;
