//! The id of a notification.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hub::lag;

/// The id of one notification: a UUID of version 7, whose text sorts by the time it was made.
///
/// Ids made by one process are strictly ascending; between processes they are as well ordered as
/// the clocks. Written in lower case with hyphens and read in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotificationId(Uuid);

/// The text is no notification id: a UUID was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a notification id is a UUID such as 01932f5e-8c1e-7d3a-9a0c-0305e82c3301")]
pub struct InvalidNotificationId;

impl NotificationId {
    /// The id of a notification made now.
    #[must_use]
    pub fn now() -> Self {
        Self(Uuid::now_v7())
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// How long ago it was made, by the calendar.
    pub(crate) fn age(self) -> Option<Duration> {
        lag::age(self.0.as_bytes())
    }

    /// The id as a UUID.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl FromStr for NotificationId {
    type Err = InvalidNotificationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Ok(Self(id)),
            _ => Err(InvalidNotificationId),
        }
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ids_sort_as_text_in_the_order_they_were_made() {
        let ids: Vec<String> = (0..1_000)
            .map(|_| NotificationId::now().to_string())
            .collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_id_reads_back_from_its_text_and_its_json() {
        let id = NotificationId::now();
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<NotificationId>(&json).unwrap(), id);
        for text in ["", "7", "01932f5e8c1e7d3a9a0c0305e82c3301"] {
            assert_eq!(text.parse::<NotificationId>(), Err(InvalidNotificationId));
        }
    }
}
