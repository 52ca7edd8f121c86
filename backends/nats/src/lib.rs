//! The NATS backplane.
