//! Somebody with a connection, or for a while without: what has come, and what had to.
//!
//! A client that was cut off calls `Resume` with the last notification of each channel. What it is
//! given then comes before whatever is new, and what comes on both ways counts once, by its id. A
//! client that is told of a loss, by whatever way, fetches the state of the channel, from which it
//! knows what had been published by then.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Instant;

use mesahub::auth::{OrderId, SessionId, TenantKey};
use mesahub::channel::{AdminChannel, Channel};
use mesahub::notification::Event;
use serde_json::{Value, json};

use crate::client::{Client, Loss};

/// A member of the staff or a customer.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) kind: Kind,
    /// None while it is away.
    pub(crate) client: Option<Client>,
    /// Everything that it must have received by the end, by number.
    owed: BTreeMap<usize, Debt>,
    /// What it may have received: it was published before it joined, or was not taken whole.
    pub(crate) tolerated: BTreeSet<usize>,
    /// The losses that it was told of on earlier connections, or by `Resume`.
    losses: Vec<Loss>,
    past: Vec<Stretch>,
    now: Stretch,
}

/// Something that somebody must receive.
struct Debt {
    channel: String,
    /// When its publisher began to publish it.
    since: Instant,
}

/// What came without an interruption.
#[derive(Clone, Default)]
struct Stretch {
    /// What was missed before.
    resumed: Vec<Value>,
    live: Vec<Value>,
}

pub(crate) enum Kind {
    Staff {
        follows_orders: bool,
    },
    Customer {
        session: SessionId,
        follows: BTreeSet<OrderId>,
    },
}

/// What has been published, as far as a person has to know.
pub(crate) struct Published {
    pub(crate) node: usize,
    pub(crate) event: Event,
    /// Where the backplane has not taken it, it may come late or not at all.
    pub(crate) is_taken: bool,
}

impl Person {
    pub(crate) fn new(name: String, token: String, kind: Kind, client: Client) -> Self {
        Self {
            name,
            token,
            kind,
            client: Some(client),
            owed: BTreeMap::new(),
            tolerated: BTreeSet::new(),
            losses: Vec::new(),
            past: Vec::new(),
            now: Stretch::default(),
        }
    }

    /// The channel by which it is certain to be told of an event, if it is to be told.
    pub(crate) fn channel_of(&self, tenant: &TenantKey, event: &Event) -> Option<Channel> {
        let tenant = tenant.clone();
        match (event, &self.kind) {
            (Event::CustomerSessionExpiring(expiring), Kind::Customer { session, .. }) => {
                (expiring.session_id == *session).then_some(Channel::Session(*session))
            }
            (Event::CustomerSessionExpiring(_), Kind::Staff { .. }) => None,
            (_, Kind::Staff { .. }) => Some(Channel::Admins(tenant)),
            (Event::OrderStatusChanged(changed), Kind::Customer { follows, .. }) => {
                let order = changed.order_id;
                follows
                    .contains(&order)
                    .then_some(Channel::Order { tenant, order })
            }
            _ => None,
        }
    }

    pub(crate) fn follows(&mut self) -> &mut BTreeSet<OrderId> {
        match &mut self.kind {
            Kind::Customer { follows, .. } => follows,
            Kind::Staff { .. } => unreachable!("only customers follow single orders"),
        }
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("it is there")
    }

    /// Loses its connection, with whatever is on its way.
    pub(crate) fn is_cut_off(&mut self) {
        self.interrupt();
        self.client = None;
    }

    /// Must receive what was published from a moment on.
    pub(crate) fn owe(&mut self, number: usize, channel: &Channel, since: Instant) {
        let channel = channel.to_string();
        self.owed.insert(number, Debt { channel, since });
    }

    /// Has a connection again, and is in its channels; calls `Resume`.
    pub(crate) async fn is_back(&mut self, client: Client, tenant: &TenantKey) {
        self.client = Some(client);
        self.catch_up(tenant).await;
    }

    /// Calls `Resume` for every channel that it has something of and is in.
    pub(crate) async fn catch_up(&mut self, tenant: &TenantKey) {
        self.interrupt();
        let mut lasts = self.lasts();
        let is_in: BTreeSet<String> = self
            .channels(tenant)
            .iter()
            .map(ToString::to_string)
            .collect();
        lasts.retain(|channel, _| is_in.contains(channel));
        while !lasts.is_empty() {
            let answers = self.client().call("Resume", json!([lasts])).await;
            lasts.clear();
            for (channel, answer) in answers.as_object().expect("an answer per channel") {
                if let Some(reason) = answer["lost"].as_str() {
                    assert_ne!(reason, "notMember", "{} in {channel}", self.name);
                    self.losses.push(Loss {
                        channel: channel.clone(),
                        at: Instant::now(),
                    });
                    continue;
                }
                let notifications = answer["notifications"].as_array().expect("a list");
                self.now.resumed.extend(notifications.iter().cloned());
                if answer["more"] == true {
                    let last = notifications.last().expect("more than nothing");
                    lasts.insert(channel.clone(), id_of(last).to_owned());
                }
            }
        }
    }

    /// The channels that it is in, as far as they are logged.
    fn channels(&self, tenant: &TenantKey) -> Vec<Channel> {
        let tenant = tenant.clone();
        match &self.kind {
            Kind::Staff { follows_orders } => {
                let orders = follows_orders.then(|| AdminChannel::Orders.of(tenant.clone()));
                [Channel::Admins(tenant)]
                    .into_iter()
                    .chain(orders)
                    .collect()
            }
            Kind::Customer { session, follows } => {
                let order = |order: &OrderId| Channel::Order {
                    tenant: tenant.clone(),
                    order: *order,
                };
                let orders = follows.iter().map(order);
                [Channel::Session(*session)]
                    .into_iter()
                    .chain(orders)
                    .collect()
            }
        }
    }

    /// The id of the last notification of each channel, by the time that it came.
    pub(crate) fn lasts(&self) -> BTreeMap<String, String> {
        let mut lasts = BTreeMap::new();
        for notification in self.stretches().iter().flat_map(Stretch::all) {
            let channel = notification["channel"].as_str().expect("a channel");
            lasts.insert(channel.to_owned(), id_of(notification).to_owned());
        }
        lasts
    }

    /// The numbers of what it is owed, has not got and does not know in another way, given what has
    /// come on its connection.
    pub(crate) fn missing(&self, heard: &[Value], losses: &[Loss]) -> Vec<usize> {
        let before = self.past.iter().chain([&self.now]).flat_map(Stretch::all);
        let come: HashSet<usize> = before.chain(heard).map(number_of).collect();
        let is_known = |debt: &Debt| {
            let mut all = self.losses.iter().chain(losses);
            all.any(|loss| loss.channel == debt.channel && debt.since < loss.at)
        };
        let missing = self.owed.iter();
        let missing = missing.filter(|(number, debt)| !come.contains(number) && !is_known(debt));
        missing.map(|(number, _)| *number).collect()
    }

    /// Whether all that it is owed and has not got can be asked for.
    pub(crate) fn can_resume(&self) -> bool {
        let Some(client) = &self.client else {
            return true;
        };
        let lasts = self.lasts();
        let missing = self.missing(&client.heard(), &client.losses());
        let mut channels = missing.iter().map(|number| &self.owed[number].channel);
        channels.all(|channel| lasts.contains_key(channel))
    }

    /// The channels of which it was told that something may be missing.
    pub(crate) fn lost(&self) -> Vec<String> {
        let now = self.client.iter().flat_map(Client::losses);
        let all = self.losses.iter().cloned().chain(now);
        all.map(|loss| loss.channel).collect()
    }

    /// Nothing but what is owed or tolerated, nothing twice, what the backplane has taken of one node
    /// for one channel in order, nothing of other tenants. How many have come.
    pub(crate) fn check(&self, tenant: &TenantKey, published: &[Published]) -> usize {
        let mut seen = HashSet::new();
        for stretch in self.stretches() {
            let (mut here, mut newest) = (HashSet::new(), BTreeMap::new());
            for notification in &stretch.live {
                assert!(
                    here.insert(id_of(notification)),
                    "{} got {notification} twice",
                    self.name
                );
            }
            for notification in stretch.all() {
                let named = &notification["tenantKey"];
                assert!(
                    *named == tenant.to_string() || *named == "",
                    "{} was told of another tenant: {notification}",
                    self.name
                );
                let number = number_of(notification);
                assert!(
                    self.owed.contains_key(&number) || self.tolerated.contains(&number),
                    "{} was not owed {notification}",
                    self.name
                );
                let is_new = seen.insert(id_of(notification).to_owned());
                if !is_new || !published[number].is_taken {
                    continue;
                }
                let channel = notification["channel"].as_str().expect("a channel");
                let stream = (published[number].node, channel.to_owned());
                let before = newest.insert(stream, number);
                assert!(
                    before.is_none_or(|before| before < number),
                    "{} got {notification} out of order, after {before:?}",
                    self.name
                );
            }
        }
        seen.len()
    }

    /// What came before and what comes from now on are two things.
    fn interrupt(&mut self) {
        let mut stretch = std::mem::take(&mut self.now);
        if let Some(client) = &self.client {
            let (heard, losses) = client.take_heard();
            stretch.live.extend(heard);
            self.losses.extend(losses);
        }
        self.past.push(stretch);
    }

    fn stretches(&self) -> Vec<Stretch> {
        let mut now = self.now.clone();
        if let Some(client) = &self.client {
            now.live.extend(client.heard());
        }
        self.past.iter().cloned().chain([now]).collect()
    }
}

impl Stretch {
    fn all(&self) -> impl Iterator<Item = &Value> {
        self.resumed.iter().chain(&self.live)
    }
}

fn id_of(notification: &Value) -> &str {
    notification["id"].as_str().expect("an id")
}

/// Every event carries its number among all of its tenant.
fn number_of(notification: &Value) -> usize {
    let number = notification["metadata"]["number"].as_str();
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}
