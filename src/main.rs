//! The mesahub server.
fn main() {}
