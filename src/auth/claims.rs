//! What the claims of a verified token mean.

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    claim_names::ClaimNames,
    error::{AuthError, ClaimProblem},
    guid::SessionId,
    principal::Principal,
    role::Role,
    scope::ServiceScope,
    tenant::TenantKey,
    user::UserId,
};

const MOST_ROLES: usize = 32;
const LONGEST_TOKEN_ID: usize = 256;

const TEXT: &str = "text";
const TEXTS: &str = "text or a list of texts";
const TENANTS: &str = "a tenant key, a list of at least one tenant key, or \"*\"";
const SECONDS: &str = "seconds since 1970 as a number, not before 1970 and not after 9999";

/// The payload of a token whose signature is right.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn new(payload: Map<String, Value>) -> Self {
        Self(payload)
    }

    /// Checks `exp`, which must be there, and `nbf`, which may be.
    pub(super) fn check_times(&self, now: Timestamp, leeway: Duration) -> Result<(), AuthError> {
        let leeway = i64::try_from(leeway.as_secs()).unwrap_or(i64::MAX);
        let now = now.as_second();
        if now >= self.expiry()?.as_second().saturating_add(leeway) {
            return Err(AuthError::Expired);
        }
        match self.time("nbf")? {
            Some(begin) if now.saturating_add(leeway) < begin.as_second() => {
                Err(AuthError::NotYetValid)
            }
            _ => Ok(()),
        }
    }

    /// Checks that the issuer is one of these; any will do where there are none.
    pub(super) fn check_issuer(&self, expected: &[String]) -> Result<(), AuthError> {
        if expected.is_empty() {
            return Ok(());
        }
        match self.text("iss")? {
            Some(found) if expected.iter().any(|issuer| *issuer == found) => Ok(()),
            _ => Err(AuthError::WrongIssuer),
        }
    }

    /// Checks that one of these is among the audiences; any will do where there are none.
    pub(super) fn check_audience(&self, expected: &[String]) -> Result<(), AuthError> {
        if expected.is_empty() {
            return Ok(());
        }
        let found = self.texts("aud", TEXTS)?;
        match expected.iter().any(|it| found.contains(&it.as_str())) {
            true => Ok(()),
            false => Err(AuthError::WrongAudience),
        }
    }

    /// Who the token stands for.
    pub(super) fn principal(&self, names: &ClaimNames) -> Result<Principal, AuthError> {
        let tenant: Option<TenantKey> = self.identity(&names.tenant_key)?;
        let roles = self.roles(names)?;
        let service = match self.is_service(&roles)? {
            true => Some(self.service(tenant.as_ref())?),
            false => None,
        };
        Ok(Principal {
            user: self.user(names)?,
            session: self.session(&names.session_id)?,
            token_id: self.token_id()?,
            expires_at: Some(self.expiry()?),
            tenant,
            roles,
            service,
        })
    }

    fn user(&self, names: &ClaimNames) -> Result<Option<UserId>, AuthError> {
        for claim in names.user() {
            if let Some(user) = self.identity(claim)? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    fn roles(&self, names: &ClaimNames) -> Result<Box<[Role]>, AuthError> {
        let mut roles: Vec<Role> = Vec::new();
        for claim in names.roles() {
            for name in self.texts(claim, TEXTS)? {
                let role = name.parse().map_err(|e| invalid(claim, e))?;
                if !roles.contains(&role) {
                    roles.push(role);
                }
                if roles.len() > MOST_ROLES {
                    return Err(unexpected(claim, "at most 32 roles"));
                }
            }
        }
        Ok(roles.into())
    }

    fn session(&self, claim: &str) -> Result<Option<SessionId>, AuthError> {
        let session: Option<SessionId> = self.identity(claim)?;
        match session {
            Some(id) if id.as_uuid().is_nil() => Err(invalid(claim, ClaimProblem::EmptyGuid)),
            session => Ok(session),
        }
    }

    fn token_id(&self) -> Result<Option<Arc<str>>, AuthError> {
        let Some(id) = self.text("jti")? else {
            return Ok(None);
        };
        if id.chars().count() > LONGEST_TOKEN_ID || id.chars().any(char::is_control) {
            let expected = "1 to 256 characters without control characters";
            return Err(unexpected("jti", expected));
        }
        Ok(Some(id.into()))
    }

    fn is_service(&self, roles: &[Role]) -> Result<bool, AuthError> {
        if roles.contains(&Role::Service) {
            return Ok(true);
        }
        let scopes = self.texts("scope", TEXTS)?;
        let mut words = scopes.iter().flat_map(|scope| scope.split(' '));
        Ok(words.any(|word| word == "service"))
    }

    fn service(&self, own: Option<&TenantKey>) -> Result<ServiceScope, AuthError> {
        let Some(value) = self.present("tenants") else {
            let own = own.ok_or_else(|| invalid("tenants", ClaimProblem::Missing))?;
            return Ok(ServiceScope::Tenants([own.clone()].into()));
        };
        let keys = texts_in(value).ok_or_else(|| unexpected("tenants", TENANTS))?;
        if keys.is_empty() {
            return Err(unexpected("tenants", TENANTS));
        }
        if keys.contains(&"*") {
            return Ok(ServiceScope::Every);
        }
        let keys: Result<_, _> = keys.into_iter().map(str::parse).collect();
        keys.map(ServiceScope::Tenants)
            .map_err(|e| invalid("tenants", e))
    }

    fn expiry(&self) -> Result<Timestamp, AuthError> {
        self.time("exp")?
            .ok_or_else(|| invalid("exp", ClaimProblem::Missing))
    }

    fn time(&self, claim: &str) -> Result<Option<Timestamp>, AuthError> {
        let Some(value) = self.present(claim) else {
            return Ok(None);
        };
        // Fractions are allowed by RFC 7519, section 2, and are cut off.
        let seconds = value
            .as_i64()
            .or_else(|| value.as_f64().map(|seconds| seconds as i64))
            .filter(|seconds| *seconds >= 0)
            .and_then(|seconds| Timestamp::from_second(seconds).ok());
        seconds.map(Some).ok_or_else(|| unexpected(claim, SECONDS))
    }

    fn identity<T>(&self, claim: &str) -> Result<Option<T>, AuthError>
    where
        T: std::str::FromStr,
        ClaimProblem: From<T::Err>,
    {
        let Some(text) = self.text(claim)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|e| invalid(claim, e))
    }

    /// Text, or a whole number, as which .NET writes numeric ids.
    fn text(&self, claim: &str) -> Result<Option<Cow<'_, str>>, AuthError> {
        match self.present(claim) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.into())),
            Some(Value::Number(n)) if n.is_i64() || n.is_u64() => Ok(Some(n.to_string().into())),
            Some(_) => Err(unexpected(claim, TEXT)),
        }
    }

    fn texts(&self, claim: &str, expected: &'static str) -> Result<Vec<&str>, AuthError> {
        match self.present(claim) {
            None => Ok(Vec::new()),
            Some(value) => texts_in(value).ok_or_else(|| unexpected(claim, expected)),
        }
    }

    fn present(&self, claim: &str) -> Option<&Value> {
        self.0.get(claim).filter(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        })
    }
}

/// `None` when the value is neither text nor a list of texts.
fn texts_in(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn invalid(claim: &str, problem: impl Into<ClaimProblem>) -> AuthError {
    AuthError::InvalidClaim {
        claim: claim.to_owned().into(),
        problem: problem.into(),
    }
}

fn unexpected(claim: &str, expected: &'static str) -> AuthError {
    invalid(claim, ClaimProblem::Unexpected { expected })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    const SESSION: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

    /// The principal of a token with an `exp` and these claims.
    fn principal(claims: Value) -> Result<Principal, AuthError> {
        let Value::Object(mut payload) = claims else {
            unreachable!("claims are an object")
        };
        payload.entry("exp").or_insert(json!(2_000_000_000));
        Claims::new(payload).principal(&ClaimNames::default())
    }

    fn refused_claim(claims: Value) -> Cow<'static, str> {
        match principal(claims) {
            Err(AuthError::InvalidClaim { claim, .. }) => claim,
            other => unreachable!("{other:?}"),
        }
    }

    fn user(claims: Value) -> Option<String> {
        principal(claims).unwrap().user.map(|user| user.to_string())
    }

    #[test]
    fn a_customer_token_is_read_whole() {
        let customer = principal(json!({
            "tenantKey": "demo", "userId": "ann", "role": "Customer",
            "sessionId": SESSION.to_uppercase(), "jti": "t1",
        }))
        .unwrap();
        assert_eq!(customer.tenant.as_ref().unwrap().as_str(), "demo");
        assert_eq!(customer.user_key().unwrap(), "demo:ann");
        assert_eq!(*customer.roles, [Role::Customer]);
        assert_eq!(customer.session.unwrap().to_string(), SESSION);
        assert_eq!(customer.token_id.as_deref(), Some("t1"));
        assert_eq!(customer.expires_at.unwrap().as_second(), 2_000_000_000);
        assert_eq!(customer.service, None);
    }

    #[test]
    fn the_user_comes_from_the_first_claim_that_names_one() {
        let names = ClaimNames::default();
        let [user_id, sub, long, short] = names.user().try_into().unwrap();
        let all = json!({ user_id: "1", sub: "2", long: "3", short: "4" });
        assert_eq!(user(all).unwrap(), "1");
        assert_eq!(
            user(json!({ sub: "2", long: "3", short: "4" })).unwrap(),
            "2"
        );
        assert_eq!(user(json!({ long: "3", short: "4" })).unwrap(), "3");
        assert_eq!(
            user(json!({ user_id: "", sub: null, short: "4" })).unwrap(),
            "4"
        );
        assert_eq!(user(json!({ user_id: 42 })).unwrap(), "42");
        assert_eq!(user(json!({})), None);
    }

    #[test]
    fn roles_gather_from_both_names_once_each() {
        let names = ClaimNames::default();
        let [short, long] = names.roles();
        let claims = json!({ short: ["Staff", "Chef"], long: "Staff" });
        let roles = principal(claims).unwrap().roles;
        assert_eq!(*roles, [Role::Staff, Role::Other("Chef".into())]);
        assert!(principal(json!({ long: "Admin" })).unwrap().is_admin());
        let many: Vec<_> = (0..33).map(|n| format!("role{n}")).collect();
        assert_eq!(refused_claim(json!({ short: many })), "role");
    }

    #[test]
    fn a_service_publishes_for_the_tenants_it_names_or_its_own() {
        let scope = |mut claims: Value| {
            claims["role"] = json!("Service");
            principal(claims).unwrap().service.unwrap()
        };
        let only = |keys: &[&str]| {
            ServiceScope::Tenants(keys.iter().map(|key| key.parse().unwrap()).collect())
        };
        assert_eq!(scope(json!({ "tenants": ["*"] })), ServiceScope::Every);
        assert_eq!(scope(json!({ "tenants": "*" })), ServiceScope::Every);
        assert_eq!(scope(json!({ "tenants": ["a", "b"] })), only(&["a", "b"]));
        assert_eq!(
            scope(json!({ "tenants": "a", "tenantKey": "b" })),
            only(&["a"])
        );
        assert_eq!(scope(json!({ "tenantKey": "b" })), only(&["b"]));
    }

    #[test]
    fn a_service_without_a_usable_tenant_is_refused() {
        for tenants in [json!([]), json!(null), json!("a:b"), json!([1]), json!({})] {
            let claims = json!({ "role": "Service", "tenants": tenants });
            assert_eq!(refused_claim(claims), "tenants");
        }
    }

    #[test]
    fn the_scope_claim_makes_a_service_by_whole_words() {
        let is_service = |scope: Value| {
            let claims = json!({ "scope": scope, "tenants": "*" });
            principal(claims).unwrap().service.is_some()
        };
        assert!(is_service(json!("read service")));
        assert!(is_service(json!(["read", "service"])));
        assert!(!is_service(json!("services self-service")));
        assert!(!is_service(json!(null)));
    }

    #[test]
    fn tenants_without_the_service_role_give_no_rights() {
        let admin = principal(json!({ "role": "Admin", "tenants": ["*"] })).unwrap();
        assert_eq!(admin.service, None);
    }

    #[test]
    fn a_claim_that_makes_no_sense_refuses_the_token_by_name() {
        for (claim, value) in [
            ("tenantKey", json!("a:admins")),
            ("tenantKey", json!(["a"])),
            ("userId", json!("a\u{0}")),
            ("userId", json!(1.5)),
            ("role", json!([["Admin"]])),
            ("sessionId", json!("table 4")),
            ("sessionId", json!("00000000-0000-0000-0000-000000000000")),
            ("jti", json!("x".repeat(257))),
            ("exp", json!("tomorrow")),
            ("exp", json!(-1)),
            ("exp", json!(1e300)),
            ("exp", json!(null)),
        ] {
            assert_eq!(
                refused_claim(json!({ claim: value.clone() })),
                claim,
                "{value}"
            );
        }
    }

    #[test]
    fn claims_have_the_names_that_they_are_given() {
        let names = ClaimNames {
            tenant_key: "https://mesa.example/tenant".to_owned(),
            user_id: "oid".to_owned(),
            role: "roles".to_owned(),
            session_id: "sid".to_owned(),
        };
        let read = |claims: Value| {
            let Value::Object(mut payload) = claims else {
                unreachable!("claims are an object")
            };
            payload.insert("exp".to_owned(), json!(2_000_000_000));
            Claims::new(payload).principal(&names)
        };
        let [_, long] = ClaimNames::default().roles().map(str::to_owned);
        let named = read(json!({
            "https://mesa.example/tenant": "demo", "oid": "ann", "roles": ["Staff"],
            long: "Chef", "sid": SESSION,
        }))
        .unwrap();
        assert_eq!(named.user_key().unwrap(), "demo:ann");
        assert_eq!(*named.roles, [Role::Staff, Role::Other("Chef".into())]);
        assert!(named.is_customer());
        let usual = read(json!({
            "tenantKey": "demo", "userId": "ann", "sub": "ann", "role": "Admin",
            "sessionId": SESSION,
        }))
        .unwrap();
        assert_eq!(
            (usual.tenant, usual.user, usual.session),
            (None, None, None)
        );
        assert!(usual.roles.is_empty());
        let error = read(json!({ "oid": 1.5 })).unwrap_err();
        assert!(
            error.to_string().contains("the token's 'oid' claim"),
            "{error}"
        );
    }
}
