//! The kinds of notification.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a notification is about. Its name is the `type` that clients read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NotificationKind {
    /// An order has another status; for admins and whoever follows the order.
    OrderStatusChanged,
    /// An order was placed.
    NewOrder,
    /// A dining session has begun.
    SessionStarted,
    /// A dining session has ended.
    SessionExpired,
    /// A table was taken or has become free.
    TableStatusChanged,
    /// An order has another status; for the customer.
    CustomerOrderUpdate,
    /// A dining session is about to end.
    CustomerSessionExpiring,
    /// The cart of a dining session is another.
    CartUpdated,
    /// Anything that is broadcast.
    SystemAlert,
}

impl NotificationKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderStatusChanged => "OrderStatusChanged",
            Self::NewOrder => "NewOrder",
            Self::SessionStarted => "SessionStarted",
            Self::SessionExpired => "SessionExpired",
            Self::TableStatusChanged => "TableStatusChanged",
            Self::CustomerOrderUpdate => "CustomerOrderUpdate",
            Self::CustomerSessionExpiring => "CustomerSessionExpiring",
            Self::CartUpdated => "CartUpdated",
            Self::SystemAlert => "SystemAlert",
        }
    }
}

impl fmt::Display for NotificationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
