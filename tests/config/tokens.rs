//! Which tokens a whole server takes, by its settings.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mesahub::app::{App, AppError};
use mesahub::auth::{ClaimNames, Role, SecretKey, SessionId, SigningAlgorithm, TokenSpec};
use mesahub::config::{Sources, load};
use serde_json::json;
use uuid::Uuid;

use crate::in_process;
use crate::key_pair::Pair;
use crate::support::assert_contains;

const KEY: &str = "a key for tests that is long enough for HS256";

/// A server with these settings of `Mesahub:Authentication`, or why there is none.
fn app(environment: &str, settings: &[(&str, &str)]) -> Result<App, AppError> {
    let own = |(key, value): &(&str, &str)| {
        let key = format!("Mesahub:Authentication:{key}");
        (key, (*value).to_owned())
    };
    let loaded = load(&Sources {
        environment_name: Some(environment.to_owned()),
        overrides: settings.iter().map(own).collect(),
        ..Sources::default()
    })
    .unwrap();
    in_process::app(&loaded)
}

/// What stops the start.
fn refused(environment: &str, settings: &[(&str, &str)]) -> String {
    match app(environment, settings) {
        Ok(_) => panic!("it starts with {settings:?}"),
        Err(error) => error.to_string(),
    }
}

async fn started(settings: &[(&str, &str)]) -> SocketAddr {
    let app = app("Production", settings).unwrap();
    in_process::run(app).await.address
}

/// The status of a negotiation.
async fn negotiated(address: SocketAddr, token: &str) -> u16 {
    let url = format!("http://{address}/hubs/notifications/negotiate?negotiateVersion=1");
    let request = reqwest::Client::new().post(url).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

fn file(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mesahub-tokens");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_file_that_holds_no_public_keys_stops_the_start_with_its_key_and_name() {
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let path = file("private.pem", private);
    let path = path.display().to_string();
    let settings = [("Algorithms", "RS256"), ("PublicKeyFiles:0", &path)];
    let error = refused("Production", &settings);
    assert_contains(&error, "Mesahub:Authentication:PublicKeyFiles: ");
    assert_contains(
        &error,
        "private.pem: it is a PRIVATE KEY; `openssl pkey -pubout`",
    );

    let path = file("page.json", "<!doctype html>").display().to_string();
    let settings = [("Algorithms", "RS256"), ("Jwks:File", &path)];
    let error = refused("Production", &settings);
    assert_contains(&error, "Mesahub:Authentication:Jwks:File: ");
    assert_contains(&error, "page.json: it is not a JSON Web Key Set");

    let settings = [("Algorithms", "RS256"), ("Jwks:File", "no-such.json")];
    let error = refused("Development", &settings);
    assert_eq!(
        error,
        "Mesahub:Authentication:Jwks:File: no-such.json: cannot be read"
    );
}

#[tokio::test]
async fn an_algorithm_that_no_file_has_a_key_for_stops_the_start_outside_development() {
    let path = file("p256.pem", &Pair::p256().pem()).display().to_string();
    let settings = [
        ("Algorithms", "ES256, RS256"),
        ("PublicKeyFiles", path.as_str()),
    ];
    assert_eq!(
        refused("Production", &settings),
        "Mesahub:Authentication:Algorithms: RS256 is allowed and there is no RSA key to check it with"
    );
    assert!(app("Development", &settings).is_ok());
}

#[tokio::test]
async fn keys_in_files_check_the_tokens_of_each_kind() {
    let [rsa, p256, p384, p521, edwards] = Pair::of_every_kind();
    let pem = file("two.pem", &format!("{}{}", rsa.pem(), p384.pem()));
    let set = json!({ "keys": [p256.jwk("a"), p521.jwk("b"), edwards.jwk("c")] });
    let set = file("set.json", &set.to_string());
    let address = started(&[
        ("Algorithms", "RS256, ES256, ES384, ES512, EdDSA"),
        ("PublicKeyFiles:0", &pem.display().to_string()),
        ("Jwks:File", &set.display().to_string()),
    ])
    .await;
    let pairs = [
        (&rsa, "any"),
        (&p256, "a"),
        (&p384, "any"),
        (&p521, "b"),
        (&edwards, "c"),
    ];
    for (pair, id) in pairs {
        let token = pair.token_of(id, "ann");
        assert_eq!(negotiated(address, &token).await, 200, "{:?}", pair.kind());
    }
    let other = Pair::p256().token_of("a", "ann");
    assert_eq!(negotiated(address, &other).await, 401);
}

#[tokio::test]
async fn a_set_in_a_file_may_hold_the_secret() {
    let secret = json!({ "keys": [{
        "kty": "oct", "kid": "house", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(KEY),
    }] });
    let path = file("secret.json", &secret.to_string());
    let address = started(&[("Jwks:File", &path.display().to_string())]).await;
    let key = SecretKey::new(KEY.as_bytes());
    let token = TokenSpec::default().mint(&key, SigningAlgorithm::Hs256);
    assert_eq!(negotiated(address, &token.unwrap()).await, 200);
}

#[tokio::test]
async fn any_listed_issuer_and_audience_will_do() {
    let address = started(&[
        ("SigningKey", KEY),
        ("Issuer:0", "https://new.example"),
        ("Issuer:1", "https://old.example"),
        ("Audience", "hub"),
    ])
    .await;
    let of = |issuer: &str, audience: &str| {
        let spec = TokenSpec {
            issuer: Some(issuer.to_owned()),
            audience: Some(audience.to_owned()),
            ..TokenSpec::default()
        };
        let key = SecretKey::new(KEY.as_bytes());
        spec.mint(&key, SigningAlgorithm::Hs256).unwrap()
    };
    for (issuer, audience, status) in [
        ("https://new.example", "hub", 200),
        ("https://old.example", "hub", 200),
        ("https://other.example", "hub", 401),
        ("https://new.example", "shop", 401),
    ] {
        let token = of(issuer, audience);
        assert_eq!(
            negotiated(address, &token).await,
            status,
            "{issuer} {audience}"
        );
    }
}

#[tokio::test]
async fn claims_are_read_under_their_configured_names() {
    let names = ClaimNames {
        tenant_key: "tid".to_owned(),
        user_id: "oid".to_owned(),
        role: "roles".to_owned(),
        session_id: "sid".to_owned(),
    };
    let address = started(&[
        ("SigningKey", KEY),
        ("Claims:TenantKey", &names.tenant_key),
        ("Claims:UserId", &names.user_id),
        ("Claims:Role", &names.role),
        ("Claims:SessionId", &names.session_id),
    ])
    .await;
    let published = async |names: ClaimNames| {
        let spec = TokenSpec {
            tenant: Some("mesa".parse().unwrap()),
            user: Some("till".parse().unwrap()),
            roles: vec![Role::Service],
            session: Some(SessionId::from(Uuid::new_v4())),
            names,
            ..TokenSpec::default()
        };
        let key = SecretKey::new(KEY.as_bytes());
        let token = spec.mint(&key, SigningAlgorithm::Hs256).unwrap();
        let table = json!({
            "type": "TableStatusChanged", "tenantKey": "mesa", "isOccupied": true,
            "tableId": Uuid::new_v4(),
        });
        let url = format!("http://{address}/api/v1/notifications");
        let request = reqwest::Client::new().post(url).bearer_auth(token);
        let answer = request.json(&table).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(published(names).await, 202);
    assert_eq!(published(ClaimNames::default()).await, 403);
}
