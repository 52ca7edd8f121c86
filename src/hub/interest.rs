//! The one task that tells the broker which topics this node listens to.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use mesahub_broker::{Broker, Topic};
use tokio_util::sync::CancellationToken;

use crate::hub::membership::{Membership, Need, SubscribeFailed};
use crate::hub::mends::Mends;
use crate::hub::renewal::renew;

/// How long after a failed call what it left unsure is settled.
const RETRY: Duration = Duration::from_secs(1);

/// Logs that are asked for their end at the same time.
const LOGS: usize = 16;

/// Keeps the broker's subscriptions equal to the table until told to stop.
pub(crate) async fn keep(
    membership: Arc<Membership>,
    mends: Arc<Mends>,
    broker: Arc<dyn Broker>,
    stop: CancellationToken,
) {
    let mut again: Vec<Topic> = Vec::new();
    loop {
        let changed = tokio::select! {
            changed = membership.changes() => changed,
            () = tokio::time::sleep(RETRY), if !again.is_empty() => Vec::new(),
            () = stop.cancelled() => {
                membership.close();
                return;
            }
        };
        let mut topics = std::mem::take(&mut again);
        topics.extend(changed);
        topics.sort_unstable();
        topics.dedup();
        let (mut wanted, mut logged) = (Vec::new(), Vec::new());
        let (mut unwanted, mut silent) = (Vec::new(), Vec::new());
        for topic in topics {
            match membership.need(&topic) {
                Need::Subscribe { logged: is_logged } => {
                    logged.extend(is_logged.then(|| topic.clone()));
                    wanted.push(topic);
                }
                Need::Unsubscribe => unwanted.push(topic),
                Need::Renew => silent.push(topic),
                Need::Nothing => {}
            }
        }
        find_ends(&membership, &*broker, logged).await;
        again = subscribe(&membership, &*broker, wanted).await;
        again.extend(unsubscribe(&membership, &*broker, unwanted).await);
        again.extend(renew(&membership, &mends, &*broker, silent).await);
    }
}

/// Where the logs end before the broker delivers: whoever joins has everything after that, live or
/// from the log. A log that cannot say leaves its topic without.
async fn find_ends(membership: &Membership, broker: &dyn Broker, topics: Vec<Topic>) {
    if topics.is_empty() || !broker.capabilities().log {
        return;
    }
    let reads = iter(topics).map(|topic| async move {
        match broker.read_log(&topic, None, 0).await {
            Ok(page) => membership.begins(&topic, page.newest),
            Err(error) => tracing::warn!(%topic, %error, "a log does not say where it ends"),
        }
    });
    reads.buffer_unordered(LOGS).collect::<()>().await;
}

/// Returns the topics that are unsure: nobody is in them any more, and they have to be given up.
async fn subscribe(membership: &Membership, broker: &dyn Broker, topics: Vec<Topic>) -> Vec<Topic> {
    if topics.is_empty() {
        return topics;
    }
    match broker.subscribe(&topics).await {
        Ok(()) => {
            topics.iter().for_each(|topic| membership.subscribed(topic));
            Vec::new()
        }
        Err(error) => {
            tracing::warn!(%error, topics = topics.len(), "the backplane refused a subscription");
            let error = SubscribeFailed(Arc::new(error));
            topics
                .iter()
                .for_each(|topic| membership.refused(topic, &error));
            topics
        }
    }
}

/// Returns the topics that are unsure still.
async fn unsubscribe(
    membership: &Membership,
    broker: &dyn Broker,
    topics: Vec<Topic>,
) -> Vec<Topic> {
    if topics.is_empty() {
        return topics;
    }
    match broker.unsubscribe(&topics).await {
        Ok(()) => {
            topics
                .iter()
                .for_each(|topic| membership.unsubscribed(topic));
            Vec::new()
        }
        Err(error) => {
            tracing::warn!(%error, topics = topics.len(), "the backplane kept a subscription");
            topics
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use async_trait::async_trait;
    use mesahub_broker::{
        BrokerError, Capabilities, LogPage, MAX_PAYLOAD, Position, Publication, Published,
    };
    use parking_lot::Mutex;
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
    use tokio::sync::oneshot;

    use super::*;
    use crate::hub::listener::Listener;
    use crate::hub::membership::Waiter;

    /// What happens next.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// A member joins, or leaves when it has joined.
        Toggle(usize),
        /// The broker answers the call that waits, if one does.
        Answer(Answer),
        /// The time passes after which a failed call is settled.
        Pause,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Answer {
        Done,
        /// It has acted, and nobody learns of it.
        FailedButActed,
        FailedAndIdle,
    }

    /// A broker that acts and answers when it is told to.
    #[derive(Default)]
    struct Slow(Mutex<Told>);

    #[derive(Default)]
    struct Told {
        delivers: BTreeSet<Topic>,
        waiting: Option<Call>,
        calls: usize,
    }

    struct Call {
        subscribes: bool,
        topics: Vec<Topic>,
        answer: oneshot::Sender<Result<(), BrokerError>>,
    }

    impl Slow {
        async fn call(&self, subscribes: bool, topics: &[Topic]) -> Result<(), BrokerError> {
            let (answer, answered) = oneshot::channel();
            let call = Call {
                subscribes,
                topics: topics.to_vec(),
                answer,
            };
            {
                let mut told = self.0.lock();
                told.calls += 1;
                let before = told.waiting.replace(call);
                assert!(before.is_none(), "two calls at a time");
            }
            answered.await.unwrap()
        }

        /// Whether there was a call to answer.
        fn answer(&self, answer: Answer) -> bool {
            let mut told = self.0.lock();
            let Some(call) = told.waiting.take() else {
                return false;
            };
            if answer != Answer::FailedAndIdle {
                for topic in call.topics {
                    match call.subscribes {
                        true => told.delivers.insert(topic),
                        false => told.delivers.remove(&topic),
                    };
                }
            }
            let away = || Err(BrokerError::unavailable("away"));
            let answer = (answer == Answer::Done).then_some(()).map_or_else(away, Ok);
            call.answer.send(answer).unwrap();
            true
        }

        /// Whether whatever is published now will be delivered.
        fn delivers(&self, topic: &Topic) -> bool {
            let told = self.0.lock();
            let ends = |call: &Call| !call.subscribes && call.topics.contains(topic);
            told.delivers.contains(topic) && !told.waiting.as_ref().is_some_and(ends)
        }
    }

    #[async_trait]
    impl Broker for Slow {
        async fn publish(&self, _: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
            unreachable!("nobody publishes")
        }

        async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
            self.call(true, topics).await
        }

        async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
            self.call(false, topics).await
        }

        async fn subscriber_count(&self, _: &Topic) -> Result<u64, BrokerError> {
            unreachable!("nobody counts")
        }

        async fn read_log(
            &self,
            _: &Topic,
            _: Option<Position>,
            _: usize,
        ) -> Result<LogPage, BrokerError> {
            Err(BrokerError::LogUnsupported)
        }

        async fn health(&self) -> Result<(), BrokerError> {
            Ok(())
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities {
                log: false,
                log_survives_restart: false,
                exact_subscriber_count: true,
                separate_server: true,
                max_payload: MAX_PAYLOAD,
            }
        }

        async fn close(&self) {}
    }

    /// The table, the task, the broker, and members of whom every topic has two.
    struct World {
        membership: Arc<Membership>,
        broker: Arc<Slow>,
        task: Pin<Box<dyn Future<Output = ()>>>,
        members: Vec<Member>,
    }

    struct Member {
        topic: Topic,
        serial: u64,
        place: Place,
    }

    enum Place {
        Out,
        Waiting(Waiter),
        In,
    }

    impl World {
        fn new(members: usize) -> Self {
            let membership = Arc::new(Membership::new());
            let broker = Arc::<Slow>::default();
            let task = keep(
                Arc::clone(&membership),
                Arc::default(),
                broker.clone(),
                CancellationToken::new(),
            );
            let member = |number: usize| Member {
                topic: Topic::new(format!("topic {}", number / 2)).unwrap(),
                serial: number as u64,
                place: Place::Out,
            };
            Self {
                membership,
                broker,
                // It is polled by hand, for as long as there is something to do.
                task: Box::pin(tokio::task::unconstrained(task)),
                members: (0..members).map(member).collect(),
            }
        }

        /// False when the step changes nothing, so that what follows is proven elsewhere.
        async fn take(&mut self, step: Step) -> bool {
            let took = match step {
                Step::Toggle(member) => {
                    self.toggle(member);
                    true
                }
                Step::Answer(answer) => self.broker.answer(answer),
                Step::Pause => {
                    tokio::time::advance(RETRY).await;
                    true
                }
            };
            self.look();
            took
        }

        fn toggle(&mut self, number: usize) {
            let topic = self.members[number].topic.clone();
            let is_heard = self
                .members
                .iter()
                .any(|other| other.topic == topic && matches!(other.place, Place::In));
            let calls = self.broker.0.lock().calls;
            let member = &mut self.members[number];
            if !matches!(member.place, Place::Out) {
                self.membership.unlisten(&topic, member.serial);
                member.place = Place::Out;
                return;
            }
            let listener = Listener::new(member.serial, Arc::new(|_: &str, _: &_| {}));
            member.place = match self.membership.listen(&topic, listener) {
                Some(waiter) => Place::Waiting(waiter),
                None => Place::In,
            };
            if is_heard {
                assert!(
                    matches!(member.place, Place::In),
                    "joining what the node hears waits for the broker"
                );
                self.look();
                assert_eq!(self.broker.0.lock().calls, calls, "or calls it");
            }
        }

        /// Lets the task do what it can, and checks what must hold at every moment.
        fn look(&mut self) {
            let mut context = Context::from_waker(Waker::noop());
            assert!(self.task.as_mut().poll(&mut context).is_pending());
            for member in &mut self.members {
                if let Place::Waiting(waiter) = &mut member.place {
                    match waiter.try_recv() {
                        Ok(Ok(_)) => member.place = Place::In,
                        Ok(Err(_)) => member.place = Place::Out,
                        Err(oneshot::error::TryRecvError::Empty) => {}
                        Err(oneshot::error::TryRecvError::Closed) => {
                            panic!("a join was forgotten")
                        }
                    }
                }
                let (_, listeners) = self.membership.audience(&member.topic);
                let is_listed = listeners.iter().any(|one| one.serial() == member.serial);
                assert_eq!(is_listed, !matches!(member.place, Place::Out));
                if matches!(member.place, Place::In) {
                    assert!(
                        self.broker.delivers(&member.topic),
                        "a member was told that it has joined, and hears nothing"
                    );
                }
            }
        }

        /// Lets the broker answer everything, and checks what must hold in the end.
        async fn settle(&mut self) {
            for _ in 0..2 {
                while self.broker.answer(Answer::Done) {
                    self.look();
                }
                self.take(Step::Pause).await;
            }
            while self.broker.answer(Answer::Done) {
                self.look();
            }
            let mut needed = BTreeSet::new();
            for member in &self.members {
                assert!(!matches!(member.place, Place::Waiting(_)), "a join hangs");
                if matches!(member.place, Place::In) {
                    needed.insert(member.topic.clone());
                }
            }
            assert_eq!(self.broker.0.lock().delivers, needed);
            assert_eq!(self.membership.topics(), needed.len());
        }
    }

    const STEPS: [Step; 6] = [
        Step::Toggle(0),
        Step::Toggle(1),
        Step::Answer(Answer::Done),
        Step::Answer(Answer::FailedButActed),
        Step::Answer(Answer::FailedAndIdle),
        Step::Pause,
    ];

    /// Everything that can happen to two members of one topic in so many steps.
    const DEPTH: usize = 6;

    #[tokio::test(start_paused = true)]
    async fn in_every_interleaving_a_member_hears_and_nobody_else_is_subscribed() {
        let mut days: Vec<Vec<Step>> = vec![Vec::new()];
        let mut proven = 0;
        while let Some(day) = days.pop() {
            let mut world = World::new(2);
            let mut is_new = true;
            for step in &day {
                is_new = world.take(*step).await;
            }
            if !is_new {
                continue;
            }
            world.settle().await;
            proven += 1;
            if day.len() < DEPTH {
                days.extend(STEPS.map(|step| [&day[..], &[step]].concat()));
            }
        }
        assert!(proven > 5_000, "{proven} interleavings");
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..MEMBERS).prop_map(Step::Toggle),
            2 => any::<prop::sample::Index>().prop_map(|it| STEPS[2 + it.index(3)]),
            1 => (0..1).prop_map(|_| Step::Pause),
        ]
    }

    /// Members of the long days, two in each topic.
    const MEMBERS: usize = 8;

    proptest! {
        #[test]
        fn on_long_days_with_many_topics_too(
            day in prop::collection::vec(any_step(), 1..200)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut world = World::new(MEMBERS);
                for step in day {
                    world.take(step).await;
                }
                world.settle().await;
            });
        }
    }
}
