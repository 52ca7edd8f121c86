//! Who a caller is, and what that lets the caller do.
//!
//! ```text
//! Authorization / access_token ── token.rs ──> text
//!                                               │  jwt.rs: signature, then claims.rs: meaning
//!                                               ▼
//!                                           Principal ── policy.rs ──> allowed or Refusal
//! ```
//!
//! What holds here:
//!
//! - Text from outside becomes a checked type ([`TenantKey`], [`UserId`], [`SessionId`],
//!   [`OrderId`], [`Role`]) before anything else sees it; nothing checks it a second time.
//! - No error, log line or `Debug` output of this room holds a token or a key.
//! - A claim that is asked for, is there and makes no sense refuses the token; it is never
//!   skipped. What is `null` or empty text counts as not there.
//!
//! This room knows nothing of HTTP responses, connections or channels: those rooms ask it
//! and choose status codes and close reasons themselves.

mod authenticator;
mod claims;
mod error;
mod guid;
mod identity;
mod jwt;
mod key;
mod mint;
mod policy;
mod principal;
mod role;
mod scope;
mod tenant;
mod text;
mod token;
mod user;

pub use authenticator::{AllowAnonymous, Authenticator};
pub use error::{AuthError, ClaimProblem, TokenPart};
pub use guid::{OrderId, SessionId};
pub use identity::{IdentityError, IdentityKind};
pub use jwt::{JwtAuthenticator, JwtOptions};
pub use key::{KeyError, SecretKey, SigningAlgorithm};
pub use mint::TokenSpec;
pub use policy::{Policy, Refusal};
pub use principal::Principal;
pub use role::Role;
pub use scope::ServiceScope;
pub use tenant::TenantKey;
pub(crate) use text::serde_as_text;
pub use token::{bearer_token, redact_query};
pub use user::UserId;
