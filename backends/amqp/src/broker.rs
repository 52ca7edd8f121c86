//! The broker.

use std::sync::Arc;

use async_trait::async_trait;
use lapin::ExchangeKind;
use lapin::options::ExchangeDeclareOptions;
use lapin::types::FieldTable;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, Inbox, LogPage, MAX_PAYLOAD, Position, Publication,
    Published, Topic,
};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::AmqpConfig;
use crate::counting;
use crate::error::{LinkError, of_call};
use crate::incoming;
use crate::member::{Member, lost};
use crate::names::Names;
use crate::outgoing;
use crate::publishing;
use crate::session::{Session, bind, unbind};

/// One node on RabbitMQ.
pub struct AmqpBroker {
    member: Arc<Member>,
    /// Held while topics are bound or unbound: RabbitMQ does one after the other anyway.
    changing: Mutex<()>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl AmqpBroker {
    /// Connects, and delivers into `inbox` from now on. Needs a Tokio runtime.
    ///
    /// Returns once the history that logs reach back to has been read.
    ///
    /// # Errors
    /// When no server can be reached within [`AmqpConfig::connect_timeout`], does not let us in,
    /// or refuses what has to be declared: the text says what to mend and holds no secret.
    pub async fn open(config: AmqpConfig, inbox: Inbox) -> Result<Self, BrokerError> {
        let names = Names::new(&config.prefix)?;
        let config = Arc::new(config);
        let kept = outgoing::open(&config).await;
        let kept = kept.map_err(LinkError::into_broker)?;
        let (outgoing_state, outgoing) = watch::channel(Ok(kept.outgoing()));
        let connecting = || BrokerError::unavailable("RabbitMQ is being connected to");
        let (incoming_state, incoming) = watch::channel(Err(connecting()));
        let id = getrandom::u64().map_err(BrokerError::unavailable)?;
        let member = Member::new(Arc::clone(&config), names, id, outgoing, incoming);
        let member = Arc::new(member);
        let first = Session::open(&member, 0).await;
        let first = first.map_err(LinkError::into_broker)?;

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(outgoing::keep(config, outgoing_state, kept, stop.clone()));
        let keeping = incoming::keep(
            Arc::clone(&member),
            inbox,
            incoming_state,
            first,
            stop.clone(),
        );
        tasks.spawn(keeping);
        tasks.close();
        let broker = Self {
            member,
            changing: Mutex::new(()),
            stop,
            tasks,
        };
        broker.catch_up().await?;
        Ok(broker)
    }

    /// Waits for the history. It may take long, and goes on for as long as something comes.
    async fn catch_up(&self) -> Result<(), BrokerError> {
        let mut incoming = self.member.incoming.clone();
        // An error means that the task has ended, which the call below tells.
        let _ = incoming.wait_for(Result::is_ok).await;
        loop {
            let before = self.member.read_so_far();
            match self.member.catch_up().await {
                Err(BrokerError::Timeout { .. }) if self.member.read_so_far() != before => {}
                outcome => return outcome,
            }
        }
    }

    fn still_open(&self) -> Result<(), BrokerError> {
        match self.stop.is_cancelled() {
            true => Err(BrokerError::Closed),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Broker for AmqpBroker {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        match self.still_open() {
            Ok(()) => publishing::publish(&self.member, &batch).await,
            Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.still_open()?;
        if topics.is_empty() {
            return Ok(());
        }
        let member = &self.member;
        let _changing = self.changing.lock().await;
        let incoming = member.incoming()?;
        // What the stream held before was not for this node.
        let binding = async {
            let bound = bind(member, &incoming, topics).await;
            bound.map_err(LinkError::into_broker)
        };
        let (bound, caught_up) = tokio::join!(binding, member.catch_up());
        bound.and(caught_up)?;
        match member.table.add(incoming.session, topics) {
            true => Ok(()),
            false => Err(lost()),
        }
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.still_open()?;
        if topics.is_empty() {
            return Ok(());
        }
        let member = &self.member;
        let _changing = self.changing.lock().await;
        member.table.remove(topics).await;
        let Ok(incoming) = member.incoming() else {
            // Nothing is bound where there is no connection.
            return Ok(());
        };
        let taking_back = async {
            let unbound = unbind(member, &incoming, topics).await;
            unbound.map_err(LinkError::into_broker)?;
            // What waits in the queue must not be taken for news by a later subscription.
            member.drain(&incoming.queue).await
        };
        match taking_back.await {
            Err(_) if self.is_over(incoming.session) => Ok(()),
            outcome => outcome,
        }
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.still_open()?;
        counting::count(&self.member, topic).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.still_open()?;
        self.member.catch_up().await?;
        self.member.logs.lock().read(topic, after, limit)
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.still_open()?;
        let incoming = self.member.incoming()?;
        self.member.outgoing()?.ready()?;
        let options = ExchangeDeclareOptions {
            passive: true,
            ..ExchangeDeclareOptions::default()
        };
        let exchange = self.member.names.exchange.clone();
        let (direct, none) = (ExchangeKind::Direct, FieldTable::default());
        let asking = incoming
            .channel
            .exchange_declare(exchange, direct, options, none);
        let after = self.member.config.response_timeout;
        match timeout(after, asking).await {
            Ok(answer) => answer.map_err(of_call),
            Err(_) => Err(BrokerError::Timeout { after }),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            log: true,
            log_survives_restart: true,
            exact_subscriber_count: true,
            separate_server: true,
            max_payload: MAX_PAYLOAD,
        }
    }

    async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl AmqpBroker {
    /// Whether a connection has been replaced, or is being so.
    fn is_over(&self, session: u64) -> bool {
        let incoming = self.member.incoming();
        incoming.map_or(true, |incoming| incoming.session != session)
    }
}

impl Drop for AmqpBroker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for AmqpBroker {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AmqpBroker")
            .field("config", &self.member.config)
            .field("id", &self.member.id)
            .finish_non_exhaustive()
    }
}
