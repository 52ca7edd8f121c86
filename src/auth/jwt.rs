//! Checking JSON Web Tokens (RFC 7519).

use std::time::Duration;

use jiff::Timestamp;

use super::{
    algorithm::SigningAlgorithm,
    authenticator::{Authenticator, NewerKeys},
    claim_names::ClaimNames,
    claims::Claims,
    error::AuthError,
    jws::{Jws, not_allowed},
    key::{KeyError, SecretKey},
    keys::{Judgement, Keys},
    principal::Principal,
};

/// What a [`JwtAuthenticator`] accepts.
#[derive(Debug, Clone)]
pub struct JwtOptions {
    /// The ways of signing that are accepted; any other is refused, `none` always. Each needs a
    /// key of its kind.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The keys that tokens may be signed with.
    pub keys: Keys,
    /// The issuers whose tokens are accepted; any one where none is listed.
    pub issuers: Vec<String>,
    /// The audiences of which a token must name one; none is needed where none is listed.
    pub audiences: Vec<String>,
    /// How far the issuer's clock and ours may be apart; whole seconds count. 60 s by default.
    pub leeway: Duration,
    /// Under which names a token says who it stands for.
    pub claims: ClaimNames,
}

impl JwtOptions {
    /// HS256 with this secret, any issuer and audience, a leeway of 60 s.
    #[must_use]
    pub fn new(secret: SecretKey) -> Self {
        Self::with(vec![SigningAlgorithm::Hs256], Keys::none().secret(secret))
    }

    /// These algorithms and keys, any issuer and audience, a leeway of 60 s.
    #[must_use]
    pub fn with(algorithms: Vec<SigningAlgorithm>, keys: Keys) -> Self {
        Self {
            algorithms,
            keys,
            issuers: Vec::new(),
            audiences: Vec::new(),
            leeway: Duration::from_secs(60),
            claims: ClaimNames::default(),
        }
    }
}

/// Accepts JSON Web Tokens that are signed with one of our keys.
///
/// `exp` is required. From the claims it takes the tenant (`tenantKey`), the user (`userId`,
/// else `sub`, else the name identifier in its long or its short .NET form), the roles
/// (`role` in its short and its long form, one or several), the dining session
/// (`sessionId`), the token's id (`jti`) and, for a service, its `tenants`. A claim that is
/// `null` or empty text counts as absent, as it does for the .NET back ends that write it.
#[derive(Debug)]
pub struct JwtAuthenticator {
    options: JwtOptions,
}

impl JwtAuthenticator {
    /// Prepares the check.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoAlgorithm`], or [`KeyError::NoKey`] or [`KeyError::TooShort`] when an
    /// algorithm has no key that is good enough.
    pub fn new(options: JwtOptions) -> Result<Self, KeyError> {
        if options.algorithms.is_empty() {
            return Err(KeyError::NoAlgorithm);
        }
        for algorithm in &options.algorithms {
            options.keys.check(*algorithm)?;
        }
        Ok(Self { options })
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
        claims.check_issuer(&self.options.issuers)?;
        claims.check_audience(&self.options.audiences)?;
        claims.principal(&self.options.claims)
    }

    fn verified_claims(&self, token: &str) -> Result<Claims, AuthError> {
        let token = Jws::read(token)?;
        if !self.options.algorithms.contains(&token.algorithm) {
            return Err(not_allowed(token.algorithm.as_str()));
        }
        match self.options.keys.judge(&token) {
            Judgement::Signed => token.claims().map(Claims::new),
            Judgement::Forged => Err(AuthError::BadSignature),
            Judgement::Unknown => Err(AuthError::UnknownKey),
            Judgement::Unavailable => Err(AuthError::KeysUnavailable),
        }
    }
}

impl Authenticator for JwtAuthenticator {
    fn authenticate(&self, token: &str) -> Result<Principal, AuthError> {
        self.authenticate_at(token, Timestamp::now())
    }

    fn newer_keys(&self) -> Option<NewerKeys> {
        self.options.keys.source()?.newer()
    }

    fn trouble(&self) -> Option<String> {
        self.options.keys.source()?.trouble()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::{ClaimProblem, TokenPart, TokenSpec, mint, testing::Pair};

    const NOW: i64 = 1_800_000_000;

    fn key() -> SecretKey {
        SecretKey::new(*b"a secret for tests, of 64 bytes, which is enough for HS512 too!!")
    }

    fn options() -> JwtOptions {
        JwtOptions::new(key())
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

    /// A token with these claims, whatever they are.
    fn signed(claims: &Value) -> String {
        mint::signed(claims, &key(), SigningAlgorithm::Hs256).unwrap()
    }

    fn check(options: JwtOptions, token: &str, now: i64) -> Result<Principal, AuthError> {
        let authenticator = JwtAuthenticator::new(options).unwrap();
        authenticator.authenticate_at(token, second(now))
    }

    fn refusal_of(token: &str) -> AuthError {
        check(options(), token, NOW).unwrap_err()
    }

    /// The token with another header, whose signature is then wrong.
    fn with_header(token: &str, header: &Value) -> String {
        let (_, rest) = token.split_once('.').unwrap();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
    }

    #[test]
    fn a_minted_token_reads_back() {
        let principal = check(options(), &mint(&spec()), NOW).unwrap();
        assert_eq!(principal.user_key().unwrap(), "demo:ann");
        assert_eq!(principal.expires_at, Some(second(NOW + 3600)));
        assert!(principal.token_id.is_some());
    }

    #[test]
    fn a_fresh_token_is_accepted_by_the_real_clock_and_a_past_one_is_not() {
        let authenticator = JwtAuthenticator::new(options()).unwrap();
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
        let at = |now| check(options(), &token, now);
        assert!(at(NOW + 3600 + 59).is_ok());
        assert_eq!(at(NOW + 3600 + 60), Err(AuthError::Expired));
    }

    #[test]
    fn a_token_begins_at_its_not_before_less_the_leeway() {
        let token = mint(&TokenSpec {
            not_before: Some(second(NOW + 100)),
            ..spec()
        });
        let at = |now| check(options(), &token, now);
        assert_eq!(at(NOW + 39), Err(AuthError::NotYetValid));
        assert!(at(NOW + 40).is_ok());
    }

    #[test]
    fn a_token_without_an_end_is_refused() {
        let (claim, problem) = ("exp".into(), ClaimProblem::Missing);
        assert_eq!(
            refusal_of(&signed(&json!({ "sub": "ann" }))),
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
                ..options()
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
                issuers: vec!["other".to_owned(), "mesa".to_owned()],
                audiences: vec!["hub".to_owned(), "kitchen".to_owned()],
                ..options()
            };
            let token = mint(&TokenSpec {
                issuer: issuer.map(str::to_owned),
                audience: audience.map(str::to_owned),
                ..spec()
            });
            check(options, &token, NOW).map(|_| ())
        };
        assert_eq!(named(Some("mesa"), Some("hub")), Ok(()));
        assert_eq!(named(Some("other"), Some("kitchen")), Ok(()));
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
        let part = TokenPart::Payload;
        let refused = refusal_of(&signed(&json!(["exp"])));
        assert_eq!(refused, AuthError::Malformed { part });
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
            ..options()
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
        let algorithm = SigningAlgorithm::Rs256;
        let keys = Keys::none().secret(key());
        let keyless = JwtAuthenticator::new(JwtOptions::with(vec![algorithm], keys));
        assert_eq!(keyless.unwrap_err(), KeyError::NoKey { algorithm });
    }

    #[test]
    fn tokens_of_key_pairs_are_checked_with_their_public_halves() {
        for pair in Pair::of_every_kind() {
            let kind = |algorithm: &SigningAlgorithm| algorithm.kind() == pair.kind();
            let algorithms: Vec<_> = SigningAlgorithm::ALL.iter().copied().filter(kind).collect();
            let keys = Keys::none().pem(&pair.pem()).unwrap();
            let options = JwtOptions::with(algorithms.clone(), keys);
            for algorithm in algorithms {
                let header = json!({ "alg": algorithm.as_str(), "kid": "any" });
                let claims = json!({ "userId": "ann", "exp": NOW + 60 });
                let token = pair.token(algorithm, &header, &claims);
                let read = check(options.clone(), &token, NOW).unwrap();
                assert_eq!(read.user_key().unwrap(), ":ann", "{algorithm}");
                let claims = json!({ "userId": "bob", "exp": NOW + 60 });
                let other = pair.token(algorithm, &header, &claims);
                let spliced = format!(
                    "{}.{}",
                    other.rsplit_once('.').unwrap().0,
                    token.rsplit_once('.').unwrap().1
                );
                let refused = check(options.clone(), &spliced, NOW);
                assert_eq!(refused, Err(AuthError::BadSignature), "{algorithm}");
            }
        }
    }

    #[test]
    fn a_public_key_is_no_secret_however_it_is_written() {
        let pair = Pair::rsa();
        let keys = Keys::none().secret(key());
        let keys = keys.pem(&pair.pem()).unwrap();
        let algorithms = vec![SigningAlgorithm::Hs256, SigningAlgorithm::Rs256];
        let options = JwtOptions::with(algorithms, keys);
        let claims = json!({ "userId": "ann", "exp": NOW + 60 });
        let pem = pair.pem();
        for secret in [pem.as_bytes(), pem.trim().as_bytes(), &pair.spki()] {
            let secret = SecretKey::new(secret);
            let forged = mint::signed(&claims, &secret, SigningAlgorithm::Hs256).unwrap();
            let refused = check(options.clone(), &forged, NOW);
            assert_eq!(refused, Err(AuthError::BadSignature));
        }
    }

    #[test]
    fn a_key_set_with_ids_checks_the_tokens_that_name_them() {
        let (one, two) = (Pair::p256(), Pair::rsa());
        let set = json!({ "keys": [one.jwk("one"), two.jwk("two")] }).to_string();
        let keys = Keys::none().set(set.as_bytes()).unwrap();
        let algorithms = vec![SigningAlgorithm::Es256, SigningAlgorithm::Rs256];
        let authenticator = JwtAuthenticator::new(JwtOptions::with(algorithms, keys)).unwrap();
        let check = |token: &str| authenticator.authenticate(token).map(|_| ());
        assert_eq!(check(&one.token_of("one", "ann")), Ok(()));
        assert_eq!(check(&two.token_of("two", "ann")), Ok(()));
        let other = Pair::p256();
        assert_eq!(
            check(&other.token_of("one", "ann")),
            Err(AuthError::BadSignature)
        );
        assert_eq!(
            check(&other.token_of("three", "ann")),
            Err(AuthError::UnknownKey)
        );
        assert!(authenticator.newer_keys().is_none());
    }
}
