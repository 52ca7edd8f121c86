//! Cases that are made up, and taken through both.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mesahub_broker::{Broker, BrokerError, OnceKey, Position, Publication, Topic};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::list::{Allowed, List};
use super::steps::{After, Item, NODES, Step, TOPICS, steps};

/// What the cases are made from; the same in every run.
const SEED: u64 = 0x6d65_7361_6875_6221;

/// Steps of a case, at most.
const STEPS: usize = 30;

/// How often a case that fails is made shorter.
const SHORTENED: u32 = 200;

const PATIENCE: Duration = Duration::from_secs(30);

/// Nodes on one backplane whose logs have the bounds of the list.
pub(crate) struct History {
    pub(crate) nodes: [Arc<dyn Broker>; NODES],
    /// Cases that are tried.
    pub(crate) cases: u32,
}

/// What came up in the cases. One in which nothing does proves nothing.
#[derive(Debug, Default)]
struct Tally {
    duplicates: Cell<u32>,
    /// Reads after a position behind which entries were dropped.
    dropped: Cell<u32>,
    /// Reads after a position behind which all is kept.
    known: Cell<u32>,
    /// Pages that the limit has cut.
    cut: Cell<u32>,
    /// Reads after a position that was never given.
    strange: Cell<u32>,
    /// Reads of a log that has as many entries as may be.
    full: Cell<u32>,
    /// Reads of one that has fewer, and has dropped some all the same.
    heavy: Cell<u32>,
}

/// Takes made-up cases through the nodes and a list for each topic, and compares each answer.
/// Every case has topics of its own.
pub(crate) fn answers_like_a_list(runtime: &Runtime, history: &History) {
    let config = Config {
        cases: history.cases,
        max_shrink_iters: SHORTENED,
        failure_persistence: None,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&SEED.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let tally = Tally::default();
    let tried = TestRunner::new_with_rng(config, rng).run(&steps(STEPS), |steps| {
        runtime.block_on(compare(&history.nodes, &steps, &tally))
    });
    if let Err(error) = tried {
        panic!("with seed {SEED:#x}: {error}");
    }
    eprintln!("with seed {SEED:#x}: {} cases, {tally:?}", history.cases);
    let Tally {
        duplicates,
        dropped,
        known,
        cut,
        strange,
        full,
        heavy,
    } = &tally;
    for count in [duplicates, dropped, known, cut, strange, full, heavy] {
        assert!(count.get() > 0, "the cases miss something: {tally:?}");
    }
}

async fn compare(
    nodes: &[Arc<dyn Broker>; NODES],
    steps: &[Step],
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let mut case = Case {
        topics: [(); TOPICS].map(|()| fresh()),
        lists: Default::default(),
        emptied: 0,
        number: 0,
        tally,
    };
    for step in steps {
        match step {
            Step::Publish { node, items } => case.publish(&*nodes[*node], items).await?,
            Step::Read {
                node,
                topic,
                after,
                limit,
            } => {
                let (after, is_far) = case.position(*topic, after);
                case.read(&*nodes[*node], *topic, after, is_far, *limit)
                    .await?;
            }
        }
    }
    Ok(())
}

/// A topic that nothing was published to.
fn fresh() -> Topic {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Topic::new(format!("history:{number}")).unwrap()
}

struct Case<'tally> {
    topics: [Topic; TOPICS],
    lists: [List; TOPICS],
    /// How often the bounds have left nothing of a log.
    emptied: usize,
    /// Items published.
    number: u32,
    tally: &'tally Tally,
}

impl Case<'_> {
    async fn publish(&mut self, node: &dyn Broker, items: &[Item]) -> Result<(), TestCaseError> {
        let batch: Vec<_> = items.iter().map(|item| self.publication(item)).collect();
        let answers = within(node.publish(batch.clone())).await?;
        prop_assert_eq!(answers.len(), batch.len());
        for ((item, sent), answer) in items.iter().zip(batch).zip(answers) {
            let answer = answer.map_err(|error| unexpected(&error))?;
            if !item.log {
                prop_assert!(!answer.duplicate && answer.position.is_none());
                continue;
            }
            bump(&self.tally.duplicates, answer.duplicate);
            let list = &mut self.lists[item.topic];
            let is_empty = list.enter(sent.payload, item.key, answer, self.emptied)?;
            self.emptied += usize::from(is_empty);
        }
        Ok(())
    }

    /// The item, with bytes that no other one of its size has.
    fn publication(&mut self, item: &Item) -> Publication {
        self.number += 1;
        let number = self.number.to_le_bytes();
        let payload: Bytes = number.iter().copied().cycle().take(item.size).collect();
        Publication {
            topic: self.topics[item.topic].clone(),
            payload,
            log: item.log,
            once: item.key.map(|key| OnceKey::new([key; 16])),
        }
    }

    /// The position that is meant, and whether no log can have come near it.
    fn position(&self, topic: usize, after: &After) -> (Option<Position>, bool) {
        let given = self.lists[topic].given();
        let others = self.lists[(topic + 1) % TOPICS].given();
        let near = |position: Option<&Position>| (position.copied(), false);
        match after {
            After::Start => (None, false),
            After::Given(_) | After::Beside(..) if given.is_empty() => (None, false),
            After::Elsewhere(_) if others.is_empty() => (None, false),
            After::Given(index) => near(Some(index.get(&given))),
            After::Recent(back) => near(given.iter().rev().nth(*back)),
            After::Elsewhere(index) => near(Some(index.get(&others))),
            After::Beside(index, above) => {
                let number = index.get(&given).as_u128();
                let beside = if *above { number + 1 } else { number - 1 };
                near(Some(&Position::new(beside)))
            }
            After::Beyond => {
                let highest = given.last().max(others.last()).map_or(0, |it| it.as_u128());
                (Some(Position::new(highest + 1_000_000)), true)
            }
            After::Lowest => (Some(Position::new(0)), true),
            After::Highest => (Some(Position::new(u128::MAX)), true),
        }
    }

    async fn read(
        &mut self,
        node: &dyn Broker,
        topic: usize,
        after: Option<Position>,
        is_far: bool,
        limit: usize,
    ) -> Result<(), TestCaseError> {
        let list = &mut self.lists[topic];
        let allowed = match is_far {
            true => Allowed::Unknown,
            false => list.allowed(after, self.emptied),
        };
        let is_given = after.is_some_and(|after| list.given().contains(&after));
        let tally = self.tally;
        bump(&tally.strange, after.is_some() && !is_given);
        bump(&tally.dropped, is_given && allowed == Allowed::Unknown);
        bump(&tally.known, is_given && allowed != Allowed::Unknown);
        let is_full = list.kept() == super::BOUNDS.max_count;
        bump(&tally.full, is_full);
        bump(&tally.heavy, !is_full && list.dropped() > 0);

        let read = within(node.read_log(&self.topics[topic], after, limit)).await?;
        match (allowed, read) {
            (Allowed::Page(through) | Allowed::Either(through), Ok(page)) => {
                bump(&tally.cut, page.more);
                list.check(&page, through, after, limit, self.emptied)
            }
            (
                Allowed::Unknown | Allowed::Either(_),
                Err(BrokerError::UnknownPosition { position }),
            ) => {
                prop_assert_eq!(Some(position), after);
                Ok(())
            }
            (allowed, read) => Err(TestCaseError::fail(format!(
                "after {after:?} came {read:?}, where {allowed:?} is allowed by {list:?}"
            ))),
        }
    }
}

fn bump(count: &Cell<u32>, if_so: bool) {
    count.set(count.get() + u32::from(if_so));
}

fn unexpected(error: &BrokerError) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

/// Waits for what must happen.
async fn within<T>(call: impl Future<Output = T>) -> Result<T, TestCaseError> {
    let late = |_| TestCaseError::fail("a call did not end");
    timeout(PATIENCE, call).await.map_err(late)
}
