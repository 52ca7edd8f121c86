//! The keys whose values are names out of a fixed list.

use serde::Deserialize;

/// Declares an enum together with the list of its names, so that the two cannot drift apart.
macro_rules! choice {
    ($(#[$docs:meta])* $name:ident { $($(#[$variant_docs:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
        pub enum $name {
            $($(#[$variant_docs])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            pub(super) const NAMES: &'static [&'static str] = &[$($text),+];

            /// The name as it stands in settings files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

choice! {
    /// What joins the nodes. All of `Local` to `Upstash` are Redis with a known shape of address.
    Provider {
        /// Nothing: one node, in process. The default.
        Memory = "Memory",
        /// Redis at `ConnectionString`, else at `ProviderSpecific:Local`.
        Redis = "Redis",
        /// Redis at a host and port.
        Local = "Local",
        /// Azure Cache for Redis.
        Azure = "Azure",
        /// Amazon ElastiCache.
        Aws = "AWS",
        /// Google Cloud Memorystore.
        Gcp = "GCP",
        /// Upstash.
        Upstash = "Upstash",
        /// NATS.
        Nats = "Nats",
        /// AMQP 0-9-1, such as RabbitMQ.
        Amqp = "Amqp",
    }
}

choice! {
    /// Which names and envelopes are used on Redis.
    Wire {
        /// Mesahub's own.
        Mesahub = "Mesahub",
        /// Those of ASP.NET Core, so that its servers and Mesahub nodes share one Redis.
        AspNetCore = "AspNetCore",
    }
}

choice! {
    /// How the bytes of a connection travel.
    Transport {
        /// One socket for both directions.
        WebSockets = "WebSockets",
        /// A response that never ends, and a request for each message of the client.
        ServerSentEvents = "ServerSentEvents",
        /// A request that waits for messages, and again.
        LongPolling = "LongPolling",
    }
}

choice! {
    /// Which servers a Redis consists of.
    RedisDeployment {
        /// `Sentinel` where a service is named, `Cluster` where several servers are, else `Single`.
        Auto = "Auto",
        /// One server, or one address behind which another takes over.
        Single = "Single",
        /// A primary with replicas, which Sentinels watch; the addresses are those of the Sentinels.
        Sentinel = "Sentinel",
        /// A Redis Cluster; the addresses are some of its nodes.
        Cluster = "Cluster",
    }
}

choice! {
    /// The header in which proxies tell where a request comes from.
    ForwardedHeader {
        /// What most proxies write.
        XForwardedFor = "X-Forwarded-For",
        /// That of RFC 7239.
        Forwarded = "Forwarded",
    }
}

choice! {
    /// How it is measured how often something is done.
    RateAlgorithm {
        /// So many in each window of time.
        FixedWindow = "FixedWindow",
        /// A bucket of so many tokens, which fills evenly.
        TokenBucket = "TokenBucket",
    }
}

choice! {
    /// Whose calls are counted together.
    CallAccount {
        /// Those of one connection.
        Connection = "Connection",
        /// Those of one user on this node.
        User = "User",
        /// Those of one tenant on this node.
        Tenant = "Tenant",
    }
}

choice! {
    /// Where dining sessions are kept.
    SessionStoreKind {
        /// Not here: the host keeps them.
        None = "None",
        /// In memory, gone with the process. For one node.
        Memory = "Memory",
        /// In a file of SQLite.
        Sqlite = "Sqlite",
    }
}

choice! {
    /// When what the journal keeps is forced to the disk.
    JournalSync {
        /// With every call that publishes.
        Each = "Each",
        /// With every call too, several calls at once together.
        Grouped = "Grouped",
        /// When the operating system likes: it survives the end of the process, not a loss of power.
        Off = "Off",
    }
}

choice! {
    /// How log lines look.
    LogFormat {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// The least severe log line that is written.
    LogLevel {
        /// Everything.
        Trace = "trace",
        /// For developers.
        Debug = "debug",
        /// The default.
        Info = "info",
        /// What may need attention.
        Warn = "warn",
        /// What went wrong.
        Error = "error",
    }
}
