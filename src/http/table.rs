//! The table of operations: all that the API answers, in the order of the document.

use super::operation::{Access, Answer, Operation, Verb};
use super::{broadcast, connections, groups, health, openapi, presence, publish};

const ALLOW_RECONNECT: (&str, &str) = (
    "allowReconnect",
    "Whether clients are told that they may come back by themselves; they are not by default.",
);

const ACCEPTED: Answer = Answer {
    status: 202,
    meaning: "Accepted, under this id.",
    schema: Some("Accepted"),
};
const DONE: Answer = Answer {
    status: 204,
    meaning: "Done.",
    schema: None,
};
const TOO_LARGE: Answer = Answer {
    status: 413,
    meaning: "The body, or the message made of it, is too large.",
    schema: Some("Problem"),
};
const UNAVAILABLE: Answer = Answer {
    status: 503,
    meaning: "Not taken; may be tried again after the seconds in `Retry-After`.",
    schema: Some("Problem"),
};
const NO_CONNECTION: Answer = Answer {
    status: 404,
    meaning: "There is no such connection of a tenant that the token covers.",
    schema: Some("Problem"),
};
const HEALTHY: Answer = Answer {
    status: 200,
    meaning: "Healthy.",
    schema: Some("Health"),
};
const UNHEALTHY: Answer = Answer {
    status: 503,
    meaning: "Unhealthy.",
    schema: Some("Health"),
};

/// An operation of a service that takes nothing but its path.
const SERVICE: Operation = Operation {
    verb: Verb::Get,
    path: "",
    id: "",
    summary: "",
    description: "",
    access: Access::Service,
    flags: &[],
    request: None,
    answers: &[],
    handle: |api, call| Box::pin(health::live(api, call)),
};

/// A broadcast.
const BROADCAST: Operation = Operation {
    verb: Verb::Post,
    description: "Calls the client method `eventType`, or `SystemAlert`, with a notification that \
                  holds `data`.",
    answers: &[ACCEPTED, TOO_LARGE, UNAVAILABLE],
    ..SERVICE
};

/// An operation that anyone may ask for.
const OPEN: Operation = Operation {
    access: Access::Open,
    ..SERVICE
};

pub(super) static OPERATIONS: [Operation; 17] = [
    Operation {
        verb: Verb::Post,
        path: "/api/v1/notifications",
        id: "publishNotification",
        summary: "Publishes one notification",
        description: "The `type` decides which channels are told. A notification that is \
                      addressed to a session alone may leave out `tenantKey` only when the token \
                      covers every tenant: a session's channel does not tell its tenant, so the \
                      tenant named here is trusted, and checked against the token.",
        request: Some("Event"),
        answers: &[ACCEPTED, TOO_LARGE, UNAVAILABLE],
        handle: |api, call| Box::pin(publish::one(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Post,
        path: "/api/v1/notifications/batch",
        id: "publishNotifications",
        summary: "Publishes 1 to 1000 notifications in order",
        description: "If one is malformed (400) or names a tenant that the token does not cover \
                      (403), none is published. Otherwise the answer tells of each, in the order \
                      of the request, under which id it was accepted or why it was not; when \
                      none was and all may be tried again, it is 503.",
        request: Some("Batch"),
        answers: &[
            Answer {
                status: 202,
                meaning: "What became of each.",
                schema: Some("BatchResults"),
            },
            UNAVAILABLE,
        ],
        handle: |api, call| Box::pin(publish::batch(api, call)),
        ..SERVICE
    },
    Operation {
        path: "/api/v1/broadcasts/tenant",
        id: "broadcastToTenant",
        summary: "Tells everyone of a tenant",
        request: Some("TenantBroadcast"),
        handle: |api, call| Box::pin(broadcast::to_tenant(api, call)),
        ..BROADCAST
    },
    Operation {
        path: "/api/v1/broadcasts/role",
        id: "broadcastToRole",
        summary: "Tells those of a tenant who have a role",
        request: Some("RoleBroadcast"),
        handle: |api, call| Box::pin(broadcast::to_role(api, call)),
        ..BROADCAST
    },
    Operation {
        path: "/api/v1/broadcasts/user",
        id: "broadcastToUser",
        summary: "Tells one user on all devices",
        request: Some("UserBroadcast"),
        handle: |api, call| Box::pin(broadcast::to_user(api, call)),
        ..BROADCAST
    },
    Operation {
        path: "/api/v1/broadcasts/session",
        id: "broadcastToSession",
        summary: "Tells one dining session",
        description: "Calls the client method `eventType`, or `SystemAlert`, with a notification \
                      that holds `data`. `tenantKey` may be left out only when the token covers \
                      every tenant; the tenant named is trusted to be the session's.",
        request: Some("SessionBroadcast"),
        handle: |api, call| Box::pin(broadcast::to_session(api, call)),
        ..BROADCAST
    },
    Operation {
        path: "/api/v1/broadcasts/everyone",
        id: "broadcastToEveryone",
        summary: "Tells everyone of every tenant",
        description: "Calls the client method `eventType`, or `SystemAlert`, with a notification \
                      that holds `data`. Only for a token that covers every tenant.",
        request: Some("EveryoneBroadcast"),
        handle: |api, call| Box::pin(broadcast::to_everyone(api, call)),
        ..BROADCAST
    },
    Operation {
        path: "/api/v1/tenants/{tenantKey}/connections",
        id: "countConnections",
        summary: "Counts a tenant's connections",
        answers: &[
            Answer {
                status: 200,
                meaning: "How many.",
                schema: Some("Connections"),
            },
            UNAVAILABLE,
        ],
        handle: |api, call| Box::pin(presence::connections(api, call)),
        ..SERVICE
    },
    Operation {
        path: "/api/v1/tenants/{tenantKey}/users/{userId}/online",
        id: "isUserOnline",
        summary: "Tells whether a user is connected",
        description: "`connections` counts the user's connections to all nodes that answer within \
                      two seconds.",
        answers: &[
            Answer {
                status: 200,
                meaning: "Whether, and by how many connections.",
                schema: Some("Online"),
            },
            UNAVAILABLE,
        ],
        handle: |api, call| Box::pin(presence::online(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Delete,
        path: "/api/v1/tenants/{tenantKey}/users/{userId}/connections",
        id: "disconnectUser",
        summary: "Ends all connections of a user",
        flags: &[ALLOW_RECONNECT],
        answers: &[
            Answer {
                status: 200,
                meaning: "How many there were.",
                schema: Some("Disconnected"),
            },
            UNAVAILABLE,
        ],
        handle: |api, call| Box::pin(connections::disconnect_user(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Delete,
        path: "/api/v1/connections/{connectionId}",
        id: "disconnectConnection",
        summary: "Ends a connection",
        flags: &[ALLOW_RECONNECT],
        answers: &[DONE, NO_CONNECTION, UNAVAILABLE],
        handle: |api, call| Box::pin(connections::disconnect(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Put,
        path: "/api/v1/connections/{connectionId}/groups/{group}",
        id: "addToGroup",
        summary: "Puts a connection into a channel of its own tenant",
        description: "The group is the name of a channel. A connection may be put into the \
                      channel of a session that is not its own only with a token that covers \
                      every tenant.",
        answers: &[DONE, NO_CONNECTION, UNAVAILABLE],
        handle: |api, call| Box::pin(groups::add(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Delete,
        path: "/api/v1/connections/{connectionId}/groups/{group}",
        id: "removeFromGroup",
        summary: "Takes a connection out of a channel",
        description: "A connection that is not in it is no error. The rules are those of putting \
                      it in.",
        answers: &[DONE, NO_CONNECTION, UNAVAILABLE],
        handle: |api, call| Box::pin(groups::remove(api, call)),
        ..SERVICE
    },
    Operation {
        path: "/health/live",
        id: "live",
        summary: "Tells that the process runs",
        answers: &[HEALTHY],
        handle: |api, call| Box::pin(health::live(api, call)),
        ..OPEN
    },
    Operation {
        path: "/health/ready",
        id: "ready",
        summary: "Tells whether the server takes traffic",
        answers: &[HEALTHY, UNHEALTHY],
        handle: |api, call| Box::pin(health::ready(api, call)),
        ..OPEN
    },
    Operation {
        path: "/health/signalr",
        id: "signalr",
        summary: "Tells whether the backplane answers",
        description: "Asks it anew each time, and waits two seconds at most.",
        answers: &[HEALTHY, UNHEALTHY],
        handle: |api, call| Box::pin(health::signalr(api, call)),
        ..OPEN
    },
    Operation {
        path: "/openapi.json",
        id: "openapi",
        summary: "This document",
        answers: &[Answer {
            status: 200,
            meaning: "OpenAPI 3.1.",
            schema: Some("Document"),
        }],
        handle: |api, call| Box::pin(openapi::document(api, call)),
        ..OPEN
    },
];
