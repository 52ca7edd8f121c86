//! Algorithms that are none, that are not allowed, or that take another kind of key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::house::House;
use crate::token::{self, KEY, KEY_ID, encoded};

const NOT_ALLOWED: &str = "token_algorithm_not_allowed";
const FORGED: &str = "token_bad_signature";

pub(crate) fn rows(house: &House) -> Vec<Attempt> {
    let mut rows = unsigned();
    rows.extend(not_allowed());
    rows.extend(public_keys_as_secrets(house));
    rows.extend(other_kinds(house));
    rows
}

/// `none` in each of its sixteen spellings, without a signature and with one.
fn unsigned() -> Vec<Attempt> {
    let mut rows: Vec<_> = (0..16_u32)
        .map(|upper| {
            let letters = "none".chars().enumerate();
            let name: String = letters
                .map(|(index, letter)| match (upper >> index) & 1 {
                    0 => letter,
                    _ => letter.to_ascii_uppercase(),
                })
                .collect();
            let header = encoded(json!({ "alg": name }).to_string());
            let claims = encoded(token::claims().to_string());
            Attempt::token(
                format!("alg {name} without a signature"),
                &format!("{header}.{claims}."),
                NOT_ALLOWED,
            )
        })
        .collect();
    let header = json!({ "alg": "none" });
    rows.push(Attempt::token(
        "alg none with the signature of HS256",
        &token::headed(&header, &token::claims()),
        NOT_ALLOWED,
    ));
    rows
}

fn not_allowed() -> Vec<Attempt> {
    let named = [
        "HS384",
        "HS512",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES384",
        "ES512",
        "EdDSA",
        "ES256K",
        "hs256",
        "HS256 ",
        " HS256",
        "HS256\0",
        "HS256,none",
        "HMAC",
        "A128KW",
        "dir",
        "",
    ];
    let mut rows: Vec<_> = named
        .into_iter()
        .map(|name| {
            let header = json!({ "alg": name });
            let token = token::headed(&header, &token::claims());
            Attempt::token(format!("alg {name:?}"), &token, NOT_ALLOWED)
        })
        .collect();
    for (what, value) in [
        ("null", json!(null)),
        ("a number", json!(256)),
        ("a list", json!(["HS256"])),
        ("an object", json!({ "HS256": 1 })),
        ("true", json!(true)),
    ] {
        let token = token::headed(&json!({ "alg": value }), &token::claims());
        rows.push(Attempt::token(
            format!("alg as {what}"),
            &token,
            "token_malformed",
        ));
    }
    let token = token::headed(&json!({ "typ": "JWT" }), &token::claims());
    rows.push(Attempt::token("no alg at all", &token, "token_malformed"));
    rows
}

/// What everybody knows of a key pair, taken for the secret of HS256.
fn public_keys_as_secrets(house: &House) -> Vec<Attempt> {
    let pem = house.rsa.pem();
    let jwk = house.rsa.jwk("rsa");
    let curve = house.curve.jwk(KEY_ID);
    let text = |jwk: &Value, name: &str| jwk[name].as_str().unwrap().as_bytes().to_vec();
    let secrets: [(&str, Vec<u8>); 12] = [
        ("the RSA key in PEM", pem.clone().into_bytes()),
        ("the RSA key in PEM, trimmed", pem.trim().into()),
        (
            "the RSA key in PEM with CRLF",
            pem.replace('\n', "\r\n").into_bytes(),
        ),
        ("the RSA key in DER", house.rsa.spki()),
        (
            "the RSA key in base64",
            STANDARD.encode(house.rsa.spki()).into_bytes(),
        ),
        ("the RSA key as a JWK", jwk.to_string().into_bytes()),
        ("the modulus of the RSA key", text(&jwk, "n")),
        ("the curve key in DER", house.curve.spki()),
        ("the curve key in PEM", house.curve.pem().into_bytes()),
        ("the curve key as a JWK", curve.to_string().into_bytes()),
        ("a coordinate of the curve key", text(&curve, "x")),
        ("the id of the curve key", KEY_ID.into()),
    ];
    let mut rows = Vec::new();
    for (what, secret) in secrets {
        for kid in [None, Some(KEY_ID)] {
            let mut header = json!({ "alg": "HS256" });
            let mut name = format!("{what} as a secret");
            if let Some(kid) = kid {
                header["kid"] = json!(kid);
                name.push_str(", named");
            }
            let claims = token::claims().to_string();
            let token = token::written(&header.to_string(), claims, &secret);
            rows.push(Attempt::token(name, &token, FORGED));
        }
    }
    rows
}

/// Genuine signatures under the name of another algorithm.
fn other_kinds(house: &House) -> Vec<Attempt> {
    let claims = token::claims();
    let headed = |pair, alg: &str, kid: Option<&str>| {
        let header = match kid {
            Some(kid) => json!({ "alg": alg, "kid": kid }),
            None => json!({ "alg": alg }),
        };
        token::of_pair_headed(pair, &header, &claims)
    };
    let secret = |alg: &str| {
        let header = json!({ "alg": alg, "kid": KEY_ID }).to_string();
        token::written(&header, claims.to_string(), KEY)
    };
    vec![
        Attempt::token(
            "an RSA signature as ES256",
            &headed(&house.rsa, "ES256", Some(KEY_ID)),
            FORGED,
        ),
        Attempt::token(
            "an RSA signature as HS256",
            &headed(&house.rsa, "HS256", None),
            FORGED,
        ),
        Attempt::token(
            "a curve signature as RS256",
            &headed(&house.curve, "RS256", None),
            FORGED,
        ),
        Attempt::token(
            "a curve signature as HS256",
            &headed(&house.curve, "HS256", Some(KEY_ID)),
            FORGED,
        ),
        Attempt::token(
            "the key of a curve named for RS256",
            &headed(&house.curve, "RS256", Some(KEY_ID)),
            "token_unknown_key",
        ),
        Attempt::token("an HMAC as ES256", &secret("ES256"), FORGED),
    ]
}
