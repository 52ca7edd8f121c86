//! Key sets that somebody has got at, and keys that change while people are connected.

use std::time::Duration;

use mesahub_test_servers::let_pass;
use serde_json::{Value, json};

use crate::honest::{Client, Honest};
use crate::house::{self, House};
use crate::issuer::Issuer;
use crate::key_pair::Pair;
use crate::token::{self, KEY_ID};
use crate::wire::{Answer, Asking};

async fn negotiated(house: &House, token: &str) -> (u16, Value) {
    told(&Asking::negotiate().bearer(token).send(house.address).await)
}

fn told(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["code"].clone())
}

#[tokio::test]
async fn a_set_that_somebody_has_got_at_lets_nobody_in_and_locks_nobody_out() {
    let house = House::open().await;
    let mut honest = Honest::connect(&house).await;
    let evil = Pair::p256();
    let forged = token::of_pair(&evil, Some("evil"), &token::claims());
    let secret = json!({ "kty": "oct", "kid": "evil", "k": token::encoded([7_u8; 32]) });
    let hmac = token::written(
        "{\"alg\":\"HS256\",\"kid\":\"evil\"}",
        token::claims().to_string(),
        [7_u8; 32],
    );
    let set = |keys: &[Value]| json!({ "keys": keys }).to_string().into_bytes();
    let with = |name: &str, value: Value| {
        let mut jwk = evil.jwk("evil");
        jwk[name] = value;
        set(&[house.curve.jwk(KEY_ID), jwk])
    };
    let elsewhere = Issuer::publishing(&[evil.jwk("evil")]).await;
    let redirect = format!("location: {}\r\n", elsewhere.url());
    let large = [&set(&[evil.jwk("evil")])[..], &vec![b' '; 10 * 1024 * 1024]].concat();
    let two = set(&[evil.jwk("evil"), Pair::p256().jwk("evil")]);
    let many = set(&vec![evil.jwk("evil"); 100]);
    let page = b"<!doctype html><title>Sign in</title>".to_vec();
    for (what, status, header, body) in [
        ("a redirect", "302 Found", redirect.as_str(), Vec::new()),
        (
            "a lasting redirect",
            "308 Moved",
            redirect.as_str(),
            set(&[evil.jwk("evil")]),
        ),
        (
            "an error with keys",
            "500 Oops",
            "",
            set(&[evil.jwk("evil")]),
        ),
        ("10 MiB", "200 OK", "", large),
        ("a web page", "200 OK", "content-type: text/html\r\n", page),
        ("nothing", "200 OK", "", Vec::new()),
        ("an empty set", "200 OK", "", set(&[])),
        ("two keys of one id", "200 OK", "", two),
        ("a hundred keys", "200 OK", "", many),
        (
            "a secret",
            "200 OK",
            "",
            set(&[house.curve.jwk(KEY_ID), secret]),
        ),
        (
            "a key for encryption",
            "200 OK",
            "",
            with("use", json!("enc")),
        ),
        (
            "a key that only signs",
            "200 OK",
            "",
            with("key_ops", json!(["sign"])),
        ),
        (
            "a key of another algorithm",
            "200 OK",
            "",
            with("alg", json!("HS256")),
        ),
        (
            "a key of another curve",
            "200 OK",
            "",
            with("crv", json!("P-384")),
        ),
        ("a private key", "200 OK", "", with("d", json!("AAAA"))),
    ] {
        house.issuer.answer(status, header, &body);
        // The server asks again for a token when its interval has passed.
        let asked = house.issuer.asked();
        while house.issuer.asked() == asked {
            let_pass(Duration::from_millis(100)).await;
            let refused = negotiated(&house, &forged).await;
            assert_eq!(refused, (401, json!("token_unknown_key")), "{what}");
        }
        let refused = negotiated(&house, &forged).await;
        assert_eq!(refused, (401, json!("token_unknown_key")), "{what}");
        let refused = negotiated(&house, &hmac).await;
        assert_eq!(refused, (401, json!("token_bad_signature")), "{what}");
        let good = token::of_pair(&house.curve, Some(KEY_ID), &token::claims());
        assert_eq!(negotiated(&house, &good).await.0, 200, "{what}");
        honest.are_served(&house, what).await;
    }
    assert_eq!(elsewhere.asked(), 0, "a redirect was followed");
}

#[tokio::test]
async fn a_client_with_a_key_that_is_new_connects_at_its_first_try() {
    let house = House::open().await;
    let mut honest = Honest::connect(&house).await;
    let new = Pair::p256();
    let jwks = [house.curve.jwk(KEY_ID), new.jwk("es-2")];
    house.issuer.publish(&jwks);
    let token = token::of_pair(&new, Some("es-2"), &token::claims());
    let mut client = Client::connect(house.address, &token).await;
    honest.are_served(&house, "a new key").await;
    assert_eq!(client.next().await["target"], "NewOrder");
}

#[tokio::test]
async fn without_keys_nobody_is_called_a_forger_and_health_tells_why() {
    let issuer = Issuer::publishing(&[]).await;
    issuer.answer("503 Away", "", b"");
    let settings = [
        ("Algorithms", "ES256".to_owned()),
        ("Jwks:Url", issuer.url()),
    ];
    let address = house::start(&settings).await;
    let pair = Pair::p256();
    let token = token::of_pair(&pair, Some(KEY_ID), &token::claims());
    for door in [
        Asking::negotiate().bearer(&token),
        Asking::upgrade(&format!("?access_token={token}")),
        Asking::publish("mesa").bearer(&token),
    ] {
        let answer = door.send(address).await;
        assert_eq!(told(&answer), (503, json!("keys_unavailable")));
        let head = answer.text.to_lowercase();
        assert!(head.contains("retry-after: "), "{head}");
    }
    let health = Asking::new("GET", "/health/signalr").send(address).await;
    assert_eq!(health.status, 503, "{health:?}");
    let description = health.json()["description"].to_string();
    assert!(
        description.contains("nobody new is let in"),
        "{description}"
    );
    assert!(!description.contains("127.0.0.1"), "{description}");
    let live = Asking::new("GET", "/health/live").send(address).await;
    assert_eq!(live.status, 200);
}
