//! Reads the configuration: layers of files, secrets, variables and flags become one [`Settings`].
//!
//! ```text
//!  built-in defaults
//!    ◄ appsettings.json
//!      ◄ appsettings.{Environment}.json
//!        ◄ appsettings.{CloudProvider}.json
//!          ◄ secret files
//!            ◄ environment variables            later wins, key by key
//!              ◄ command line
//!                 │
//!            #{NAME}# filled ─► types and bounds ─► Settings ─► impossible pairs
//! ```
//!
//! Invariants:
//!
//! - Every key stands once in `keys.rs`, once in `config/appsettings.json` and once in a settings
//!   struct; tests compare the three.
//! - Names match without case: keys, environment variables, secret files and file names.
//! - A layer that names a list replaces the whole list.
//! - Everything wrong is reported at once, each problem with its place, its key and what was expected.
//! - The value of a secret leaves only through [`Secret::reveal`]; whatever came out of a secret file
//!   is treated as a secret too.
//! - The process environment is read in one place, [`Sources::from_process`]; [`load`] sees only
//!   what it is handed.
//!
//! Nothing here opens a socket or knows which backends are compiled in.

mod authentication;
mod backplane;
mod choice;
mod comments;
mod connection_string;
mod document;
mod drain;
mod environment;
mod error;
mod files;
mod key;
mod keys;
mod layers;
mod limits;
mod load;
mod mesahub;
mod metrics;
mod nats;
mod origin;
mod parse;
mod placeholder;
mod print;
mod provider;
mod real_time;
mod redis_use;
mod resolve;
mod secret;
mod secret_files;
mod server;
mod sessions;
mod settings;
mod sources;
mod suggestion;
mod text;
mod token_keys;
mod tree;
mod typed;
mod url;
mod validate;
mod value;

pub use authentication::{AuthenticationSettings, ClaimSettings, JwksSettings};
pub use backplane::{
    Address, AmqpBackplane, Backplane, NatsBackplane, RedisBackplane, RedisServers,
};
pub use choice::{
    CallAccount, ForwardedHeader, JournalSync, LogFormat, LogLevel, Provider, RateAlgorithm,
    RedisDeployment, SessionStoreKind, Transport, Wire,
};
pub use environment::Environment;
pub use error::{ConfigError, Problems};
pub use limits::{
    AdmissionSettings, CallLimitSettings, ConnectionLimitSettings, FailureLimitSettings,
    LimitSettings, PublishLimitSettings,
};
pub use load::{Loaded, load};
pub use mesahub::{
    ClusterSettings, CorsSettings, HubSettings, LogSettings, LoggingSettings, LongPollingSettings,
    MesahubSettings, WebSocketSettings,
};
pub use metrics::MetricsSettings;
pub use origin::{Origin, Place};
pub use print::check;
pub use provider::{
    AmqpSettings, AwsSettings, AzureSettings, GcpSettings, LocalSettings, NatsSettings,
    ProviderSettings, UpstashSettings,
};
pub use real_time::{
    JournalSettings, NotificationSettings, RealTimeSettings, RedisSettings, SignalRSettings,
};
pub use secret::Secret;
pub use server::ServerSettings;
pub use sessions::SessionSettings;
pub use settings::Settings;
pub use sources::{Flags, Sources};
pub use text::{AllowedOrigin, HubPath};
