//! One restaurant: its people, what happens in it, and the model of who is owed what.
//!
//! A tenant does one thing after the other, so the model is exact: whoever is in a channel when
//! something is published there must receive it, and nobody else may. Only what was published
//! before somebody joined may or may not reach them: it can still be on its way.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use mesahub::auth::{OrderId, Role, SessionId, TenantKey, TokenSpec};
use mesahub::channel::Channel;
use mesahub::notification::{Event, NotificationService};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::client::Client;
use crate::dice::Dice;
use crate::fleet::{Fleet, LONG, Server, signed, within};

const STAFF: usize = 9;
const CUSTOMERS: usize = 6;
const ORDERS: usize = 4;

/// A restaurant.
pub(crate) struct Tenant<'fleet> {
    fleet: &'fleet Fleet,
    key: TenantKey,
    dice: Dice,
    orders: Vec<OrderId>,
    people: Vec<Person>,
    /// Everything published, by id.
    published: BTreeMap<String, Published>,
    received: usize,
}

/// Notifications whose order holds: published by one node, and received through one channel.
type Stream = (usize, String);

struct Published {
    /// Its place in the order of all.
    number: usize,
    node: usize,
    event: Event,
}

struct Person {
    client: Client,
    kind: Kind,
    name: String,
    /// Everything that it must have received by the end.
    owed: BTreeSet<String>,
    /// What it may have received: it was published before it joined.
    tolerated: BTreeSet<String>,
}

enum Kind {
    Staff {
        follows_orders: bool,
    },
    Customer {
        session: SessionId,
        follows: BTreeSet<OrderId>,
    },
}

impl<'fleet> Tenant<'fleet> {
    /// Lets everybody in.
    pub(crate) async fn open(fleet: &'fleet Fleet, number: u64, dice: Dice) -> Self {
        let mut tenant = Self {
            fleet,
            key: format!("tenant-{number}").parse().unwrap(),
            dice,
            orders: (0..ORDERS).map(|_| Uuid::now_v7().into()).collect(),
            people: Vec::new(),
            published: BTreeMap::new(),
            received: 0,
        };
        for place in 0..STAFF + CUSTOMERS {
            let person = tenant.connect(place).await;
            tenant.people.push(person);
        }
        tenant
    }

    /// Does one thing by chance.
    pub(crate) async fn step(&mut self) {
        match self.dice.throw(20) {
            0..=10 => self.publish().await,
            11..=13 => self.follow_an_order().await,
            14..=15 => self.leave_an_order().await,
            16..=17 => self.turn_to_orders().await,
            _ => self.replace_somebody().await,
        }
    }

    /// Waits until everybody has what they are owed, publishes markers from every node behind
    /// everything else, and compares.
    pub(crate) async fn settle(&mut self) {
        for node in 0..self.fleet.nodes.len() {
            let mut events = vec![self.table()];
            events.extend(
                self.orders
                    .clone()
                    .into_iter()
                    .map(|order| self.status(order)),
            );
            for person in &self.people {
                if let Kind::Customer { session, .. } = &person.kind {
                    events.push(expiring(*session));
                }
            }
            for event in events {
                self.publish_on(node, event).await;
            }
        }
        for place in 0..self.people.len() {
            self.settled(place).await;
            self.compare(place);
        }
        self.everybody_is_counted().await;
    }

    /// Sends everybody home; how many notifications were received.
    pub(crate) async fn close(mut self) -> usize {
        for person in self.people.drain(..) {
            person.client.leave().await;
        }
        self.everybody_is_counted().await;
        self.received
    }

    async fn publish(&mut self) {
        let node = self.dice.throw(self.fleet.nodes.len());
        let event = match self.dice.throw(3) {
            0 => self.table(),
            1 => {
                let order = self.orders[self.dice.throw(ORDERS)];
                self.status(order)
            }
            _ => {
                let place = STAFF + self.dice.throw(CUSTOMERS);
                let Kind::Customer { session, .. } = &self.people[place].kind else {
                    unreachable!("customers come after the staff");
                };
                expiring(*session)
            }
        };
        self.publish_on(node, event).await;
    }

    async fn publish_on(&mut self, node: usize, event: Event) {
        let number = self.published.len();
        let recipients: Vec<usize> = (0..self.people.len())
            .filter(|place| self.people[*place].is_told(&event))
            .collect();
        let publishing = self.fleet.nodes[node].service.notify(event.clone());
        let id = within("a publish", publishing).await.unwrap().to_string();
        let published = Published {
            number,
            node,
            event,
        };
        self.published.insert(id.clone(), published);
        for place in recipients {
            self.people[place].owed.insert(id.clone());
        }
    }

    /// A customer is put into the channel of an order, by whatever node.
    async fn follow_an_order(&mut self) {
        let (place, order) = self.customer_and_order();
        let channel = self.order_channel(order);
        let node = self.any_node();
        let earlier = self.earlier(|event| match event {
            Event::OrderStatusChanged(changed) => changed.order_id == order,
            _ => false,
        });
        let person = &mut self.people[place];
        person.tolerated.extend(earlier);
        let adding = node.service.add_to_group(person.client.id, &channel);
        within("a join", adding).await.unwrap();
        person.follows().insert(order);
    }

    /// A customer is taken out again, once it has what it was owed.
    async fn leave_an_order(&mut self) {
        let (place, order) = self.customer_and_order();
        self.settled(place).await;
        let channel = self.order_channel(order);
        let node = self.any_node();
        let person = &mut self.people[place];
        let removing = node.service.remove_from_group(person.client.id, &channel);
        within("a leave", removing).await.unwrap();
        person.follows().remove(&order);
    }

    /// Somebody of the staff joins or leaves the orders: nothing may come twice for it.
    async fn turn_to_orders(&mut self) {
        let place = self.dice.throw(STAFF);
        let Kind::Staff { follows_orders } = &mut self.people[place].kind else {
            unreachable!("the staff comes first");
        };
        *follows_orders = !*follows_orders;
        let method = match follows_orders {
            true => "JoinAdminChannel",
            false => "LeaveAdminChannel",
        };
        self.people[place]
            .client
            .call(method, json!(["orders"]))
            .await;
    }

    /// Somebody leaves, with or without a goodbye, and somebody else comes.
    async fn replace_somebody(&mut self) {
        let place = self.dice.throw(self.people.len());
        self.settled(place).await;
        self.compare(place);
        let next = self.connect(place).await;
        let last = std::mem::replace(&mut self.people[place], next);
        if self.dice.throw(2) == 0 {
            last.client.leave().await;
        }
    }

    async fn connect(&mut self, place: usize) -> Person {
        let name = format!("{}-{}", self.key, self.dice.throw(usize::MAX));
        let (kind, role, session) = if place < STAFF {
            let follows_orders = false;
            (Kind::Staff { follows_orders }, Role::Staff, None)
        } else {
            let session = SessionId::from(Uuid::now_v7());
            let follows = BTreeSet::new();
            let kind = Kind::Customer { session, follows };
            (kind, Role::Customer, Some(session))
        };
        let token = signed(&TokenSpec {
            tenant: Some(self.key.clone()),
            user: Some(name.parse().unwrap()),
            roles: vec![role],
            session,
            ..TokenSpec::default()
        });
        let tolerated = match kind {
            Kind::Staff { .. } => {
                self.earlier(|event| !matches!(event, Event::CustomerSessionExpiring(_)))
            }
            Kind::Customer { .. } => BTreeSet::new(),
        };
        let node = self.any_node();
        Person {
            client: Client::connect(node, &token).await,
            kind,
            name,
            owed: BTreeSet::new(),
            tolerated,
        }
    }

    /// Waits until somebody has everything that it is owed.
    async fn settled(&self, place: usize) {
        let person = &self.people[place];
        let missing = |heard: &[Value]| -> Vec<String> {
            let ids: HashSet<&str> = heard.iter().filter_map(|one| one["id"].as_str()).collect();
            let missing = person.owed.iter().filter(|id| !ids.contains(&***id));
            missing.cloned().collect()
        };
        let come = person
            .client
            .until_heard(|heard| missing(heard).is_empty().then_some(()));
        if timeout(LONG, come).await.is_err() {
            for id in missing(&person.client.heard()) {
                let published = &self.published[&id];
                println!(
                    "missing: number {} of {}: {:?}",
                    published.number,
                    self.published.len(),
                    published.event
                );
            }
            panic!("{} did not get what it was owed", person.name);
        }
    }

    /// Nothing but what is owed, nothing twice, each stream in order, nothing of other tenants.
    fn compare(&mut self, place: usize) {
        let person = &self.people[place];
        let mut seen = BTreeSet::new();
        let mut newest: BTreeMap<Stream, usize> = BTreeMap::new();
        for notification in person.client.heard() {
            let id = notification["id"].as_str().expect("an id").to_owned();
            let tenant = &notification["tenantKey"];
            assert!(
                *tenant == self.key.to_string() || *tenant == "",
                "{} was told of another tenant: {notification}",
                person.name
            );
            assert!(
                person.owed.contains(&id) || person.tolerated.contains(&id),
                "{} was not owed {notification}",
                person.name
            );
            assert!(seen.insert(id.clone()), "{} got {id} twice", person.name);
            let published = &self.published[&id];
            let channel = notification["channel"].as_str().expect("a channel");
            let stream = (published.node, channel.to_owned());
            let before = newest.insert(stream, published.number);
            assert!(
                before.is_none_or(|before| before < published.number),
                "{} got {id} out of order",
                person.name
            );
        }
        self.received += seen.len();
    }

    async fn everybody_is_counted(&self) {
        for node in &self.fleet.nodes {
            within("the count of connections", async {
                loop {
                    let count = node.service.active_connections_count(&self.key).await;
                    if count.unwrap() == self.people.len() as u64 {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
    }

    /// What has been published of some kind.
    fn earlier(&self, which: impl Fn(&Event) -> bool) -> BTreeSet<String> {
        let published = self.published.iter();
        let of_it = published.filter(|(_, published)| which(&published.event));
        of_it.map(|(id, _)| id.clone()).collect()
    }

    fn customer_and_order(&mut self) -> (usize, OrderId) {
        let place = STAFF + self.dice.throw(CUSTOMERS);
        (place, self.orders[self.dice.throw(ORDERS)])
    }

    fn any_node(&mut self) -> &'fleet Server {
        &self.fleet.nodes[self.dice.throw(self.fleet.nodes.len())]
    }

    fn order_channel(&self, order: OrderId) -> Channel {
        let tenant = self.key.clone();
        Channel::Order { tenant, order }
    }

    fn table(&self) -> Event {
        event(json!({
            "type": "TableStatusChanged", "tenantKey": self.key,
            "tableId": Uuid::nil(), "isOccupied": true,
        }))
    }

    fn status(&self, order: OrderId) -> Event {
        event(json!({
            "type": "OrderStatusChanged", "tenantKey": self.key,
            "orderId": order, "status": "Ready",
        }))
    }
}

impl Person {
    fn is_told(&self, event: &Event) -> bool {
        match (event, &self.kind) {
            (Event::CustomerSessionExpiring(expiring), Kind::Customer { session, .. }) => {
                expiring.session_id == *session
            }
            (Event::CustomerSessionExpiring(_), Kind::Staff { .. }) => false,
            (_, Kind::Staff { .. }) => true,
            (Event::OrderStatusChanged(changed), Kind::Customer { follows, .. }) => {
                follows.contains(&changed.order_id)
            }
            _ => false,
        }
    }

    fn follows(&mut self) -> &mut BTreeSet<OrderId> {
        match &mut self.kind {
            Kind::Customer { follows, .. } => follows,
            Kind::Staff { .. } => unreachable!("only customers follow single orders"),
        }
    }
}

fn expiring(session: SessionId) -> Event {
    event(json!({
        "type": "CustomerSessionExpiring", "sessionId": session, "minutesRemaining": 5,
    }))
}

fn event(body: Value) -> Event {
    serde_json::from_value(body).unwrap()
}
