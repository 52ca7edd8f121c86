//! What several operations take and answer.

use super::operation::{Answer, Asked};

pub(super) const ALLOW_RECONNECT: Asked = Asked {
    name: "allowReconnect",
    meaning: "Whether clients are told that they may come back by themselves; they are not by \
              default.",
    schema: "Flag",
};
pub(super) const AFTER: Asked = Asked {
    name: "after",
    meaning: "The `next` of the page before.",
    schema: "Guid",
};
pub(super) const LIMIT: Asked = Asked {
    name: "limit",
    meaning: "The most that the page may hold.",
    schema: "Limit",
};

pub(super) const RECEIPT: Asked = Asked {
    name: "receipt",
    meaning: "Whether to count the connections that it reaches, for `getReceipt`; they are not by \
              default.",
    schema: "Flag",
};

pub(super) const ACCEPTED: Answer = Answer {
    status: 202,
    meaning: "Accepted, under this id.",
    schema: Some("Accepted"),
};
pub(super) const DONE: Answer = Answer {
    status: 204,
    meaning: "Done.",
    schema: None,
};
pub(super) const TOO_LARGE: Answer = Answer {
    status: 413,
    meaning: "The body, or the message made of it, is too large.",
    schema: Some("Problem"),
};
pub(super) const UNAVAILABLE: Answer = Answer {
    status: 503,
    meaning: "Not taken; may be tried again after the seconds in `Retry-After`.",
    schema: Some("Problem"),
};
pub(super) const NO_CONNECTION: Answer = Answer {
    status: 404,
    meaning: "There is no such connection of a tenant that the token covers.",
    schema: Some("Problem"),
};
pub(super) const NO_SESSION: Answer = Answer {
    status: 404,
    meaning: "There is no such dining session of this tenant, or none are kept here.",
    schema: Some("Problem"),
};
pub(super) const SESSION_ENDING: Answer = Answer {
    status: 409,
    meaning: "The session is ending: nothing brings it back.",
    schema: Some("Problem"),
};
pub(super) const SESSION: Answer = Answer {
    status: 200,
    meaning: "The session.",
    schema: Some("DiningSession"),
};
pub(super) const HEALTHY: Answer = Answer {
    status: 200,
    meaning: "Healthy.",
    schema: Some("Health"),
};
pub(super) const UNHEALTHY: Answer = Answer {
    status: 503,
    meaning: "Unhealthy.",
    schema: Some("Health"),
};
pub(super) const NO_DEAD_LETTER: Answer = Answer {
    status: 404,
    meaning: "There is no such dead letter.",
    schema: Some("Problem"),
};
