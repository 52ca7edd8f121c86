//! The kinds of servers, and what each is called where.

/// A kind of server that tests need.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// What its backend is called.
    pub name: &'static str,
    /// The variable that names one that is there already, as `host:port`.
    pub variable: &'static str,
    /// The program to be found on this machine.
    pub program: &'static str,
    /// The command that brings the program.
    pub remedy: &'static str,
    /// Its image and the tag.
    pub image: (&'static str, &'static str),
    /// The port at which it serves in a container.
    pub port: u16,
}

impl Kind {
    /// Redis.
    pub const REDIS: Self = Self {
        name: "redis",
        variable: "MESAHUB_TEST_REDIS",
        program: "redis-server",
        remedy: "apt-get install redis-server",
        image: ("redis", "7.0"),
        port: 6379,
    };

    /// NATS.
    pub const NATS: Self = Self {
        name: "nats",
        variable: "MESAHUB_TEST_NATS",
        program: "nats-server",
        remedy: "apt-get install nats-server",
        image: ("nats", "2.9"),
        port: 4222,
    };

    /// RabbitMQ.
    pub const RABBITMQ: Self = Self {
        name: "amqp",
        variable: "MESAHUB_TEST_AMQP",
        program: "rabbitmq-server",
        remedy: "apt-get install rabbitmq-server",
        image: ("rabbitmq", "3.10"),
        port: 5672,
    };

    /// All of them.
    pub const ALL: [&Self; 3] = [&Self::REDIS, &Self::NATS, &Self::RABBITMQ];
}
