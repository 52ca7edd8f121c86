//! Why a run could not begin.

use thiserror::Error;

/// The run cannot begin. What happens once it has is in its [`Report`](super::Report).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The plan does not hold together.
    #[error("{0}")]
    Plan(&'static str),
    /// The system allows too few open files.
    #[error(
        "{needed} open files are needed for as many connections, and the system allows {allowed}: \
         raise its hard limit (`ulimit -Hn`, LimitNOFILE, nofile)"
    )]
    Descriptors {
        /// How many are needed.
        needed: u64,
        /// How many there may be.
        allowed: u64,
    },
    /// The certificates that the machine trusts cannot be read.
    #[error("the machine's trusted certificates cannot be read")]
    Certificates(#[source] std::io::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] tokio_rustls::rustls::Error),
    /// A client for HTTP cannot be made.
    #[error("a client for HTTP cannot be made")]
    Http(#[from] reqwest::Error),
}
