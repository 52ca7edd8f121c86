//! `mesahub token`.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use mesahub::app::signing;
use mesahub::auth::{ServiceScope, TokenSpec};
use mesahub::config::Loaded;

use super::arguments::TokenArguments;

/// Prints a token that a server with this configuration accepts.
pub(super) fn print(loaded: &Loaded, wanted: &TokenArguments) -> Result<(), Box<dyn Error>> {
    let (key, algorithm) = signing::key(loaded)?;
    let authentication = &loaded.settings.mesahub.authentication;
    let spec = TokenSpec {
        tenant: wanted.tenant.clone(),
        user: wanted.user.clone(),
        roles: wanted.role.clone(),
        session: wanted.session,
        service: wanted.service_tenants.as_deref().map(scope).transpose()?,
        issuer: authentication.issuer.clone(),
        audience: authentication.audience.clone(),
        lifetime: Duration::from_secs(wanted.lifetime.into()),
        ..TokenSpec::default()
    };
    writeln!(std::io::stdout(), "{}", spec.mint(&key, algorithm)?)?;
    Ok(())
}

fn scope(list: &str) -> Result<ServiceScope, Box<dyn Error>> {
    if list.trim() == "*" {
        return Ok(ServiceScope::Every);
    }
    let tenants = list
        .split(',')
        .map(|tenant| tenant.trim().parse())
        .collect::<Result<_, _>>()?;
    Ok(ServiceScope::Tenants(tenants))
}
