//! One dining session, as a store keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::{SessionId, TenantKey};
use crate::notification::Label;

/// One dining session, as a store keeps it and as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiningSession {
    /// Its id, which is in the tokens of its guests.
    pub session_id: SessionId,
    /// Whose guests they are.
    pub tenant_key: TenantKey,
    /// Where they sit.
    pub table_number: Label,
    /// When it began.
    pub started_at: Timestamp,
    /// When its guests were last heard of; its time counts from here.
    pub last_activity: Timestamp,
    /// Whether they have ordered, which decides how long it may last and what it ends for.
    pub has_orders: bool,
    /// The last warning that it was given: the minutes that were left.
    pub warned: Option<u32>,
    /// Why it is ending, from the moment that this is settled.
    pub closing: Option<Label>,
    /// When somebody has to look at it next.
    pub due: Timestamp,
    /// How often it was changed, so that of two who change it at once one notices.
    pub version: u64,
}
