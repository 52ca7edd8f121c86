//! The table of operations: all that the API answers, in the order of the document.

use super::operation::{Access, Answer, Operation, Verb};
use super::terms::{
    ACCEPTED, AFTER, ALLOW_RECONNECT, DONE, HEALTHY, LIMIT, NO_CONNECTION, NO_DEAD_LETTER,
    NO_SESSION, RECEIPT, SESSION, SESSION_ENDING, TOO_LARGE, UNAVAILABLE, UNHEALTHY,
};
use super::{
    broadcast, connections, dead_letters, groups, health, openapi, presence, publish, sessions,
};

/// An operation of a service that takes nothing but its path.
const SERVICE: Operation = Operation {
    verb: Verb::Get,
    path: "",
    id: "",
    summary: "",
    description: "",
    access: Access::Service,
    query: &[],
    keyed: false,
    request: None,
    answers: &[],
    handle: |api, call| Box::pin(health::live(api, call)),
};

/// A broadcast.
const BROADCAST: Operation = Operation {
    verb: Verb::Post,
    description: "Calls the client method `eventType`, or `SystemAlert`, with a notification that \
                  holds `data`.",
    query: &[RECEIPT],
    keyed: true,
    answers: &[ACCEPTED, TOO_LARGE, UNAVAILABLE],
    ..SERVICE
};

/// An operation that anyone may ask for.
const OPEN: Operation = Operation {
    access: Access::Open,
    ..SERVICE
};

pub(super) static OPERATIONS: [Operation; 26] = [
    Operation {
        verb: Verb::Post,
        path: "/api/v1/notifications",
        id: "publishNotification",
        summary: "Publishes one notification",
        description: "The `type` decides which channels are told. A notification that is \
                      addressed to a session alone may leave out `tenantKey` only when the token \
                      covers every tenant: a session's channel does not tell its tenant, so the \
                      tenant named here is trusted, and checked against the token.",
        query: &[RECEIPT],
        keyed: true,
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
        query: &[RECEIPT],
        keyed: true,
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
        path: "/api/v1/notifications/{notificationId}/receipt",
        id: "getReceipt",
        summary: "Tells how many connections a notification has reached",
        description: "For ten minutes, for what was published with `receipt=true`, from any node: \
                      how many connections it was given to so far, on how many of the nodes that \
                      answer within two seconds. A connection in several of its channels counts \
                      once, as soon as the notification is in its send queue, the last place \
                      before its transport; what a client reads with `Resume` does not count.",
        answers: &[
            Answer {
                status: 200,
                meaning: "How many.",
                schema: Some("Receipt"),
            },
            Answer {
                status: 404,
                meaning: "No receipt is kept of this id for a tenant that the token covers.",
                schema: Some("Problem"),
            },
            UNAVAILABLE,
        ],
        handle: |api, call| Box::pin(publish::receipt(api, call)),
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
        query: &[ALLOW_RECONNECT],
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
        query: &[ALLOW_RECONNECT],
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
        verb: Verb::Post,
        path: "/api/v1/tenants/{tenantKey}/sessions",
        id: "startSession",
        summary: "Starts a dining session",
        description: "Under the `sessionId` that is given, or a fresh one, which belongs into the \
                      tokens of its guests. Admins are told with `SessionStarted`.",
        request: Some("StartSession"),
        answers: &[
            Answer {
                status: 201,
                meaning: "The session.",
                schema: Some("DiningSession"),
            },
            Answer {
                status: 404,
                meaning: "No dining sessions are kept here.",
                schema: Some("Problem"),
            },
            Answer {
                status: 409,
                meaning: "There is one of this id already.",
                schema: Some("Problem"),
            },
            UNAVAILABLE,
        ],
        handle: |api, call| Box::pin(sessions::start(api, call)),
        ..SERVICE
    },
    Operation {
        path: "/api/v1/tenants/{tenantKey}/sessions",
        id: "listSessions",
        summary: "Lists a tenant's dining sessions",
        query: &[AFTER, LIMIT],
        answers: &[
            Answer {
                status: 200,
                meaning: "A page of them, in the order of their ids.",
                schema: Some("Sessions"),
            },
            NO_SESSION,
            UNAVAILABLE,
        ],
        handle: |api, call| Box::pin(sessions::list(api, call)),
        ..SERVICE
    },
    Operation {
        path: "/api/v1/tenants/{tenantKey}/sessions/{sessionId}",
        id: "showSession",
        summary: "Shows a dining session",
        answers: &[SESSION, NO_SESSION, UNAVAILABLE],
        handle: |api, call| Box::pin(sessions::show(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Post,
        path: "/api/v1/tenants/{tenantKey}/sessions/{sessionId}/activity",
        id: "touchSession",
        summary: "Notes that a session's guests are there",
        description: "Its time counts anew from now. With `hasOrdered` it lasts as long as one \
                      that has ordered, from now on.",
        request: Some("Activity"),
        answers: &[SESSION, NO_SESSION, SESSION_ENDING, UNAVAILABLE],
        handle: |api, call| Box::pin(sessions::touch(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Delete,
        path: "/api/v1/tenants/{tenantKey}/sessions/{sessionId}",
        id: "closeSession",
        summary: "Closes a dining session",
        description: "It and the admins are told with `SessionExpired` and the reason \
                      `SessionClosed`; then its connections end.",
        answers: &[DONE, NO_SESSION, SESSION_ENDING, UNAVAILABLE],
        handle: |api, call| Box::pin(sessions::close(api, call)),
        ..SERVICE
    },
    Operation {
        path: "/api/v1/dead-letters",
        id: "listDeadLetters",
        summary: "Lists the notifications that this node has given up",
        description: "Only for a token that covers every tenant. Each node keeps its own.",
        query: &[AFTER, LIMIT],
        answers: &[
            Answer {
                status: 200,
                meaning: "A page of them, in the order of their ids.",
                schema: Some("DeadLetters"),
            },
            UNAVAILABLE,
        ],
        handle: |api, call| Box::pin(dead_letters::list(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Post,
        path: "/api/v1/dead-letters/{notificationId}/replay",
        id: "replayDeadLetter",
        summary: "Publishes a dead letter after all",
        description: "Under its old id, to the channels that it did not reach. Only for a token \
                      that covers every tenant.",
        answers: &[DONE, NO_DEAD_LETTER, UNAVAILABLE],
        handle: |api, call| Box::pin(dead_letters::replay(api, call)),
        ..SERVICE
    },
    Operation {
        verb: Verb::Delete,
        path: "/api/v1/dead-letters/{notificationId}",
        id: "dropDeadLetter",
        summary: "Forgets a dead letter",
        description: "Only for a token that covers every tenant.",
        answers: &[DONE, NO_DEAD_LETTER, UNAVAILABLE],
        handle: |api, call| Box::pin(dead_letters::discard(api, call)),
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
        description: "Not while it starts or stops, nor while the backplane does not answer within \
                      two seconds. An outage of the backplane is no reason to restart the process, \
                      of which `/health/live` tells.",
        answers: &[HEALTHY, UNHEALTHY],
        handle: |api, call| Box::pin(health::ready(api, call)),
        ..OPEN
    },
    Operation {
        path: "/health/signalr",
        id: "signalr",
        summary: "Tells whether the backplane answers",
        description: "Asks it anew each time, and waits two seconds at most. Unhealthy too while the \
                      journal takes no notifications.",
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
