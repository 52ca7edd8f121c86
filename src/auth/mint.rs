//! Making tokens, for `mesahub token`, the demo and tests.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    algorithm::SigningAlgorithm,
    claim_names::ClaimNames,
    guid::SessionId,
    key::{KeyError, SecretKey},
    role::Role,
    scope::ServiceScope,
    tenant::TenantKey,
    user::UserId,
};

/// What a token to be made says. Fields left out do not appear in it.
#[derive(Debug, Clone)]
pub struct TokenSpec {
    /// `tenantKey`.
    pub tenant: Option<TenantKey>,
    /// `userId` and `sub`.
    pub user: Option<UserId>,
    /// `role`: text for one, a list for several.
    pub roles: Vec<Role>,
    /// `sessionId`.
    pub session: Option<SessionId>,
    /// `tenants`; it also adds the role Service.
    pub service: Option<ServiceScope>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`.
    pub audience: Option<String>,
    /// `jti`; a random UUID when left out.
    pub token_id: Option<String>,
    /// `iat`; now when left out. A time in the past makes a token that may have expired.
    pub issued_at: Option<Timestamp>,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
    /// From `iat` to `exp`, in whole seconds. One hour by default.
    pub lifetime: Duration,
    /// The names of the claims that say who it is; the name above is that of the default.
    pub names: ClaimNames,
}

impl Default for TokenSpec {
    fn default() -> Self {
        Self {
            tenant: None,
            user: None,
            roles: Vec::new(),
            session: None,
            service: None,
            issuer: None,
            audience: None,
            token_id: None,
            issued_at: None,
            not_before: None,
            lifetime: Duration::from_secs(60 * 60),
            names: ClaimNames::default(),
        }
    }
}

impl TokenSpec {
    /// Makes and signs the token.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`] when the key is too short for the algorithm, and
    /// [`KeyError::NotSymmetric`] when the algorithm takes no secret.
    pub fn mint(&self, key: &SecretKey, algorithm: SigningAlgorithm) -> Result<String, KeyError> {
        signed(&Value::Object(self.claims()), key, algorithm)
    }

    fn claims(&self) -> Map<String, Value> {
        let begin = self.issued_at.unwrap_or_else(Timestamp::now).as_second();
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let token_id = self.token_id.clone();
        let mut claims = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        };
        let names = &self.names;
        put(&names.tenant_key, self.tenant.as_ref().map(|t| json!(t)));
        put(&names.user_id, self.user.as_ref().map(|u| json!(u)));
        put("sub", self.user.as_ref().map(|u| json!(u)));
        put(&names.role, self.role_claim());
        put(&names.session_id, self.session.as_ref().map(|s| json!(s)));
        put("tenants", self.service.as_ref().map(tenants_claim));
        put("iss", self.issuer.as_ref().map(|i| json!(i)));
        put("aud", self.audience.as_ref().map(|a| json!(a)));
        let random = || Uuid::new_v4().to_string();
        put("jti", Some(json!(token_id.unwrap_or_else(random))));
        put("iat", Some(json!(begin)));
        put("nbf", self.not_before.map(|t| json!(t.as_second())));
        put("exp", Some(json!(begin.saturating_add(lifetime))));
        claims
    }

    fn role_claim(&self) -> Option<Value> {
        let mut roles = self.roles.clone();
        if self.service.is_some() && !roles.contains(&Role::Service) {
            roles.push(Role::Service);
        }
        match roles.as_slice() {
            [] => None,
            [role] => Some(json!(role)),
            several => Some(json!(several)),
        }
    }
}

/// A token with these claims, whatever they are.
pub(super) fn signed(
    claims: &Value,
    key: &SecretKey,
    algorithm: SigningAlgorithm,
) -> Result<String, KeyError> {
    key.check(algorithm)?;
    let able = algorithm.in_library();
    let able = able.ok_or(KeyError::NotSymmetric { algorithm })?;
    let header = json!({ "typ": "JWT", "alg": algorithm.as_str() });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(claims));
    let secret = EncodingKey::from_secret(key.bytes());
    let tag = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, able);
    let tag = tag.map_err(|_| KeyError::NotSymmetric { algorithm })?;
    Ok(format!("{message}.{tag}"))
}

fn tenants_claim(scope: &ServiceScope) -> Value {
    match scope {
        ServiceScope::Every => json!(["*"]),
        ServiceScope::Tenants(tenants) => json!(tenants),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_left_out_does_not_appear() {
        let claims = TokenSpec::default().claims();
        let names: Vec<_> = claims.keys().map(String::as_str).collect();
        assert_eq!(names, ["exp", "iat", "jti"]);
    }

    #[test]
    fn one_role_is_text_and_several_are_a_list() {
        let role = |roles: &[Role]| {
            let roles = roles.to_vec();
            TokenSpec {
                roles,
                ..TokenSpec::default()
            }
            .claims()["role"]
                .clone()
        };
        assert_eq!(role(&[Role::Admin]), json!("Admin"));
        assert_eq!(role(&[Role::Admin, Role::Staff]), json!(["Admin", "Staff"]));
    }

    #[test]
    fn the_end_is_the_beginning_and_the_lifetime() {
        let spec = TokenSpec {
            issued_at: Some(Timestamp::from_second(1_000).unwrap()),
            lifetime: Duration::from_secs(60),
            ..TokenSpec::default()
        };
        assert_eq!(spec.claims()["exp"], json!(1_060));
    }

    #[test]
    fn a_short_key_signs_nothing() {
        let key = SecretKey::new([1; 31]);
        let refused = TokenSpec::default().mint(&key, SigningAlgorithm::Hs256);
        assert!(matches!(refused, Err(KeyError::TooShort { found: 31, .. })));
    }
}
