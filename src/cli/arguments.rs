//! What the command line may say.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mesahub::auth::{Role, SessionId, TenantKey, UserId};
use mesahub::config::{ConfigError, Flags};
use mesahub::notification::NotificationId;

use super::load::LoadArguments;

/// A real-time notification hub for SignalR clients.
#[derive(Debug, Parser)]
#[command(name = "mesahub", version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) configuration: ConfigurationArguments,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server until SIGTERM or Ctrl-C.
    Serve {
        /// Listen here instead of on the configured address; port 0 picks a free one.
        #[arg(long, value_name = "IP:PORT")]
        address: Option<SocketAddr>,
    },
    /// Make a token that this configuration accepts, for trying things out.
    Token(TokenArguments),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// See to the notifications that a running server has given up.
    DeadLetters(DeadLetterArguments),
    /// Ask a running server whether it lives: for the health check of a container.
    ///
    /// Ends with 0 when it answers that all is well, and with 1 when it does not.
    Health(HealthArguments),
    /// Put load on a SignalR server, and tell what was lost, doubled or reordered.
    ///
    /// Ends with 0 when everybody was connected and heard everything once and in order, and with 1
    /// when not. With a server of Mesahub and nothing said of tokens and publishing, a tenant is made
    /// up for each channel, with admins who hear its new orders.
    Load(Box<LoadArguments>),
    /// Examine the configured backplane and say what to mend.
    ///
    /// Ends with 0 when nothing failed, warnings or not; with 1 when something did, or the
    /// configuration is not good; with 2 when the arguments are wrong.
    Doctor {
        /// Print the findings as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Which server to ask, and what.
#[derive(Debug, Args)]
pub(crate) struct HealthArguments {
    /// The server; by default the one that this configuration describes, on this machine.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Ask whether it takes traffic, and not only whether it lives.
    #[arg(long)]
    pub(crate) ready: bool,
    /// How long it may take to answer, in seconds.
    #[arg(long, default_value_t = 2, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: u32,
}

/// What to do with the configuration. Neither needs a server.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Load it and say whether it is good, with every problem found.
    Check,
    /// Print the effective configuration as JSON, without secrets.
    Print {
        /// Print where each value came from instead.
        #[arg(long)]
        sources: bool,
    },
}

/// Which server to ask, and what for.
#[derive(Debug, Args)]
pub(crate) struct DeadLetterArguments {
    /// The server; by default the one that this configuration describes, on this machine. Each node
    /// keeps its own.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// A service token for all tenants; by default one is made that this configuration accepts.
    #[arg(long, global = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    #[command(subcommand)]
    pub(crate) command: DeadLetterCommand,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// List them, a line each: id, type, time, attempts, reason.
    List {
        /// Print them as JSON, one a line.
        #[arg(long)]
        json: bool,
    },
    /// Publish some after all, under their old ids.
    Replay(Chosen),
    /// Forget some.
    Drop(Chosen),
}

/// Some dead letters.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Chosen {
    /// The ids of the notifications.
    pub(crate) ids: Vec<NotificationId>,
    /// Every one that there is when this begins.
    #[arg(long)]
    pub(crate) all: bool,
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub(crate) struct ConfigurationArguments {
    /// Development, Staging, Production or a name of your own.
    #[arg(long, global = true, value_name = "NAME")]
    environment: Option<String>,
    /// The folder with the appsettings files.
    #[arg(long, global = true, value_name = "DIR")]
    config_dir: Option<PathBuf>,
    /// The folder with secret files.
    #[arg(long, global = true, value_name = "DIR")]
    secrets_dir: Option<PathBuf>,
    /// Which cloud's settings file to read, such as Azure.
    #[arg(long, global = true, value_name = "NAME")]
    cloud_provider: Option<String>,
    /// Override one key, such as `--set RealTimeConfiguration:SignalR:KeepAliveInterval=10`.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

/// What a token says.
#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// The tenant that the bearer belongs to.
    #[arg(long)]
    pub(crate) tenant: Option<TenantKey>,
    /// The bearer's user id.
    #[arg(long)]
    pub(crate) user: Option<UserId>,
    /// Admin, Staff, Customer or Service; may be repeated.
    #[arg(long)]
    pub(crate) role: Vec<Role>,
    /// The dining session, a GUID.
    #[arg(long)]
    pub(crate) session: Option<SessionId>,
    /// Tenants that a service may publish for, separated by commas, or `*` for all.
    #[arg(long, value_name = "LIST")]
    pub(crate) service_tenants: Option<String>,
    /// The token's `iss`; by default the first configured one.
    #[arg(long, value_name = "TEXT")]
    pub(crate) issuer: Option<String>,
    /// The token's `aud`; by default the first configured one.
    #[arg(long, value_name = "TEXT")]
    pub(crate) audience: Option<String>,
    /// The token's `jti`; by default a random one.
    #[arg(long, value_name = "TEXT")]
    pub(crate) id: Option<String>,
    /// How long the token is valid, in seconds.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    pub(crate) lifetime: u32,
}

impl ConfigurationArguments {
    /// The same in the words of the configuration room.
    pub(crate) fn into_flags(self) -> Result<Flags, ConfigError> {
        let overrides = self
            .overrides
            .iter()
            .map(|text| Flags::parse_override(text));
        Ok(Flags {
            config_dir: self.config_dir,
            secrets_dir: self.secrets_dir,
            environment: self.environment,
            cloud_provider: self.cloud_provider,
            overrides: overrides.collect::<Result<_, _>>()?,
        })
    }
}
