//! Checking JSON Web Tokens (RFC 7519) signed with a shared secret.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, Validation, errors::ErrorKind};
use serde::Deserialize;

use super::{
    authenticator::Authenticator,
    claims::Claims,
    error::{AuthError, TokenPart},
    key::{KeyError, SecretKey, SigningAlgorithm},
    principal::Principal,
};

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// What a [`JwtAuthenticator`] accepts.
#[derive(Debug, Clone)]
pub struct JwtOptions {
    /// The ways of signing that are accepted; any other is refused, `none` always.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The shared secret.
    pub key: SecretKey,
    /// When set, the only issuer whose tokens are accepted.
    pub issuer: Option<String>,
    /// When set, an audience that a token must name.
    pub audience: Option<String>,
    /// How far the issuer's clock and ours may be apart; whole seconds count. 60 s by default.
    pub leeway: Duration,
}

impl JwtOptions {
    /// HS256 with this key, any issuer and audience, a leeway of 60 s.
    #[must_use]
    pub fn new(key: SecretKey) -> Self {
        Self {
            algorithms: vec![SigningAlgorithm::Hs256],
            key,
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(60),
        }
    }
}

/// Accepts JSON Web Tokens that are signed with our secret.
///
/// `exp` is required. From the claims it takes the tenant (`tenantKey`), the user (`userId`,
/// else `sub`, else the name identifier in its long or its short .NET form), the roles
/// (`role` in its short and its long form, one or several), the dining session
/// (`sessionId`), the token's id (`jti`) and, for a service, its `tenants`. A claim that is
/// `null` or empty text counts as absent, as it does for the .NET back ends that write it.
#[derive(Debug)]
pub struct JwtAuthenticator {
    options: JwtOptions,
    key: DecodingKey,
}

impl JwtAuthenticator {
    /// Prepares the check.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoAlgorithm`], or [`KeyError::TooShort`] when the key is too short for
    /// one of the algorithms.
    pub fn new(options: JwtOptions) -> Result<Self, KeyError> {
        if options.algorithms.is_empty() {
            return Err(KeyError::NoAlgorithm);
        }
        for algorithm in &options.algorithms {
            options.key.check(*algorithm)?;
        }
        let key = DecodingKey::from_secret(options.key.bytes());
        Ok(Self { options, key })
    }

    /// Checks a token as if the time were `now`.
    ///
    /// # Errors
    ///
    /// As for [`Authenticator::authenticate`]. The signature comes before every claim, so
    /// a forged token learns nothing of what we expect.
    pub fn authenticate_at(&self, token: &str, now: Timestamp) -> Result<Principal, AuthError> {
        if token.is_empty() {
            return Err(AuthError::Missing);
        }
        let claims = self.verified_claims(token)?;
        claims.check_times(now, self.options.leeway)?;
        if let Some(issuer) = &self.options.issuer {
            claims.check_issuer(issuer)?;
        }
        if let Some(audience) = &self.options.audience {
            claims.check_audience(audience)?;
        }
        claims.principal()
    }

    fn verified_claims(&self, token: &str) -> Result<Claims, AuthError> {
        let algorithm = self.algorithm_of(token)?;
        // Only the signature is left to the library: it takes a token without an issuer for
        // one from the right issuer, and cannot be given the time.
        let mut validation = Validation::new(algorithm.in_jsonwebtoken());
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        match jsonwebtoken::decode(token, &self.key, &validation) {
            Ok(verified) => Ok(Claims::new(verified.claims)),
            Err(error) => Err(refusal(error.kind(), token)),
        }
    }

    /// Reads the header by ourselves, because the library has no word for an algorithm that
    /// it does not know and passes over critical extensions.
    fn algorithm_of(&self, token: &str) -> Result<SigningAlgorithm, AuthError> {
        let malformed = |part| AuthError::Malformed { part };
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed(TokenPart::Shape));
        };
        if token.len() > LONGEST_TOKEN {
            return Err(malformed(TokenPart::Shape));
        }
        let header: Header = URL_SAFE_NO_PAD
            .decode(header)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or(malformed(TokenPart::Header))?;
        let allowed = self.options.algorithms.iter();
        let algorithm = allowed
            .copied()
            .find(|algorithm| algorithm.as_str() == header.alg)
            .ok_or_else(|| AuthError::AlgorithmNotAllowed {
                alg: printable(&header.alg),
            })?;
        match header.crit {
            None => Ok(algorithm),
            Some(_) => Err(AuthError::CriticalExtension),
        }
    }
}

impl Authenticator for JwtAuthenticator {
    fn authenticate(&self, token: &str) -> Result<Principal, AuthError> {
        self.authenticate_at(token, Timestamp::now())
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    crit: Option<serde::de::IgnoredAny>,
}

fn printable(alg: &str) -> String {
    let graphic = alg.chars().filter(char::is_ascii_graphic);
    graphic.take(16).collect()
}

fn refusal(kind: &ErrorKind, token: &str) -> AuthError {
    let part = match kind {
        // Both the signature and the payload are base64; the library does not say which.
        ErrorKind::Base64(_) if is_base64(token.rsplit('.').next()) => TokenPart::Payload,
        ErrorKind::Base64(_) => TokenPart::Signature,
        ErrorKind::Json(_) | ErrorKind::Utf8(_) => TokenPart::Payload,
        ErrorKind::InvalidToken => TokenPart::Shape,
        _ => return AuthError::BadSignature,
    };
    AuthError::Malformed { part }
}

fn is_base64(part: Option<&str>) -> bool {
    part.is_some_and(|part| URL_SAFE_NO_PAD.decode(part).is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::auth::{ClaimProblem, TokenSpec};

    const NOW: i64 = 1_800_000_000;

    fn key() -> SecretKey {
        SecretKey::new(*b"a secret for tests, of 64 bytes, which is enough for HS512 too!!")
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A token for one hour from `NOW`.
    fn spec() -> TokenSpec {
        TokenSpec {
            tenant: Some("demo".parse().unwrap()),
            user: Some("ann".parse().unwrap()),
            issued_at: Some(second(NOW)),
            ..TokenSpec::default()
        }
    }

    fn mint(spec: &TokenSpec) -> String {
        spec.mint(&key(), SigningAlgorithm::Hs256).unwrap()
    }

    fn check(options: JwtOptions, token: &str, now: i64) -> Result<Principal, AuthError> {
        let authenticator = JwtAuthenticator::new(options).unwrap();
        authenticator.authenticate_at(token, second(now))
    }

    fn refusal_of(token: &str) -> AuthError {
        check(JwtOptions::new(key()), token, NOW).unwrap_err()
    }

    /// The token with another header, whose signature is then wrong.
    fn with_header(token: &str, header: &serde_json::Value) -> String {
        let (_, rest) = token.split_once('.').unwrap();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
    }

    #[test]
    fn a_minted_token_reads_back() {
        let principal = check(JwtOptions::new(key()), &mint(&spec()), NOW).unwrap();
        assert_eq!(principal.user_key().unwrap(), "demo:ann");
        assert_eq!(principal.expires_at, Some(second(NOW + 3600)));
        assert!(principal.token_id.is_some());
    }

    #[test]
    fn a_fresh_token_is_accepted_by_the_real_clock_and_a_past_one_is_not() {
        let authenticator = JwtAuthenticator::new(JwtOptions::new(key())).unwrap();
        let authenticator: &dyn Authenticator = &authenticator;
        assert!(
            authenticator
                .authenticate(&mint(&TokenSpec::default()))
                .is_ok()
        );
        let past = TokenSpec {
            issued_at: Some(second(1_000_000_000)),
            ..TokenSpec::default()
        };
        assert_eq!(
            authenticator.authenticate(&mint(&past)),
            Err(AuthError::Expired)
        );
        assert_eq!(authenticator.without_token(), Err(AuthError::Missing));
        assert_eq!(authenticator.authenticate(""), Err(AuthError::Missing));
    }

    #[test]
    fn a_token_ends_at_its_expiry_and_the_leeway() {
        let token = mint(&spec());
        let at = |now| check(JwtOptions::new(key()), &token, now);
        assert!(at(NOW + 3600 + 59).is_ok());
        assert_eq!(at(NOW + 3600 + 60), Err(AuthError::Expired));
    }

    #[test]
    fn a_token_begins_at_its_not_before_less_the_leeway() {
        let token = mint(&TokenSpec {
            not_before: Some(second(NOW + 100)),
            ..spec()
        });
        let at = |now| check(JwtOptions::new(key()), &token, now);
        assert_eq!(at(NOW + 39), Err(AuthError::NotYetValid));
        assert!(at(NOW + 40).is_ok());
    }

    #[test]
    fn a_token_without_an_end_is_refused() {
        let header = jsonwebtoken::Header::default();
        let key = jsonwebtoken::EncodingKey::from_secret(key().bytes());
        let token = jsonwebtoken::encode(&header, &json!({ "sub": "ann" }), &key).unwrap();
        let (claim, problem) = ("exp", ClaimProblem::Missing);
        assert_eq!(
            refusal_of(&token),
            AuthError::InvalidClaim { claim, problem }
        );
    }

    #[test]
    fn every_allowed_algorithm_works_and_the_others_are_refused_by_name() {
        use SigningAlgorithm::{Hs256, Hs384, Hs512};
        for algorithm in [Hs256, Hs384, Hs512] {
            let token = spec().mint(&key(), algorithm).unwrap();
            let algorithms = vec![algorithm];
            let options = JwtOptions {
                algorithms,
                ..JwtOptions::new(key())
            };
            assert!(check(options, &token, NOW).is_ok(), "{algorithm}");
        }
        let token = mint(&spec());
        for alg in ["none", "None", "HS384", "RS256", "hs256", "HS1024", ""] {
            let alg = alg.to_owned();
            let token = with_header(&token, &json!({ "alg": alg }));
            assert_eq!(refusal_of(&token), AuthError::AlgorithmNotAllowed { alg });
        }
        let unsigned = with_header(&token, &json!({ "alg": "none" }));
        let (unsigned, _) = unsigned.rsplit_once('.').unwrap();
        let error = refusal_of(&format!("{unsigned}."));
        assert_eq!(error.code(), "token_algorithm_not_allowed");
    }

    #[test]
    fn a_forged_token_is_refused_before_its_claims_are_read() {
        let other = SecretKey::new([9; 64]);
        let expired = TokenSpec {
            issued_at: Some(second(0)),
            ..spec()
        };
        let forged = expired.mint(&other, SigningAlgorithm::Hs256).unwrap();
        assert_eq!(refusal_of(&forged), AuthError::BadSignature);
        let genuine = mint(&spec());
        let parts: Vec<_> = genuine.split('.').collect();
        let forged: Vec<_> = forged.split('.').collect();
        let spliced = [parts[0], forged[1], parts[2]].join(".");
        assert_eq!(refusal_of(&spliced), AuthError::BadSignature);
        let unsigned = format!("{}.{}.", parts[0], parts[1]);
        assert_eq!(refusal_of(&unsigned), AuthError::BadSignature);
    }

    #[test]
    fn a_critical_extension_is_refused() {
        let header = json!({ "alg": "HS256", "crit": ["exp2"] });
        let token = with_header(&mint(&spec()), &header);
        assert_eq!(refusal_of(&token), AuthError::CriticalExtension);
    }

    #[test]
    fn issuer_and_audience_are_checked_when_set_and_must_then_be_there() {
        let named = |issuer: Option<&str>, audience: Option<&str>| {
            let options = JwtOptions {
                issuer: Some("mesa".to_owned()),
                audience: Some("hub".to_owned()),
                ..JwtOptions::new(key())
            };
            let token = mint(&TokenSpec {
                issuer: issuer.map(str::to_owned),
                audience: audience.map(str::to_owned),
                ..spec()
            });
            check(options, &token, NOW).map(|_| ())
        };
        assert_eq!(named(Some("mesa"), Some("hub")), Ok(()));
        assert_eq!(
            named(Some("Mesa"), Some("hub")),
            Err(AuthError::WrongIssuer)
        );
        assert_eq!(named(None, Some("hub")), Err(AuthError::WrongIssuer));
        assert_eq!(
            named(Some("mesa"), Some("shop")),
            Err(AuthError::WrongAudience)
        );
        assert_eq!(named(Some("mesa"), None), Err(AuthError::WrongAudience));
    }

    #[test]
    fn what_is_no_token_is_refused_by_its_part() {
        let token = mint(&spec());
        let (header, rest) = token.split_once('.').unwrap();
        let (payload, signature) = rest.split_once('.').unwrap();
        for (text, part) in [
            ("x".to_owned(), TokenPart::Shape),
            (format!("{header}.{payload}"), TokenPart::Shape),
            (format!("{token}.x"), TokenPart::Shape),
            (
                format!("{token}{}", "A".repeat(16 * 1024)),
                TokenPart::Shape,
            ),
            (format!("!.{payload}.{signature}"), TokenPart::Header),
            (format!("e30.{payload}.{signature}"), TokenPart::Header),
            (format!("{header}.{payload}.!"), TokenPart::Signature),
        ] {
            assert_eq!(refusal_of(&text), AuthError::Malformed { part }, "{part:?}");
        }
    }

    #[test]
    fn a_signed_payload_that_is_no_object_is_malformed() {
        let header = jsonwebtoken::Header::default();
        let key = jsonwebtoken::EncodingKey::from_secret(key().bytes());
        let token = jsonwebtoken::encode(&header, &json!(["exp"]), &key).unwrap();
        let part = TokenPart::Payload;
        assert_eq!(refusal_of(&token), AuthError::Malformed { part });
    }

    #[test]
    fn no_refusal_holds_a_part_of_the_token() {
        let token = mint(&spec());
        let header = json!({ "alg": "SECRETSECRETSECRETSECRET" });
        let tokens = [
            format!("{token}A"),
            with_header(&token, &header),
            "a.b".to_owned(),
        ];
        for token in tokens {
            let error = refusal_of(&token);
            let shown = format!("{error} {error:?} {}", error.challenge());
            assert!(
                token
                    .split('.')
                    .all(|part| part.len() < 3 || !shown.contains(part))
            );
        }
    }

    #[test]
    fn settings_that_would_refuse_or_weaken_everything_stop_the_start() {
        let algorithms = Vec::new();
        let none = JwtOptions {
            algorithms,
            ..JwtOptions::new(key())
        };
        assert!(matches!(
            JwtAuthenticator::new(none),
            Err(KeyError::NoAlgorithm)
        ));
        let short = JwtOptions::new(SecretKey::new(*b"short"));
        assert!(matches!(
            JwtAuthenticator::new(short),
            Err(KeyError::TooShort {
                found: 5,
                needed: 32,
                ..
            })
        ));
    }
}
