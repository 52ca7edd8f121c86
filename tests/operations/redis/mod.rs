//! What takes a Redis.

mod health;
