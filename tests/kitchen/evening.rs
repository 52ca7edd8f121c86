//! The evening itself.

use std::pin::pin;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Mutex;

use crate::dice::Dice;
use crate::link::{Link, Mood};
use crate::office::Office;
use crate::process::Mesahub;
use crate::tablet::{Evening, Tablet};

/// How many orders there are.
const ORDERS: u32 = 10_000;

/// What joins the nodes.
#[async_trait]
pub(crate) trait Backplane: Send + Sync + 'static {
    /// What its logs hold is lost when it is restarted.
    const FORGETS: bool;

    /// The settings that lead to it.
    fn settings(&self) -> [(&'static str, String); 2];

    /// Kills it and starts it again.
    async fn restart(&self);
}

/// What happens beside the network, at which of a hundred parts of the evening.
const INCIDENTS: [(u32, Incident); 5] = [
    (15, Incident::Node(0)),
    (30, Incident::Backplane),
    (45, Incident::Node(1)),
    (60, Incident::Node(2)),
    (75, Incident::Backplane),
];

#[derive(Clone, Copy)]
enum Incident {
    Node(usize),
    Backplane,
}

/// One evening at a time: there are few processors.
static KITCHEN: Mutex<()> = Mutex::const_new(());

/// Three nodes on a backplane, all of which are restarted.
pub(crate) async fn three_nodes<B: Backplane>(backplane: B, seed: u64) {
    let _alone = KITCHEN.lock().await;
    let settings = backplane.settings();
    let mut kitchen = Kitchen::open(3, &settings, seed).await;
    kitchen.serve(Some(&backplane)).await;
    kitchen.close(B::FORGETS).await;
}

/// One node by itself, which is restarted.
pub(crate) async fn one_node(seed: u64) {
    let _alone = KITCHEN.lock().await;
    let mut kitchen = Kitchen::open(1, &[], seed).await;
    kitchen.serve::<Nothing>(None).await;
    kitchen.close(true).await;
}

/// There is no backplane to restart.
struct Nothing;

#[async_trait]
impl Backplane for Nothing {
    const FORGETS: bool = true;

    fn settings(&self) -> [(&'static str, String); 2] {
        unreachable!("there is none")
    }

    async fn restart(&self) {}
}

async fn happens<B: Backplane>(
    incident: Incident,
    nodes: &Mutex<Vec<Mesahub>>,
    backplane: Option<&B>,
) {
    match (incident, backplane) {
        (Incident::Node(place), _) => {
            let mut nodes = nodes.lock().await;
            let place = place % nodes.len();
            nodes[place].restart().await;
        }
        (Incident::Backplane, Some(backplane)) => backplane.restart().await,
        (Incident::Backplane, None) => {}
    }
}

struct Kitchen {
    nodes: Vec<Mesahub>,
    office: Office,
    link: Link,
    tablet: Tablet,
    forgetful: Tablet,
    dice: Dice,
    since: Instant,
}

impl Kitchen {
    async fn open(nodes: usize, settings: &[(&str, String)], seed: u64) -> Self {
        let dice = Dice::seeded(seed);
        // A second here is ten outside. The logs keep the whole evening.
        let mut all = vec![
            (
                "RealTimeConfiguration:Notifications:Journal:Enabled",
                "true",
            ),
            ("RealTimeConfiguration:SignalR:KeepAliveInterval", "1"),
            ("RealTimeConfiguration:SignalR:ClientTimeoutInterval", "2"),
            ("Mesahub:Log:MaxCount", "100000"),
            ("Mesahub:Log:MaxBytes", "67108864"),
            ("Mesahub:Log:CheckInterval", "2"),
        ];
        all.extend(settings.iter().map(|(key, value)| (*key, value.as_str())));
        let mut running = Vec::new();
        for _ in 0..nodes {
            running.push(Mesahub::start(&all).await);
        }
        let askers: Vec<_> = running.iter().map(Mesahub::asker).collect();
        let link = Link::to(askers.iter().map(|asker| asker.address).collect()).await;
        let office = Office::open(askers).await;
        let tablet = Tablet::on(link.address, office.address, true).await;
        let forgetful = Tablet::on(link.address, office.address, false).await;
        Self {
            nodes: running,
            office,
            link,
            tablet,
            forgetful,
            dice,
            since: Instant::now(),
        }
    }

    /// Takes all orders, through everything that happens.
    async fn serve<B: Backplane>(&mut self, backplane: Option<&B>) {
        let nodes = std::mem::take(&mut self.nodes);
        let nodes = Mutex::new(nodes);
        let mut incident: LocalBoxFuture<'_, ()> = Box::pin(std::future::ready(()));
        let mut is_over = true;
        let mut turn = self.dice.below(300) + 100;
        let mut is_fine = true;
        let mut coming = INCIDENTS.into_iter().peekable();
        let mut next = 0;
        while next < ORDERS {
            if let Some((_, due)) = coming.next_if(|(part, _)| next >= ORDERS / 100 * part) {
                // One at a time; orders go on meanwhile.
                if !is_over {
                    incident.await;
                }
                incident = Box::pin(happens(due, &nodes, backplane));
                is_over = false;
            }
            if u64::from(next) >= turn {
                is_fine = self.change_weather(is_fine);
                turn += self.dice.below(600) + 100;
            }
            let most = u32::try_from(self.dice.below(10)).unwrap() + 1;
            let orders = next..ORDERS.min(next + most);
            next = orders.end;
            let mut taking = pin!(self.office.take(orders));
            loop {
                tokio::select! {
                    () = &mut taking => break,
                    () = &mut incident, if !is_over => is_over = true,
                }
            }
        }
        if !is_over {
            incident.as_mut().await;
        }
        self.link.cut();
        self.link.turns(Mood::Carries);
        drop(incident);
        self.nodes = nodes.into_inner();
    }

    fn change_weather(&mut self, is_fine: bool) -> bool {
        match (is_fine, self.dice.below(3)) {
            (true, 0) => self.link.turns(Mood::Delays),
            (true, 1) => self.link.turns(Mood::Swallows),
            (true, _) => self.link.turns(Mood::Refuses),
            (false, chance) => {
                // What was half open is gone when the network is back, but for delays.
                if chance > 0 {
                    self.link.cut();
                }
                self.link.turns(Mood::Carries);
            }
        }
        !is_fine
    }

    /// Compares what was accepted with what is shown. Where a log forgets, the tablet may have had to
    /// ask the office, and what was under way when it forgot may have come twice.
    async fn close(mut self, forgets: bool) {
        let accepted = self.office.accepted();
        self.tablet.shows(accepted.len()).await;
        let (tablet, forgetful) = (self.tablet.tells().await, self.forgetful.tells().await);
        let missed = accepted.len() - forgetful.screen.len();
        println!(
            "{} orders in {:?}, {} sent again; the tablet resumed {}, was connected again {} times, \
             asked the office {} times, {} came behind later ones, {} twice; the one that does not \
             resume missed {missed}",
            accepted.len(),
            self.since.elapsed(),
            self.office.repeated,
            tablet.resumed,
            tablet.reconnected,
            tablet.fetched,
            tablet.behind,
            tablet.doubled,
        );
        let Evening {
            screen, inverted, ..
        } = tablet;
        let missing: Vec<_> = accepted.iter().filter(|it| !screen.contains(it)).collect();
        assert!(missing.is_empty(), "accepted and not shown: {missing:?}");
        assert_eq!(screen, accepted);
        assert_eq!(inverted, 0, "the screen is in the order of the ids");
        assert!(missed > 0, "there was nothing to miss");
        assert!(tablet.resumed > 0 && tablet.reconnected > 0);
        if !forgets {
            assert_eq!(tablet.fetched, 0, "the logs had everything");
            assert_eq!(tablet.doubled, 0);
        }
    }
}
