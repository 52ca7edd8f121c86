//! The tokens that the demo hands out, minted by `mesahub token`.

use std::path::Path;

use crate::cargo;
use crate::error::TaskError;

/// The tenant of the demo.
pub(crate) const TENANT: &str = "pizza";

/// The customer's dining session.
pub(crate) const SESSION: &str = "7d3c0a52-5f0e-4e0b-9a4e-2f6f1f0c9b11";

/// An order that the printed commands speak of.
pub(crate) const ORDER: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// One token for each kind of visitor.
pub(crate) struct Tokens {
    pub(crate) admin: String,
    pub(crate) customer: String,
    pub(crate) service: String,
}

impl Tokens {
    /// Mints all three with the signing key that the development server uses.
    pub(crate) fn mint(mesahub: &Path) -> Result<Self, TaskError> {
        Ok(Self {
            admin: token(mesahub, &["--role", "Admin", "--user", "anna"])?,
            customer: token(
                mesahub,
                &[
                    "--role",
                    "Customer",
                    "--user",
                    "carla",
                    "--session",
                    SESSION,
                ],
            )?,
            service: token(
                mesahub,
                &[
                    "--role",
                    "Service",
                    "--user",
                    "orders",
                    "--service-tenants",
                    TENANT,
                ],
            )?,
        })
    }
}

fn token(mesahub: &Path, who: &[&str]) -> Result<String, TaskError> {
    let mut command = cargo::command(mesahub, &["token", "--tenant", TENANT]);
    command
        .args(["--lifetime", "86400"])
        .args(who)
        .env("MESAHUB_ENVIRONMENT", "Development");
    let printed = cargo::output_of(command)?;
    let token = printed.trim();
    // Three parts joined by dots, and nothing a shell would trip over.
    let is_token = token.split('.').count() == 3
        && token
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    if is_token {
        Ok(token.to_owned())
    } else {
        Err(TaskError::Unexpected(format!(
            "`mesahub token` printed something else than a token: {token:?}"
        )))
    }
}
