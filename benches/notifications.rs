//! What it costs that no notification is lost: the journal, batches, logs.
//!
//! Run it with `cargo bench --bench notifications`. Everything is in one process, on the in-memory
//! backplane, so that nothing but our own work is in the figures; what each is compared with is
//! measured in turns with it. The journal lies in the target folder, on whatever disk that is.
#![expect(clippy::print_stdout, reason = "a bench reports to a person")]

#[path = "support"]
mod support {
    #![allow(dead_code, reason = "the other benches use the rest")]
    pub(crate) mod process;
    pub(crate) mod table;
}

use std::alloc::System;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use mesahub::channel::RecentOrders;
use mesahub::hub::{Hub, HubOptions, Node};
use mesahub::journal::{JournalStore, SqliteJournal, Sync};
use mesahub::notification::{
    Event, HubNotificationService, JournalOptions, NotificationOptions, NotificationService,
    notification_hub,
};
use mesahub_broker::{
    Broker, BrokerError, Capabilities, LogPage, Position, Publication, Published, Topic,
};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::support::table::{median, print_load};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Publishers at the same time.
const PUBLISHERS: usize = 64;

/// Turns of each comparison.
const TURNS: usize = 7;

/// How much is measured.
struct Size {
    /// What each publisher publishes in a turn.
    each: usize,
    /// Notifications of an idle service.
    lonely: usize,
    /// Topics with a log.
    topics: usize,
    /// How long the load lasts.
    load: Duration,
}

fn main() -> io::Result<()> {
    let size = match std::env::args().any(|argument| argument == "--test") {
        true => Size {
            each: 2,
            lonely: 5,
            topics: 100,
            load: Duration::from_millis(50),
        },
        false => Size {
            each: 50,
            lonely: 400,
            topics: 100_000,
            load: Duration::from_secs(3),
        },
    };
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        journals(&size).await;
        batches(&size).await;
        appending(&size).await;
        logs(&size).await;
    });
    print_load();
    Ok(())
}

/// Publishing with a journal and without.
async fn journals(size: &Size) {
    println!("\npublish, {PUBLISHERS} at a time, until accepted (medians of {TURNS} turns)");
    println!(
        "{:28}{:>14}{:>14}{:>10}",
        "", "µs each", "a second", "ratio"
    );
    let ways = [
        ("no journal", None),
        ("journal, not synced", Some((Sync::Never, true))),
        ("journal, grouped", Some((Sync::Always, true))),
        ("journal, each", Some((Sync::Always, false))),
    ];
    let mut houses = Vec::new();
    for (name, way) in ways {
        houses.push((
            name,
            House::open(way, NotificationOptions::default()),
            Vec::new(),
        ));
    }
    for _ in 0..TURNS {
        for (_, house, took) in &mut houses {
            let begin = Instant::now();
            let publishing = (0..PUBLISHERS).map(|_| async {
                for _ in 0..size.each {
                    house.service.notify(event()).await.expect("there is room");
                }
            });
            join_all(publishing).await;
            let count = PUBLISHERS * size.each;
            took.push(begin.elapsed().as_secs_f64() * 1e6 / count as f64);
            house.service.flush().await;
        }
    }
    let floor = houses[0].2.clone();
    for (name, house, took) in houses {
        let each = median(took.iter().copied());
        let ratio = median(took.iter().zip(&floor).map(|(ours, floor)| ours / floor));
        println!("{name:28}{each:>14.1}{:>14.0}{ratio:>10.2}", 1e6 / each);
        house.close().await;
    }
}

/// What waiting for others costs an idle service, and what it brings a busy one.
async fn batches(size: &Size) {
    let direct = NotificationOptions {
        enable_background_processing: false,
        ..NotificationOptions::default()
    };
    let (floor, ours) = (
        House::open(None, direct),
        House::open(None, NotificationOptions::default()),
    );
    let mut latencies = [Vec::new(), Vec::new()];
    let mut heard = [floor.listen().await, ours.listen().await];
    for _ in 0..size.lonely {
        for (place, house) in [&floor, &ours].into_iter().enumerate() {
            // Longer than any batch waits, so that the service is idle.
            tokio::time::sleep(Duration::from_millis(5)).await;
            let begin = Instant::now();
            house.service.notify(event()).await.expect("it is idle");
            heard[place].recv().await;
            latencies[place].push(begin.elapsed().as_secs_f64() * 1e6);
        }
    }
    println!(
        "\none notification every 10 ms, from the call to the hub's listener ({} each)",
        size.lonely
    );
    println!("{:28}{:>14}{:>14}{:>10}", "", "direct", "queued", "added");
    for (name, part) in [("median", 0.5), ("99 of 100", 0.99)] {
        let [direct, queued] = [0, 1].map(|place| quantile(&latencies[place], part));
        println!(
            "{name:28}{direct:>11.0} µs{queued:>11.0} µs{:>7.0} µs",
            queued - direct
        );
    }
    drop(heard);
    ours.counting.clear();
    let (begin, mut sent) = (Instant::now(), 0);
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    while begin.elapsed() < size.load {
        tick.tick().await;
        let events = (0..100).map(|_| event()).collect();
        sent += ours.service.publish(events).await.iter().flatten().count();
    }
    ours.service.flush().await;
    let took = begin.elapsed();
    let (calls, messages) = ours.counting.counted();
    println!(
        "\n{:.0} notifications a second: {calls} calls to the backplane, {:.1} notifications in each, \
         of 100 at most",
        sent as f64 / took.as_secs_f64(),
        // Each goes to two channels.
        messages as f64 / 2.0 / calls as f64,
    );
    floor.close().await;
    ours.close().await;
}

/// Keeping in a log against delivering alone.
async fn appending(size: &Size) {
    let (inbox, _shards) = Node::inbox();
    let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
    let topic = Topic::new("bench:log").expect("a good name");
    let plain = Publication::new(topic, vec![b'm'; 200]);
    let (mut floors, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let mut took = [0.0; 2];
        for (place, one) in [plain.clone(), plain.clone().logged()]
            .into_iter()
            .enumerate()
        {
            let begin = Instant::now();
            for _ in 0..size.each * 20 {
                let answers = broker.publish(vec![one.clone(); 100]).await;
                assert!(answers.iter().all(Result::is_ok));
            }
            took[place] = begin.elapsed().as_secs_f64() * 1e9 / (size.each * 2_000) as f64;
        }
        floors.push(took[0]);
        ratios.push(took[1] / took[0]);
    }
    println!("\nappend to a log in memory, against publishing without one (batches of 100)");
    println!(
        "{:28}{:>11.0} ns{:>14}{:>10.2}",
        "",
        median(floors.into_iter()),
        "",
        median(ratios.into_iter())
    );
}

/// What logs take in memory.
async fn logs(size: &Size) {
    const ENTRIES: usize = 10;
    const PAYLOAD: usize = 200;
    let mut taken = [0; 2];
    for (keyed, taken) in [false, true].into_iter().zip(&mut taken) {
        let (inbox, _shards) = Node::inbox();
        let before = live();
        let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
        for number in 0..size.topics {
            let topic = Topic::new(format!("tenant:t{number}:admins")).expect("a good name");
            for entry in 0..ENTRIES as u128 {
                let one = Publication::new(topic.clone(), vec![b'm'; PAYLOAD]).logged();
                let key = (number as u128 * ENTRIES as u128 + entry).to_be_bytes();
                let one = if keyed { one.once(key.into()) } else { one };
                broker.publish(vec![one]).await[0]
                    .as_ref()
                    .expect("it is in memory");
            }
        }
        *taken = live() - before;
    }
    let [ours, keyed] = taken;
    let before = live();
    let floor: Vec<Vec<Vec<u8>>> = (0..size.topics)
        .map(|_| (0..ENTRIES).map(|_| vec![b'm'; PAYLOAD]).collect())
        .collect();
    let bare = live() - before;
    println!(
        "\n{} channels with a log of {ENTRIES} entries of {PAYLOAD} bytes, live heap",
        floor.len()
    );
    println!(
        "{:28}{:>14} B{:>14} B{:>10.2}",
        "a channel, bare and ours",
        bare / size.topics,
        ours / size.topics,
        ours as f64 / bare as f64
    );
    println!(
        "{:28}{:>14} B",
        "the key of an entry",
        (keyed - ours) / (size.topics * ENTRIES)
    );
}

/// A node with a notification service.
struct House {
    service: HubNotificationService,
    hub: Hub,
    counting: Arc<Counting>,
    _folder: tempfile::TempDir,
}

impl House {
    fn open(journal: Option<(Sync, bool)>, options: NotificationOptions) -> Self {
        let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let folder = folder.expect("the target folder can be written");
        let (inbox, shards) = Node::inbox();
        let counting = Arc::new(Counting {
            broker: MemoryBroker::new(MemoryConfig::default(), inbox),
            calls: AtomicUsize::new(0),
            messages: AtomicUsize::new(0),
        });
        let node = Node::start(Arc::clone(&counting) as _, shards);
        let orders = Arc::<RecentOrders>::default();
        let hub = notification_hub(&node, Arc::clone(&orders) as _, HubOptions::default());
        let hub = hub.expect("our own hub");
        let service = match journal {
            None => HubNotificationService::new(hub.clone(), orders, options),
            Some((sync, grouped)) => {
                let path = folder.path().join("journal.db");
                let opened = SqliteJournal::open(&path, sync, options.idempotency_window);
                let store: Box<dyn JournalStore> = Box::new(opened.expect("a fresh file"));
                let how = JournalOptions {
                    max_count: 1_000_000,
                    max_bytes: 1 << 30,
                    grouped,
                };
                let made =
                    HubNotificationService::with_journal(hub.clone(), orders, options, store, how);
                made.expect("an empty journal")
            }
        };
        Self {
            service,
            hub,
            counting,
            _folder: folder,
        }
    }

    /// Hears the admins.
    async fn listen(&self) -> mpsc::Receiver<()> {
        let (sender, heard) = mpsc::channel(16);
        let told = move |_: &str, _: &bytes::Bytes| {
            let _ = sender.try_send(());
        };
        let subscription = self.hub.listen("tenant:pizza:admins", told).await;
        // It listens for as long as the process runs.
        std::mem::forget(subscription.expect("the node runs"));
        heard
    }

    async fn close(self) {
        self.service.close(Duration::from_secs(10)).await;
        self.hub.node().stop(Duration::from_secs(10)).await;
    }
}

fn event() -> Event {
    let event = json!({
        "type": "NewOrder", "tenantKey": "pizza", "tableNumber": "12",
        "orderId": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "order": { "items": ["margherita", "quattro stagioni"], "totalAmount": 27.5 },
    });
    serde_json::from_value(event).expect("a good event")
}

fn quantile(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Counts what comes to the broker.
struct Counting {
    broker: MemoryBroker,
    calls: AtomicUsize,
    messages: AtomicUsize,
}

impl Counting {
    fn clear(&self) {
        self.calls.store(0, Ordering::Relaxed);
        self.messages.store(0, Ordering::Relaxed);
    }

    fn counted(&self) -> (usize, usize) {
        let calls = self.calls.load(Ordering::Relaxed);
        (calls, self.messages.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Broker for Counting {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.messages.fetch_add(batch.len(), Ordering::Relaxed);
        self.broker.publish(batch).await
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.broker.subscribe(topics).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.broker.unsubscribe(topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.broker.subscriber_count(topic).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.broker.read_log(topic, after, limit).await
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.broker.health().await
    }

    fn capabilities(&self) -> Capabilities {
        self.broker.capabilities()
    }

    async fn close(&self) {
        self.broker.close().await;
    }
}
