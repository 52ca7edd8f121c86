//! What one client has heard of each of its channels.

use std::ops::RangeInclusive;

/// What one client has heard.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    places: Vec<Place>,
}

/// What a message is to who hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The next one, or one behind a hole.
    InOrder,
    /// One that was missing: it comes behind a later one.
    Late,
    /// One that came before.
    Again,
    /// One of a channel that the client is not in.
    Stray,
}

#[derive(Debug)]
struct Place {
    channel: usize,
    last: u64,
    /// What is missing before the last, in order.
    holes: Vec<RangeInclusive<u64>>,
}

impl Ledger {
    /// A ledger of a client that is in these channels and has heard nothing.
    pub(super) fn of(channels: impl IntoIterator<Item = usize>) -> Self {
        let place = |channel| Place {
            channel,
            last: 0,
            holes: Vec::new(),
        };
        Self {
            places: channels.into_iter().map(place).collect(),
        }
    }

    /// Writes down that a message has come.
    pub(super) fn note(&mut self, channel: usize, number: u64) -> Heard {
        let mut places = self.places.iter_mut();
        match places.find(|place| place.channel == channel) {
            Some(place) => place.note(number),
            None => Heard::Stray,
        }
    }

    /// How many messages are missing, given how many each channel had and which of them nobody was
    /// to hear.
    pub(super) fn missing(&self, had: &[u64], refused: impl Fn(usize, u64) -> bool) -> u64 {
        let of_place = |place: &Place| {
            let end = place.last + 1..=had[place.channel];
            let all = place.holes.iter().cloned().chain([end]).flatten();
            all.filter(|number| !refused(place.channel, *number))
                .count() as u64
        };
        self.places.iter().map(of_place).sum()
    }
}

impl Place {
    fn note(&mut self, number: u64) -> Heard {
        if number > self.last {
            if number > self.last + 1 {
                self.holes.push(self.last + 1..=number - 1);
            }
            self.last = number;
            return Heard::InOrder;
        }
        let hole = self.holes.iter().position(|hole| hole.contains(&number));
        let Some(index) = hole else {
            return Heard::Again;
        };
        let hole = self.holes.remove(index);
        let parts = [*hole.start()..=number - 1, number + 1..=*hole.end()];
        for part in parts.into_iter().rev().filter(|part| !part.is_empty()) {
            self.holes.insert(index, part);
        }
        Heard::Late
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, Ledger};

    fn heard(numbers: &[u64]) -> (Ledger, Vec<Heard>) {
        let mut ledger = Ledger::of([3]);
        let told = numbers
            .iter()
            .map(|number| ledger.note(3, *number))
            .collect();
        (ledger, told)
    }

    fn missing(ledger: &Ledger, had: u64) -> u64 {
        ledger.missing(&[0, 0, 0, had], |_, _| false)
    }

    #[test]
    fn what_comes_in_order_is_missing_nothing() {
        let (ledger, told) = heard(&[1, 2, 3]);
        assert_eq!(told, [Heard::InOrder; 3]);
        assert_eq!(missing(&ledger, 3), 0);
    }

    #[test]
    fn holes_and_the_end_are_missing() {
        let (ledger, _) = heard(&[1, 5, 6]);
        assert_eq!(missing(&ledger, 8), 5);
    }

    #[test]
    fn what_comes_late_fills_its_hole_once() {
        use Heard::{Again, InOrder, Late};
        let (ledger, told) = heard(&[1, 5, 3, 3, 2, 4, 4]);
        assert_eq!(told, [InOrder, InOrder, Late, Again, Late, Late, Again]);
        assert_eq!(missing(&ledger, 5), 0);
    }

    #[test]
    fn what_was_refused_is_missed_by_nobody() {
        let (ledger, _) = heard(&[1, 4]);
        assert_eq!(
            ledger.missing(&[0, 0, 0, 5], |_, number| number == 2 || number == 5),
            1
        );
    }

    #[test]
    fn what_belongs_to_others_is_a_stray() {
        let (mut ledger, _) = heard(&[]);
        assert_eq!(ledger.note(4, 1), Heard::Stray);
        assert_eq!(missing(&ledger, 0), 0);
    }
}
