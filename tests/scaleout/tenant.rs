//! One restaurant: its people, what happens in it, and the model of who is owed what.
//!
//! A tenant does one thing after the other, so the model is exact: whoever is in a channel when
//! something is published there must receive it, and nobody else may. Only what was published
//! before somebody joined may or may not reach them, since it can still be on its way, and what
//! the backplane has not taken whole, of which its publisher was told.
//!
//! Who is away is owed what its channels carry meanwhile, if it had something of them before: then
//! it can ask for the rest.

use std::collections::BTreeSet;
use std::time::Instant;

use mesahub::auth::{OrderId, Role, SessionId, TenantKey, TokenSpec};
use mesahub::channel::Channel;
use mesahub::notification::{Event, NotificationService, RealTimeService};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::client::Client;
use crate::dice::Dice;
use crate::fleet::{Fleet, LONG, Server, signed, within};
use crate::person::{Kind, Person, Published};

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
    /// Everything published, by number.
    published: Vec<Published>,
    /// How many of those the backplane did not take.
    refused: usize,
    received: usize,
    /// How often somebody who is gone was told of a loss.
    lost: usize,
}

/// What a tenant has to tell of its day.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    /// Notifications that were received.
    pub(crate) received: usize,
    /// How often somebody was told that messages of a channel may be missing.
    pub(crate) lost: usize,
}

impl<'fleet> Tenant<'fleet> {
    /// Lets everybody in.
    pub(crate) async fn open(fleet: &'fleet Fleet, number: usize, dice: Dice) -> Self {
        let mut tenant = Self {
            fleet,
            key: format!("tenant-{number}").parse().unwrap(),
            dice,
            orders: (0..ORDERS).map(|_| Uuid::now_v7().into()).collect(),
            people: Vec::new(),
            published: Vec::new(),
            refused: 0,
            received: 0,
            lost: 0,
        };
        for place in 0..STAFF + CUSTOMERS {
            let person = tenant.somebody(place).await;
            tenant.people.push(person);
        }
        tenant
    }

    /// Does one thing by chance.
    pub(crate) async fn step(&mut self) {
        match self.dice.throw(22) {
            0..=10 => {
                self.publish().await;
            }
            11..=12 => self.follow_an_order().await,
            13..=14 => self.leave_an_order().await,
            15..=16 => self.turn_to_orders().await,
            17..=18 => self.cut_somebody_off().await,
            19..=20 => self.somebody_comes_back().await,
            _ => self.replace_somebody().await,
        }
    }

    /// Publishes something by chance; whether it was taken.
    pub(crate) async fn publish(&mut self) -> bool {
        let node = self.dice.throw(self.fleet.nodes.len());
        let event = match self.dice.throw(3) {
            0 => table(&self.key),
            1 => status(&self.key, self.orders[self.dice.throw(ORDERS)]),
            _ => {
                let place = STAFF + self.dice.throw(CUSTOMERS);
                let Kind::Customer { session, .. } = &self.people[place].kind else {
                    unreachable!("customers come after the staff");
                };
                expiring(*session)
            }
        };
        self.publish_on(node, event).await
    }

    /// How many publications the backplane has taken, and of how many others their publisher was
    /// told.
    pub(crate) fn published(&self) -> (usize, usize) {
        (self.published.len() - self.refused, self.refused)
    }

    /// Waits until everybody is there and has what they are owed, publishes markers from every node
    /// behind everything else, and compares.
    pub(crate) async fn settle(&mut self) {
        for place in 0..self.people.len() {
            self.come_back(place).await;
        }
        for node in 0..self.fleet.nodes.len() {
            let mut events = vec![table(&self.key)];
            events.extend(self.orders.iter().map(|order| status(&self.key, *order)));
            for person in &self.people {
                if let Kind::Customer { session, .. } = &person.kind {
                    events.push(expiring(*session));
                }
            }
            for event in events {
                assert!(self.publish_on(node, event).await, "a marker was not taken");
            }
        }
        for place in 0..self.people.len() {
            self.settled(place).await;
            self.check(place);
        }
        self.everybody_is_counted().await;
    }

    /// After the backplane was cut off: who is away comes back. Of the others every second calls
    /// `Resume`, and need not.
    pub(crate) async fn catch_up(&mut self) {
        for place in 0..self.people.len() {
            if self.people[place].client.is_none() {
                self.come_back(place).await;
            } else if self.dice.throw(2) == 0 {
                self.people[place].catch_up(&self.key).await;
            }
        }
    }

    /// Sends everybody home, after which nobody listens for the tenant any more.
    pub(crate) async fn close(mut self) -> Told {
        let mut channels = vec![Channel::Admins(self.key.clone())];
        channels.extend(self.orders.iter().map(|order| self.order_channel(*order)));
        for place in 0..self.people.len() {
            self.goes(place);
        }
        for mut person in std::mem::take(&mut self.people) {
            if let Kind::Customer { session, .. } = &person.kind {
                channels.push(Channel::Session(*session));
            }
            if let Some(client) = person.client.take() {
                client.leave().await;
            }
        }
        self.everybody_is_counted().await;
        let service = RealTimeService::new(self.fleet.nodes[0].hub.clone());
        for channel in channels {
            within("the last subscription to be given up", async {
                while service.subscriber_count(&channel).await.unwrap() > 0 {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
        let (received, lost) = (self.received, self.lost);
        Told { received, lost }
    }

    /// Somebody loses the connection, with whatever is on its way.
    pub(crate) async fn cut_somebody_off(&mut self) {
        let place = self.dice.throw(self.people.len());
        if !self.people[place].can_resume() {
            self.settled(place).await;
        }
        self.people[place].is_cut_off();
    }

    async fn somebody_comes_back(&mut self) {
        let away = self
            .people
            .iter()
            .position(|person| person.client.is_none());
        if let Some(place) = away {
            self.come_back(place).await;
        }
    }

    /// On whatever node, into its channels again, and resumes.
    async fn come_back(&mut self, place: usize) {
        if self.people[place].client.is_none() {
            let node = self.any_node();
            let client = Client::connect(node.address, &self.people[place].token).await;
            self.rejoin(place, client).await;
        }
    }

    async fn rejoin(&mut self, place: usize, mut client: Client) {
        let earlier = match &self.people[place].kind {
            Kind::Staff { follows_orders } => {
                if *follows_orders {
                    client.call("JoinAdminChannel", json!(["orders"])).await;
                }
                self.earlier(|event| !matches!(event, Event::CustomerSessionExpiring(_)))
            }
            Kind::Customer { session, follows } => {
                let (session, follows) = (*session, follows.clone());
                for order in &follows {
                    let (node, channel) = (self.any_node(), self.order_channel(*order));
                    let adding = node.service.add_to_group(client.id, &channel);
                    within("a join", adding).await.unwrap();
                }
                self.earlier(|event| match event {
                    Event::OrderStatusChanged(changed) => follows.contains(&changed.order_id),
                    Event::CustomerSessionExpiring(expiring) => expiring.session_id == session,
                    _ => false,
                })
            }
        };
        let person = &mut self.people[place];
        person.tolerated.extend(earlier);
        person.is_back(client, &self.key).await;
    }

    /// Compares what somebody has with what is owed; how much has come, and how often there was a
    /// loss. Only a backplane that has forgotten its logs may leave somebody to fetch the state
    /// anew.
    fn check(&self, place: usize) -> (usize, usize) {
        let person = &self.people[place];
        let lost = person.lost();
        assert!(
            lost.is_empty() || self.fleet.has_forgotten(),
            "{} was told that something of {lost:?} may be missing",
            person.name
        );
        (person.check(&self.key, &self.published), lost.len())
    }

    /// The same for the last time.
    fn goes(&mut self, place: usize) {
        let (received, lost) = self.check(place);
        self.received += received;
        self.lost += lost;
    }

    /// Whether it was taken. Whoever publishes is told of what was not.
    async fn publish_on(&mut self, node: usize, mut body: Value) -> bool {
        let number = self.published.len();
        body["metadata"] = json!({"number": number.to_string()});
        let event: Event = serde_json::from_value(body).unwrap();
        let since = Instant::now();
        let publishing = self.fleet.nodes[node].service.notify(event.clone());
        let is_taken = within("a publish", publishing).await.is_ok();
        self.refused += usize::from(!is_taken);
        for person in &mut self.people {
            let Some(channel) = person.channel_of(&self.key, &event) else {
                continue;
            };
            let is_there = person.client.is_some();
            if is_taken && (is_there || person.lasts().contains_key(&channel.to_string())) {
                person.owe(number, &channel, since);
            } else {
                person.tolerated.insert(number);
            }
        }
        self.published.push(Published {
            node,
            event,
            is_taken,
        });
        is_taken
    }

    /// A customer is put into the channel of an order, by whatever node.
    async fn follow_an_order(&mut self) {
        let (place, order) = self.customer_and_order();
        self.come_back(place).await;
        let channel = self.order_channel(order);
        let node = self.any_node();
        let earlier = self.earlier(|event| match event {
            Event::OrderStatusChanged(changed) => changed.order_id == order,
            _ => false,
        });
        let person = &mut self.people[place];
        person.tolerated.extend(earlier);
        let adding = node.service.add_to_group(person.client().id, &channel);
        within("a join", adding).await.unwrap();
        person.follows().insert(order);
    }

    /// A customer is taken out again, once it has what it was owed.
    async fn leave_an_order(&mut self) {
        let (place, order) = self.customer_and_order();
        self.come_back(place).await;
        self.settled(place).await;
        let channel = self.order_channel(order);
        let node = self.any_node();
        let person = &mut self.people[place];
        let removing = node.service.remove_from_group(person.client().id, &channel);
        within("a leave", removing).await.unwrap();
        person.follows().remove(&order);
    }

    /// Somebody of the staff joins or leaves the orders: nothing may come twice for it.
    async fn turn_to_orders(&mut self) {
        let place = self.dice.throw(STAFF);
        self.come_back(place).await;
        let Kind::Staff { follows_orders } = &mut self.people[place].kind else {
            unreachable!("the staff comes first");
        };
        *follows_orders = !*follows_orders;
        let method = match follows_orders {
            true => "JoinAdminChannel",
            false => "LeaveAdminChannel",
        };
        let client = self.people[place].client();
        client.call(method, json!(["orders"])).await;
    }

    /// Somebody leaves, with or without a goodbye, and somebody else comes.
    async fn replace_somebody(&mut self) {
        let place = self.dice.throw(self.people.len());
        self.come_back(place).await;
        self.settled(place).await;
        self.goes(place);
        let next = self.somebody(place).await;
        let mut last = std::mem::replace(&mut self.people[place], next);
        if let (0, Some(client)) = (self.dice.throw(2), last.client.take()) {
            client.leave().await;
        }
    }

    /// Somebody new for a place.
    async fn somebody(&mut self, place: usize) -> Person {
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
        let client = Client::connect(self.any_node().address, &token).await;
        let mut person = Person::new(name, token, kind, client);
        if matches!(person.kind, Kind::Staff { .. }) {
            person.tolerated =
                self.earlier(|event| !matches!(event, Event::CustomerSessionExpiring(_)));
        }
        person
    }

    /// Waits until somebody who is there has everything that it is owed.
    async fn settled(&self, place: usize) {
        let person = &self.people[place];
        let client = person.client.as_ref().expect("it is there");
        let come = client.until_told(|heard, losses| {
            let missing = person.missing(heard, losses);
            missing.is_empty().then_some(())
        });
        if timeout(LONG, come).await.is_err() {
            for number in person.missing(&client.heard(), &client.losses()) {
                let event = &self.published[number].event;
                println!("missing: {number} of {}: {event:?}", self.published.len());
            }
            panic!("{} did not get what it was owed", person.name);
        }
    }

    async fn everybody_is_counted(&self) {
        let there = self.people.iter().filter(|person| person.client.is_some());
        let there = there.count() as u64;
        for node in &self.fleet.nodes {
            within("the count of connections", async {
                while node
                    .service
                    .active_connections_count(&self.key)
                    .await
                    .unwrap()
                    != there
                {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
    }

    /// What has been published of some kind.
    fn earlier(&self, which: impl Fn(&Event) -> bool) -> BTreeSet<usize> {
        let all = self.published.iter().enumerate();
        let of_it = all.filter(|(_, published)| which(&published.event));
        of_it.map(|(number, _)| number).collect()
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
}

fn table(tenant: &TenantKey) -> Value {
    json!({
        "type": "TableStatusChanged", "tenantKey": tenant,
        "tableId": Uuid::nil(), "isOccupied": true,
    })
}

fn status(tenant: &TenantKey, order: OrderId) -> Value {
    json!({
        "type": "OrderStatusChanged", "tenantKey": tenant,
        "orderId": order, "status": "Ready",
    })
}

fn expiring(session: SessionId) -> Value {
    json!({
        "type": "CustomerSessionExpiring", "sessionId": session, "minutesRemaining": 5,
    })
}
