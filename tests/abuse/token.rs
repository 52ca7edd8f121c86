//! Tokens, good ones and others.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::house::{AUDIENCE, ISSUER};
use crate::key_pair::Pair;

/// The secret of the house.
pub(crate) const KEY: &str = "a secret of the house, which nobody outside it has ever seen";
/// The id of the published key.
pub(crate) const KEY_ID: &str = "es-1";

/// The claims of a person of the tenant `mesa`, good for an hour.
pub(crate) fn claims() -> Value {
    let now = now();
    json!({
        "tenantKey": "mesa", "userId": "eve", "role": "Admin",
        "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 3600,
    })
}

/// The claims of a service of that tenant.
pub(crate) fn service() -> Value {
    with("role", json!("Service"))
}

/// The claims of a person, but for one.
pub(crate) fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// The claims of a person, without one.
pub(crate) fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A token with the secret of the house.
pub(crate) fn signed(claims: &Value) -> String {
    headed(&json!({ "alg": "HS256", "typ": "JWT" }), claims)
}

/// The same with a header of its own.
pub(crate) fn headed(header: &Value, claims: &Value) -> String {
    written(&header.to_string(), claims.to_string(), KEY)
}

/// A token of these texts, whatever they are, with HMAC and SHA-256 under a secret.
pub(crate) fn written(header: &str, payload: impl AsRef<[u8]>, secret: impl AsRef<[u8]>) -> String {
    let message = format!("{}.{}", encoded(header), encoded(payload));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_ref());
    let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", encoded(tag.as_ref()))
}

/// A token of a key pair that says so in its header.
pub(crate) fn of_pair(pair: &Pair, id: Option<&str>, claims: &Value) -> String {
    let algorithm = pair.usual();
    let mut header = json!({ "alg": algorithm.as_str() });
    if let Some(id) = id {
        header["kid"] = json!(id);
    }
    pair.token(algorithm, &header, claims)
}

/// A token of a key pair that says something else in its header.
pub(crate) fn of_pair_headed(pair: &Pair, header: &Value, claims: &Value) -> String {
    pair.token(pair.usual(), header, claims)
}

/// The three parts of a token.
pub(crate) fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().unwrap()
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
