//! `mesahub token`.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use mesahub::app::options;
use mesahub::app::signing::{self, SigningError};
use mesahub::auth::{Role, ServiceScope, SessionId, TenantKey, TokenSpec};
use mesahub::config::Loaded;
use uuid::Uuid;

use super::arguments::TokenArguments;

/// Prints a token that a server with this configuration accepts.
pub(super) fn print(loaded: &Loaded, wanted: &TokenArguments) -> Result<(), Box<dyn Error>> {
    let spec = TokenSpec {
        tenant: wanted.tenant.clone(),
        user: wanted.user.clone(),
        roles: wanted.role.clone(),
        session: wanted.session,
        service: wanted.service_tenants.as_deref().map(scope).transpose()?,
        lifetime: Duration::from_secs(wanted.lifetime.into()),
        issuer: wanted.issuer.clone(),
        audience: wanted.audience.clone(),
        token_id: wanted.id.clone(),
        ..TokenSpec::default()
    };
    writeln!(std::io::stdout(), "{}", sign(loaded, spec)?)?;
    Ok(())
}

/// Prints a token for each kind of visitor. For development servers only.
pub(super) fn print_samples(loaded: &Loaded) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    if let Err(SigningError::NoAlgorithm) = signing::key(loaded) {
        return Ok(());
    }
    writeln!(out, "tokens for trying it out, good for an hour:")?;
    let tenant: TenantKey = "pizza".parse()?;
    let samples = [
        ("admin", Some("anna"), vec![Role::Admin], None, None),
        (
            "customer",
            Some("carl"),
            vec![Role::Customer],
            Some(SessionId::from(Uuid::now_v7())),
            None,
        ),
        ("service", None, Vec::new(), None, Some(ServiceScope::Every)),
    ];
    for (name, user, roles, session, service) in samples {
        let spec = TokenSpec {
            tenant: service.is_none().then(|| tenant.clone()),
            user: user.map(str::parse).transpose()?,
            roles,
            session,
            service,
            ..TokenSpec::default()
        };
        writeln!(out, "  {name}: {}", sign(loaded, spec)?)?;
    }
    Ok(())
}

/// A token for a service that acts for every tenant.
pub(super) fn of_every_tenant(loaded: &Loaded) -> Result<String, Box<dyn Error>> {
    let spec = TokenSpec {
        service: Some(ServiceScope::Every),
        ..TokenSpec::default()
    };
    sign(loaded, spec)
}

/// A token for an admin of a tenant.
pub(super) fn of_an_admin(loaded: &Loaded, tenant: TenantKey) -> Result<String, Box<dyn Error>> {
    let spec = TokenSpec {
        tenant: Some(tenant),
        roles: vec![Role::Admin],
        ..TokenSpec::default()
    };
    sign(loaded, spec)
}

/// Signs a token as this configuration wants it.
fn sign(loaded: &Loaded, spec: TokenSpec) -> Result<String, Box<dyn Error>> {
    let (key, algorithm) = signing::key(loaded)?;
    let authentication = &loaded.settings.mesahub.authentication;
    let spec = TokenSpec {
        issuer: spec.issuer.or_else(|| first(&authentication.issuer)),
        audience: spec.audience.or_else(|| first(&authentication.audience)),
        names: options::claim_names(&authentication.claims),
        ..spec
    };
    Ok(spec.mint(&key, algorithm)?)
}

fn first(list: &[String]) -> Option<String> {
    list.first().cloned()
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
