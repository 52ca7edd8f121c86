//! Who a caller is, and what that lets the caller do.
//!
//! ```text
//! Authorization / access_token ── token.rs ──> text
//!                                               │  jws.rs: its header
//!   secret, PEM, jwks/ ── keys.rs ──────────────┤  jwt.rs: signature, then claims.rs: meaning
//!                                               ▼
//!                                           Principal ── policy.rs ──> allowed or Refusal
//! ```
//!
//! What holds here:
//!
//! - Text from outside becomes a checked type ([`TenantKey`], [`UserId`], [`SessionId`],
//!   [`OrderId`], [`Role`]) before anything else sees it; nothing checks it a second time.
//! - A token says which key it is signed with and how, and neither is believed: a key checks the
//!   algorithms of its own kind alone, so that no public key serves as a secret.
//! - No error, log line or `Debug` output of this room holds a token or a key.
//! - A claim that is asked for, is there and makes no sense refuses the token; it is never
//!   skipped. What is `null` or empty text counts as not there.
//!
//! This room knows nothing of HTTP responses, connections or channels: those rooms ask it
//! and choose status codes and close reasons themselves.

mod algorithm;
mod authenticator;
mod claim_names;
mod claims;
mod error;
mod guid;
mod identity;
pub mod jwks;
mod jws;
mod jwt;
mod key;
mod keys;
mod mint;
mod pem;
mod policy;
mod principal;
mod role;
mod scope;
mod tenant;
#[cfg(test)]
mod testing;
mod text;
mod token;
mod user;
mod verifying_key;

pub use algorithm::{KeyKind, SigningAlgorithm};
pub use authenticator::{AllowAnonymous, Authenticator, NewerKeys};
pub use claim_names::ClaimNames;
pub use error::{AuthError, ClaimProblem, TokenPart};
pub use guid::{OrderId, SessionId};
pub use identity::{IdentityError, IdentityKind};
pub use jwt::{JwtAuthenticator, JwtOptions};
pub use key::{KeyError, KeyProblem, SecretKey};
pub use keys::Keys;
pub use mint::TokenSpec;
pub use policy::{Policy, Refusal};
pub use principal::Principal;
pub use role::Role;
pub use scope::ServiceScope;
pub use tenant::TenantKey;
pub(crate) use text::serde_as_text;
pub use token::{bearer_token, redact_query};
pub use user::UserId;
