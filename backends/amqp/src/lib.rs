//! The RabbitMQ backplane.
