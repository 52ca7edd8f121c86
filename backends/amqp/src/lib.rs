//! The RabbitMQ backplane: RabbitMQ 3.10 and later over AMQP 0-9-1, one server or a cluster.
//!
//! ```text
//!                        ┌─► exchange ─ a binding per topic ─► this node's queue ─┐
//!   AmqpBroker ─ publish ┤                                                        ├─► inbox
//!       │                └─► one stream of everything in a log ───────┬───────────┘
//!       ├─ read a log ◄─────────────────────── logs in memory ◄───────┘
//!       └─ count ─► a question to every node ─► answers
//! ```
//!
//! # How the promises are kept
//!
//! - **Two connections.** RabbitMQ stops reading from whoever publishes while it is short of memory
//!   or disk; what comes must not wait for that. Publishing then fails at once, retryable.
//! - **Publishing** has up to 256 items of a batch on their way at once and awaits a confirmation
//!   for each. Nothing that was on its way when a connection broke is repeated: it answers
//!   [`Timeout`](mesahub_broker::BrokerError::Timeout).
//! - **One way for a topic.** What is not kept goes by the exchange to the queues of the nodes that
//!   have bound the topic. From the first item that is kept, a publisher sends everything on that
//!   topic by the stream, so that order holds; readers let their queue catch up where a topic
//!   changes over. The order of the stream is the order of the log and of its deliveries, the same
//!   at every node, and an offset in it is the position.
//! - **Logs** are held by every node, which reads the whole stream, from twice as far back as logs
//!   reach when it starts, and from where it was after an interruption: what was logged meanwhile is
//!   delivered late and not lost. Before a log is read, a mark is sent through the stream, so that
//!   what any node has been answered or been delivered is in it.
//! - **Keys** of publications go with them in a header. Every node leaves out what comes by the stream
//!   with a topic and key that it has read before, the same at every node, since each decides by the
//!   stream alone. Whoever published it reads it back, and so knows whether it was left out. A node
//!   keeps 60 to 125 bytes of each key for the bound of the logs in age and a minute more, and
//!   1,048,576 keys at most: what comes again behind more is taken anew.
//! - **Subscribing** returns once RabbitMQ has bound the topics and such a mark has come back: what
//!   was published before is behind it. **Unsubscribing** waits for a delivery that is being handed
//!   over, and for what its queue still holds, which is dropped.
//! - **A full inbox** fills the prefetch, then the node's queue at RabbitMQ. What is over its bound
//!   is dropped at its head into the node's second queue; the node sees it there, connects anew and
//!   tells of a gap. The stream waits for its readers and drops nothing for them.
//! - **Counting** asks every node. How many answers there must be, the consumers of a queue tell
//!   that all nodes consume from and nobody sends to.
//! - A topic is its own routing key, or its SHA-256 where it is longer than a key may be. The whole
//!   name is in the message, and compared.
//!
//! # What it cannot promise
//!
//! - Every node receives everything that is logged in the cluster. That bounds what a cluster can
//!   log to what its slowest node can read.
//! - An age is judged by the clocks of publisher and reader, that of a key by the clocks of its
//!   publishers, and is off by what they differ.
//! - What is left out has been sent to every node all the same, and stays in the stream.
//! - One server without replicas writes a stream without forcing it to the disk: a log survives a
//!   restart of RabbitMQ, even a killed one, but not the machine's loss of power.
//! - While RabbitMQ takes no messages, subscribing and reading logs fail too: their marks are
//!   messages.
//! - A future of [`publish`](mesahub_broker::Broker::publish) that is dropped while it waits leaves
//!   open whether a topic that changes over just then keeps its order.
//! - The exchange and the streams stay when the last node has gone; the queue that nodes are
//!   counted by stays for a minute.

mod backoff;
mod broker;
mod config;
mod control;
mod counting;
mod declare;
mod dial;
mod doctor;
mod epoch;
mod error;
mod framing;
mod incoming;
mod intake;
mod keys;
mod logs;
mod member;
mod names;
mod outgoing;
mod publishing;
mod queue;
mod routes;
mod session;
mod stream;
mod table;
mod topic_log;
mod waiting;

pub use broker::AmqpBroker;
pub use config::{Address, AmqpConfig, Login, Tls};
pub use doctor::examine;
