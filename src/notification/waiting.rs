//! What waits for the broker, in turns.
//!
//! Each tenant has a line of its own, and what leaves is taken from all of them in turns that are
//! worth the same number of bytes, so a tenant who publishes more than the broker takes makes nobody
//! wait but itself. Within a line nothing overtakes, so every channel keeps its order; and when all
//! that waits leaves at once, it leaves in the order in which it came.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::auth::{SessionId, TenantKey};
use crate::notification::id::NotificationId;
use crate::notification::queue::{Item, Room};

/// What any notification costs beside its bytes.
const COST: u64 = 256;

/// How many tenants fit into what is kept free for those who have little waiting.
const SHARES: usize = 64;

/// The part of the room that is kept free beside it for them.
const RESERVE: usize = 4;

/// The lines of all tenants. What is addressed to all tenants, or to one that is not known, has one
/// too.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    lines: HashMap<Option<TenantKey>, Line>,
    /// In which line those of a dining session wait, and how many: its tenant may be told or not.
    sessions: HashMap<SessionId, (Option<TenantKey>, usize)>,
    /// Whose turn comes when, on a clock that counts what was taken, and behind it when the first of
    /// the line came.
    turns: BTreeMap<(u64, u64), Option<TenantKey>>,
    now: u64,
    arrivals: u64,
    count: usize,
}

#[derive(Debug, Default)]
struct Line {
    items: VecDeque<(u64, Item)>,
    bytes: usize,
}

impl Waiting {
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// What came first of all that waits.
    pub(crate) fn oldest(&self) -> Option<NotificationId> {
        let firsts = self.lines.values().filter_map(|line| line.items.front());
        let oldest = firsts.min_by_key(|(arrival, _)| *arrival);
        oldest.map(|(_, item)| item.outgoing.id)
    }

    /// Whether one more of this tenant has room, where all that is held already has so many bytes.
    /// Something larger than all the room there is has room once it is alone. Beside the room there
    /// is a reserve for tenants who have little waiting.
    pub(crate) fn has_room(&self, item: &Item, held: usize, room: Room) -> bool {
        let fits = |room: Room| {
            let bytes = held == 0 || held + item.bytes <= room.bytes;
            self.count < room.count && bytes
        };
        if fits(room) {
            return true;
        }
        let (count, bytes) = self
            .lines
            .get(&item.outgoing.tenant)
            .map_or((0, 0), |line| (line.items.len(), line.bytes));
        let is_little = count < room.count / SHARES && bytes + item.bytes <= room.bytes / SHARES;
        is_little
            && fits(Room {
                count: room.count + room.count / RESERVE,
                bytes: room.bytes + room.bytes / RESERVE,
            })
    }

    /// Puts something at the end of its tenant's line.
    pub(crate) fn push(&mut self, item: Item) {
        self.arrivals += 1;
        self.count += 1;
        let mut tenant = item.outgoing.tenant.clone();
        if let Some(session) = item.outgoing.session {
            let (same, count) = self.sessions.entry(session).or_insert((tenant, 0));
            *count += 1;
            tenant = same.clone();
        }
        let line = self.lines.entry(tenant.clone()).or_default();
        if line.items.is_empty() {
            self.turns.insert((self.now, self.arrivals), tenant);
        }
        line.bytes += item.bytes;
        line.items.push_back((self.arrivals, item));
    }

    /// Takes so many in turns, in the order in which they came.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Item> {
        let mut taken: Vec<_> = std::iter::from_fn(|| self.pop()).take(most).collect();
        taken.sort_unstable_by_key(|(arrival, _)| *arrival);
        taken.into_iter().map(|(_, item)| item).collect()
    }

    fn pop(&mut self) -> Option<(u64, Item)> {
        let ((turn, _), tenant) = self.turns.pop_first()?;
        let line = self.lines.get_mut(&tenant)?;
        let (arrival, item) = line.items.pop_front()?;
        self.now = turn;
        self.count -= 1;
        if let Some(session) = item.outgoing.session
            && let Entry::Occupied(mut found) = self.sessions.entry(session)
        {
            found.get_mut().1 -= 1;
            if found.get().1 == 0 {
                found.remove();
            }
        }
        line.bytes -= item.bytes;
        match line.items.front() {
            Some((next, _)) => {
                let after = turn + COST + item.bytes as u64;
                self.turns.insert((after, *next), tenant);
            }
            None => {
                self.lines.remove(&tenant);
            }
        }
        Some((arrival, item))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::notification::kind::NotificationKind;
    use crate::notification::outgoing::Outgoing;

    const ROOM: Room = Room {
        count: 128,
        bytes: 64 * 1024,
    };

    fn item(tenant: &str, bytes: usize) -> Item {
        let outgoing = Outgoing {
            id: NotificationId::now(),
            kind: NotificationKind::NewOrder,
            tenant: tenant.parse().ok(),
            session: None,
            publications: Vec::new(),
        };
        Item {
            outgoing,
            bytes,
            sequence: None,
        }
    }

    /// What leaves: each tenant with the number of bytes by which a test knows the item again.
    fn taken(waiting: &mut Waiting, most: usize) -> Vec<(String, usize)> {
        let told = |item: Item| {
            let tenant = item.outgoing.tenant.map(|tenant| tenant.to_string());
            (tenant.unwrap_or_default(), item.bytes)
        };
        waiting.take(most).into_iter().map(told).collect()
    }

    fn all(items: &[(&str, usize)]) -> Vec<(String, usize)> {
        let own = |(tenant, bytes): &(&str, usize)| ((*tenant).to_owned(), *bytes);
        items.iter().map(own).collect()
    }

    #[test]
    fn what_leaves_at_once_leaves_in_the_order_in_which_it_came() {
        let mut waiting = Waiting::default();
        let came = [("a", 1), ("b", 2), ("a", 3), ("", 4), ("b", 5), ("a", 6)];
        came.iter()
            .for_each(|(tenant, bytes)| waiting.push(item(tenant, *bytes)));
        assert_eq!(taken(&mut waiting, 10), all(&came));
        assert_eq!(waiting.len(), 0);
        assert!(waiting.lines.is_empty() && waiting.turns.is_empty());
    }

    #[test]
    fn a_session_keeps_its_order_whether_its_tenant_is_told_or_not() {
        let mut waiting = Waiting::default();
        let id = "3f2504e0-4f89-41d3-9a0c-0305e82c3302".parse().unwrap();
        let of_session = |tenant: &str, bytes| {
            let mut item = item(tenant, bytes);
            item.outgoing.session = Some(id);
            item
        };
        (1..=3).for_each(|number| waiting.push(item("a", number)));
        waiting.push(of_session("a", 4));
        waiting.push(of_session("", 5));
        waiting.push(item("", 6));
        let mut left = Vec::new();
        while waiting.len() > 0 {
            left.extend(taken(&mut waiting, 1).into_iter().map(|(_, number)| number));
        }
        assert_eq!(left, [1, 6, 2, 3, 4, 5]);
        assert!(waiting.sessions.is_empty());
        waiting.push(of_session("", 7));
        waiting.push(of_session("a", 8));
        assert_eq!(taken(&mut waiting, 2), all(&[("", 7), ("a", 8)]));
    }

    #[test]
    fn tenants_take_turns_and_keep_their_own_order() {
        let mut waiting = Waiting::default();
        (1..=6).for_each(|number| waiting.push(item("noisy", number)));
        waiting.push(item("quiet", 7));
        waiting.push(item("calm", 8));
        waiting.push(item("quiet", 9));
        let first = [("noisy", 1), ("noisy", 2), ("quiet", 7), ("calm", 8)];
        let second = [("noisy", 3), ("noisy", 4), ("quiet", 9)];
        assert_eq!(taken(&mut waiting, 4), all(&first));
        assert_eq!(taken(&mut waiting, 3), all(&second));
        waiting.push(item("late", 10));
        assert_eq!(taken(&mut waiting, 2), all(&[("noisy", 5), ("late", 10)]));
        assert_eq!(taken(&mut waiting, 2), all(&[("noisy", 6)]));
    }

    #[test]
    fn turns_are_worth_the_same_number_of_bytes() {
        let mut waiting = Waiting::default();
        (0..100).for_each(|_| waiting.push(item("large", 9_744)));
        (0..100).for_each(|_| waiting.push(item("small", 744)));
        let left = taken(&mut waiting, 44);
        let large = left.iter().filter(|(tenant, _)| tenant == "large").count();
        assert_eq!(large, 4, "{left:?}");
    }

    #[test]
    fn a_tenant_that_fills_the_room_leaves_some_to_those_who_have_little() {
        let mut waiting = Waiting::default();
        let mut push = |tenant: &str| {
            let item = item(tenant, 10);
            let held = waiting.len() * 10;
            let has_room = waiting.has_room(&item, held, ROOM);
            if has_room {
                waiting.push(item);
            }
            has_room
        };
        assert_eq!((0..200).filter(|_| push("noisy")).count(), ROOM.count);
        assert_eq!(
            (0..200).filter(|_| push("quiet")).count(),
            ROOM.count / SHARES
        );
        let others = (0..200)
            .filter(|number| push(&format!("tenant-{number}")))
            .count();
        assert_eq!(others, ROOM.count / RESERVE - ROOM.count / SHARES);
    }

    #[test]
    fn bytes_have_their_own_room_and_reserve() {
        let waiting = Waiting::default();
        let has_room = |bytes, held| waiting.has_room(&item("a", bytes), held, ROOM);
        assert!(has_room(10 * ROOM.bytes, 0), "alone");
        assert!(has_room(ROOM.bytes - 1, 1));
        assert!(!has_room(ROOM.bytes, 1));
        assert!(has_room(ROOM.bytes / SHARES, ROOM.bytes));
        assert!(!has_room(ROOM.bytes / SHARES + 1, ROOM.bytes));
        assert!(!has_room(1, ROOM.bytes + ROOM.bytes / RESERVE));
    }
}
