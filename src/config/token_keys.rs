//! Whether the keys and the algorithms of tokens fit together, as far as no file is opened.

use super::{authentication::AuthenticationSettings, environment::Environment, validate::Finding};
use crate::auth::SigningAlgorithm;

const ALGORITHMS: &str = "Mesahub:Authentication:Algorithms";

/// Everything that does not fit.
pub(super) fn findings(
    authentication: &AuthenticationSettings,
    environment: &Environment,
) -> Vec<Finding> {
    [
        algorithms(authentication),
        signing_key(authentication, environment),
        public_keys(authentication, environment),
        idle_keys(authentication),
        stale_keys(authentication),
        names(authentication),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn algorithms(authentication: &AuthenticationSettings) -> Option<Finding> {
    authentication.algorithms.is_empty().then(|| {
        let names = SigningAlgorithm::NAMES.join(", ");
        Finding::new(
            ALGORITHMS,
            format!("is empty; expected at least one of {names}"),
        )
    })
}

fn signing_key(
    authentication: &AuthenticationSettings,
    environment: &Environment,
) -> Option<Finding> {
    let length = authentication.signing_key.reveal().len();
    let in_file = length == 0 && authentication.jwks.file.is_some();
    if environment.is_development() || in_file {
        return None;
    }
    let shortest = |algorithm: &SigningAlgorithm| Some((algorithm.shortest_secret()?, *algorithm));
    let allowed = authentication.algorithms.iter().filter_map(shortest);
    let (least, longest) = allowed.max_by_key(|(least, _)| *least)?;
    if length >= least {
        return None;
    }
    let found = match length {
        0 => "is not set".to_owned(),
        length => format!("is {length} bytes long"),
    };
    Some(Finding::new(
        "Mesahub:Authentication:SigningKey",
        format!(
            "{found}; expected at least {least} bytes for {longest} in the environment {environment} (only Development makes its own key), or no HS algorithm in {ALGORITHMS}"
        ),
    ))
}

fn public_keys(
    authentication: &AuthenticationSettings,
    environment: &Environment,
) -> Option<Finding> {
    let jwks = &authentication.jwks;
    let has_keys =
        !authentication.public_key_files.is_empty() || jwks.file.is_some() || jwks.url.is_some();
    if environment.is_development() || has_keys {
        return None;
    }
    let mut allowed = authentication.algorithms.iter();
    let keyless = allowed.find(|algorithm| !algorithm.is_symmetric())?;
    Some(Finding::new(
        ALGORITHMS,
        format!(
            "allows {keyless}, for which there is no key; expected one in PublicKeyFiles, Jwks:File or Jwks:Url"
        ),
    ))
}

/// Keys that no allowed algorithm takes: whoever has set them expects tokens to be checked with
/// them.
fn idle_keys(authentication: &AuthenticationSettings) -> Option<Finding> {
    let takes_public = |algorithm: &SigningAlgorithm| !algorithm.is_symmetric();
    if authentication.algorithms.is_empty() || authentication.algorithms.iter().any(takes_public) {
        return None;
    }
    let idle = match authentication {
        it if it.jwks.url.is_some() => "Jwks:Url",
        it if !it.public_key_files.is_empty() => "PublicKeyFiles",
        _ => return None,
    };
    Some(Finding::new(
        ALGORITHMS,
        format!(
            "allows none that takes the public keys of {idle}; expected what they sign with, such as RS256"
        ),
    ))
}

fn stale_keys(authentication: &AuthenticationSettings) -> Option<Finding> {
    let jwks = &authentication.jwks;
    let (stale_for, interval) = (jwks.stale_for, jwks.refresh_interval);
    (stale_for < interval).then(|| {
        Finding::new(
            "Mesahub:Authentication:Jwks:StaleFor",
            format!(
                "is {} s; expected at least RefreshInterval, which is {} s",
                stale_for.as_secs(),
                interval.as_secs()
            ),
        )
    })
}

fn names(authentication: &AuthenticationSettings) -> Option<Finding> {
    let claims = &authentication.claims;
    let named = [
        (
            "Mesahub:Authentication:Claims:TenantKey",
            &claims.tenant_key,
        ),
        ("Mesahub:Authentication:Claims:UserId", &claims.user_id),
        ("Mesahub:Authentication:Claims:Role", &claims.role),
        (
            "Mesahub:Authentication:Claims:SessionId",
            &claims.session_id,
        ),
    ];
    let (key, _) = named.into_iter().find(|(_, name)| name.is_empty())?;
    Some(Finding::new(key, "is empty; expected the name of a claim"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;
    use crate::config::{JwksSettings, Secret};

    fn keys(
        authentication: &AuthenticationSettings,
        environment: &Environment,
    ) -> Vec<&'static str> {
        let found = findings(authentication, environment);
        found.into_iter().map(|finding| finding.key).collect()
    }

    fn allowing(algorithms: &[SigningAlgorithm]) -> AuthenticationSettings {
        AuthenticationSettings {
            algorithms: algorithms.to_vec(),
            ..AuthenticationSettings::default()
        }
    }

    fn at_address() -> JwksSettings {
        JwksSettings {
            url: Some("https://login.example.com/keys".parse().unwrap()),
            ..JwksSettings::default()
        }
    }

    #[test]
    fn a_signing_key_must_be_as_long_as_the_longest_hash() {
        let key = ["Mesahub:Authentication:SigningKey"];
        let default = AuthenticationSettings::default();
        assert_eq!(keys(&default, &Environment::Production), key);

        for (algorithm, least) in [
            (SigningAlgorithm::Hs256, 32),
            (SigningAlgorithm::Hs384, 48),
            (SigningAlgorithm::Hs512, 64),
        ] {
            let mut authentication = allowing(&[SigningAlgorithm::Hs256, algorithm]);
            authentication.signing_key = Secret::new("k".repeat(least - 1));
            assert_eq!(keys(&authentication, &Environment::Staging), key);

            authentication.signing_key = Secret::new("k".repeat(least));
            assert!(keys(&authentication, &Environment::Staging).is_empty());
        }
    }

    #[test]
    fn an_algorithm_without_any_key_is_found_outside_development() {
        let mut authentication = allowing(&[SigningAlgorithm::Rs256]);
        assert_eq!(
            keys(&authentication, &Environment::Production),
            [ALGORITHMS]
        );
        assert!(keys(&authentication, &Environment::Development).is_empty());
        authentication.jwks = at_address();
        assert!(keys(&authentication, &Environment::Production).is_empty());
        authentication.algorithms.push(SigningAlgorithm::Hs256);
        assert_eq!(
            keys(&authentication, &Environment::Production),
            ["Mesahub:Authentication:SigningKey"]
        );
        authentication.jwks.file = Some("keys.json".into());
        assert!(keys(&authentication, &Environment::Production).is_empty());
    }

    #[test]
    fn keys_that_no_algorithm_takes_are_found_everywhere() {
        let mut authentication = AuthenticationSettings {
            public_key_files: vec!["key.pem".into()],
            ..AuthenticationSettings::default()
        };
        assert_eq!(
            keys(&authentication, &Environment::Development),
            [ALGORITHMS]
        );
        authentication.algorithms = vec![SigningAlgorithm::EdDsa];
        assert!(keys(&authentication, &Environment::Development).is_empty());
    }

    #[test]
    fn keys_must_not_grow_stale_before_they_are_fetched_again() {
        let mut authentication = allowing(&[SigningAlgorithm::Rs256]);
        authentication.jwks = at_address();
        authentication.jwks.stale_for = Duration::from_secs(599);
        assert_eq!(
            keys(&authentication, &Environment::Development),
            ["Mesahub:Authentication:Jwks:StaleFor"]
        );
    }

    #[test]
    fn a_claim_without_a_name_is_found() {
        let mut authentication = AuthenticationSettings::default();
        authentication.claims.role = String::new();
        assert_eq!(
            keys(&authentication, &Environment::Development),
            ["Mesahub:Authentication:Claims:Role"]
        );
    }
}
