//! Where a client is in a channel.

use std::str::FromStr;

use mesahub_broker::Position;

use crate::notification::id::NotificationId;

/// Where a client is in a channel: behind a notification, or at a position that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Notification(NotificationId),
    Position(Position),
}

/// The text names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a place in a channel is the id of a notification or a position that the hub gave")]
pub(crate) struct InvalidPlace;

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Notification(id));
        }
        text.parse().map(Self::Position).map_err(|_| InvalidPlace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_positions_are_told_apart() {
        let id = NotificationId::now();
        assert_eq!(id.to_string().parse(), Ok(Place::Notification(id)));
        let position = Position::new(u128::MAX);
        let place = Place::Position(position);
        assert_eq!(position.to_string().parse(), Ok(place));
        for text in ["", "last", "-1", "0x1"] {
            assert_eq!(text.parse::<Place>(), Err(InvalidPlace), "{text}");
        }
    }
}
